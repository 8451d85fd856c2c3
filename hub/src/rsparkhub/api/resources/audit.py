"""What was done, by whom: every event, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Query

from rsparkhub.api.context import Context
from rsparkhub.api.identity import Administrator
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.sessions import whose
from rsparkhub.api.serializers.views import event_view
from rsparkhub.wire.record import Audit

router = APIRouter(prefix="/hub/api", tags=["records"])

_PAGE = 1000


@router.get("/audit", summary="What was done, oldest first", responses=responses(401, 403, 422))
async def audit(
    *,
    identity: Administrator,
    context: Context,
    session: Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00]*$")] = None,
    owner: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    after: Annotated[int, Query(ge=0, le=2**62, description="The id of the last event that you have.")] = 0,
    limit: Annotated[int, Query(ge=1, le=_PAGE)] = 200,
) -> Audit:
    """Events stay when their session is gone."""
    chosen = None if owner is None else await whose(context, identity, owner, True)
    events = await context.store.events.since(session, after, owner=chosen, limit=limit + 1)
    labels = await context.store.people.labels(event.by for event in events)
    more = events[limit - 1].id if len(events) > limit else None
    return Audit(events=[event_view(event, labels) for event in events[:limit]], next=more)
