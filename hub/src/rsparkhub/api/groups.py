"""Groups: they say who may start what. For administrators."""

from fastapi import APIRouter

from rsparkhub.api.context import Here
from rsparkhub.api.identity import Administrator
from rsparkhub.api.problems import responses
from rsparkhub.wire.people import GroupList, GroupView, Members, NewGroup

router = APIRouter(prefix="/hub/api/groups", tags=["people"])


@router.get("", summary="All groups", responses=responses(401, 403))
async def list_groups(_: Administrator, here: Here) -> GroupList:
    """By name; everybody is in the group `everyone`, which is not among them."""
    groups = await here.store.people.list_groups()
    return GroupList(groups=[GroupView(name=group.name, members=sorted(group.members)) for group in groups])


@router.post("", status_code=201, summary="Add a group", responses=responses(401, 403, 404, 409, 422))
async def add(body: NewGroup, _: Administrator, here: Here) -> GroupView:
    """With who is in it."""
    group = await here.store.people.add_group(body.name, people_in_it=body.members, now=here.now())
    return GroupView(name=group.name, members=sorted(group.members))


@router.put("/{name}", summary="Say who is in a group", responses=responses(401, 403, 404, 422))
async def set_members(name: str, body: Members, _: Administrator, here: Here) -> GroupView:
    """These people and nobody else."""
    await here.store.people.set_members(name, body.members)
    return GroupView(name=name, members=sorted(set(body.members)))


@router.delete("/{name}", status_code=204, summary="Remove a group", responses=responses(401, 403, 404))
async def remove(name: str, _: Administrator, here: Here) -> None:
    """Its members stay."""
    await here.store.people.remove_group(name)
