"""What is left of groups that were removed; for administrators."""

from typing import Annotated

from fastapi import APIRouter, Path

from rsparkhub.api.context import Context
from rsparkhub.api.identity import administrator, by_now
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.removed_users import Discard, refuse_archive
from rsparkhub.api.serializers.views import removed_group_view
from rsparkhub.domain.access import Identity
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.user import id_of_label
from rsparkhub.wire.users import RemovedGroupList, RemovedGroupView

router = APIRouter(prefix="/hub/api/removed-groups", tags=["people"])

Administrator = Annotated[Identity, administrator(Scope.USERS)]

RemovedGroup = Annotated[
    str, Path(alias="id", max_length=64, description="Its id, or what lists call it: `stats-101 (removed)`.")
]


@router.get("", summary="Groups that were removed, and of which something is left", responses=responses(401, 403))
async def list_removed(_: Administrator, context: Context) -> RemovedGroupList:
    """By id. A group that is not here left nothing, or an archive."""
    return RemovedGroupList(removed=[removed_group_view(left) for left in await context.store.left_groups.left_data()])


@router.delete(
    "/{id}", status_code=202, summary="Archive or delete what is left of a group", responses=responses(401, 403, 404, 409, 422)
)
async def discard(group: RemovedGroup, identity: Administrator, context: Context, data: Discard) -> RemovedGroupView:
    """Answers at once; when it is done the group is no longer listed. Asked again, it is the same until then."""
    refuse_archive(context, data)
    left = await context.store.left_groups.discard(id_of_label(group) or group, data, by=by_now(identity, context))
    return removed_group_view(left)
