"""Groups: they say who may start what. For administrators."""

from typing import Annotated

from fastapi import APIRouter, Query

from rsparkhub.api.context import Context
from rsparkhub.api.identity import administrator, by_now
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.removed_users import refuse_archive
from rsparkhub.domain.access import Identity
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.user import Data
from rsparkhub.wire.users import GroupList, GroupView, Members, NewGroup

router = APIRouter(prefix="/hub/api/groups", tags=["people"])

Administrator = Annotated[Identity, administrator(Scope.USERS)]


@router.get("", summary="All groups", responses=responses(401, 403))
async def list_groups(_: Administrator, context: Context) -> GroupList:
    """By name; everybody is in the group `everyone`, which is not among them."""
    groups = await context.store.users.list_groups()
    return GroupList(groups=[GroupView(name=group.name, members=sorted(group.members)) for group in groups])


@router.post("", status_code=201, summary="Add a group", responses=responses(401, 403, 404, 409, 422))
async def add(body: NewGroup, identity: Administrator, context: Context) -> GroupView:
    """With who is in it."""
    group = await context.store.users.add_group(body.name, members=body.members, by=by_now(identity, context), now=context.now())
    return GroupView(name=group.name, members=sorted(group.members))


@router.put("/{name}", summary="Say who is in a group", responses=responses(401, 403, 404, 422))
async def set_members(name: str, body: Members, identity: Administrator, context: Context) -> GroupView:
    """These people and nobody else."""
    await context.store.users.set_members(name, body.members, by=by_now(identity, context))
    return GroupView(name=name, members=sorted(set(body.members)))


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
