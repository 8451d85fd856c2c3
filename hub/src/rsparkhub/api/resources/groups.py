"""Groups: they say who may start what. For administrators."""

from typing import Annotated

from fastapi import APIRouter, Query

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import administrator, by_now
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.removed_users import refuse_archive
from rsparkhub.domain.access import Identity
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.user import Data
from rsparkhub.store.users import Group
from rsparkhub.wire.course import CourseRule, Instructors
from rsparkhub.wire.users import GroupList, GroupView, Members, NewGroup

router = APIRouter(prefix="/hub/api/groups", tags=["people"])

Administrator = Annotated[Identity, administrator(Scope.USERS)]


@router.get("", summary="All groups", responses=responses(401, 403))
async def list_groups(_: Administrator, context: Context) -> GroupList:
    """By name; everybody is in the group `everyone`, which is not among them."""
    groups = await context.store.users.list_groups()
    return GroupList(groups=[_view(group) for group in groups])


@router.post("", status_code=201, summary="Add a group", responses=responses(401, 403, 404, 409, 422))
async def add(body: NewGroup, identity: Administrator, context: Context) -> GroupView:
    """With who is in it."""
    group = await context.store.users.add_group(body.name, members=body.members, by=by_now(identity, context), now=context.now())
    return _view(group)


@router.put("/{name}", summary="Say who is in a group", responses=responses(401, 403, 404, 422))
async def set_members(name: str, body: Members, identity: Administrator, context: Context) -> GroupView:
    """These people and nobody else. Who is an instructor of it and stays, stays one."""
    await context.store.users.set_members(name, body.members, by=by_now(identity, context))
    return await _find(context, name)


@router.put("/{name}/instructors", summary="Say who the instructors of a group are", responses=responses(401, 403, 404, 422))
async def set_instructors(name: str, body: Instructors, identity: Administrator, context: Context) -> GroupView:
    """These people and nobody else; whoever is no instructor any more stays in the group. It holds at once."""
    await context.store.courses.set_instructors(name, body.instructors, by=by_now(identity, context))
    return await _find(context, name)


@router.patch("/{name}", summary="Set the rule of a group", responses=responses(401, 403, 404, 422))
async def set_rule(name: str, body: CourseRule, identity: Administrator, context: Context) -> GroupView:
    """Whether its instructors look into the sessions of the others in it, who are told so. It holds at once."""
    await context.store.courses.set_rule(name, instructors_view=body.instructors_view, by=by_now(identity, context))
    return await _find(context, name)


DataQuery = Annotated[
    Data,
    Query(
        description="What becomes of its database, folder and bucket: they are kept, written into an archive, or deleted. A "
        "later group of the same name gets none of them.",
    ),
]


@router.delete("/{name}", status_code=204, summary="Remove a group", responses=responses(401, 403, 404, 409, 422))
async def remove(name: str, identity: Administrator, context: Context, data: DataQuery = Data.KEEP) -> None:
    """Its members stay, and reach nothing of what was the group's."""
    refuse_archive(context, data)
    await context.store.users.remove_group(name, data=data, by=by_now(identity, context), now=context.now())


async def _find(context: AppContext, name: str) -> GroupView:
    group = await context.store.courses.get(name)
    return GroupView(
        name=name,
        members=sorted(user.name for user in group.people),
        instructors=sorted(user.name for user in group.people if name in user.teaches),
        instructors_view=group.instructors_view,
    )


def _view(group: Group) -> GroupView:
    return GroupView(
        name=group.name,
        members=sorted(group.members),
        instructors=sorted(group.instructors),
        instructors_view=group.instructors_view,
    )
