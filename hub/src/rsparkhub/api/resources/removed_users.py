"""What is left of people who were removed; for administrators."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import administrator, by_now
from rsparkhub.api.problems import responses
from rsparkhub.api.serializers.views import removed_user_view
from rsparkhub.domain.access import Identity
from rsparkhub.domain.errors import Conflict
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.user import Data, id_of_label
from rsparkhub.wire.users import RemovedUserList, RemovedUserView

router = APIRouter(prefix="/hub/api/removed-users", tags=["people"])

Administrator = Annotated[Identity, administrator(Scope.USERS)]

RemovedUser = Annotated[str, Path(alias="id", max_length=64, description="Their id, or what lists call them: `ada (removed)`.")]
Discard = Annotated[
    Literal[Data.ARCHIVE, Data.DELETE], Query(description="Whether it is written into an archive first, or only deleted.")
]


@router.get("", summary="People who were removed, and of whom something is left", responses=responses(401, 403))
async def list_removed(_: Administrator, context: Context) -> RemovedUserList:
    """By id. Whoever is not here left nothing, or an archive."""
    return RemovedUserList(removed=[removed_user_view(left) for left in await context.store.people.left_data()])


@router.delete(
    "/{id}", status_code=202, summary="Archive or delete what is left of somebody", responses=responses(401, 403, 404, 409, 422)
)
async def discard(person: RemovedUser, identity: Administrator, context: Context, data: Discard) -> RemovedUserView:
    """Answers at once; when it is done they are no longer listed. Asked again, it is the same until then."""
    refuse_archive(context, data)
    left = await context.store.people.discard(id_of_label(person) or person, data, by=by_now(identity, context))
    return removed_user_view(left)


def refuse_archive(context: AppContext, data: Data) -> None:
    """Raise `Conflict` where data is to be archived, and the backend can't read what it would write."""
    if data is Data.ARCHIVE and not context.archives:
        raise Conflict(
            "Homes and services have volumes here, which the hub can't read, so there is no archive. Keep the data, copy or "
            "snapshot the volume by the means of your cluster, then delete the data with `rsparkhub user discard` or "
            "`rsparkhub group discard`."
        )
