"""What was done, by whom: every event, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Query

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import administrator
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.sessions import whose
from rsparkhub.api.serializers.views import event_view
from rsparkhub.domain.access import Identity
from rsparkhub.domain.event import EventKind
from rsparkhub.domain.scope import Scope
from rsparkhub.store.audit import AuditFilter
from rsparkhub.wire.record import Audit
from rsparkhub.wire.text import Moment

router = APIRouter(prefix="/hub/api", tags=["records"])

Administrator = Annotated[Identity, administrator(Scope.READ)]

_PAGE = 1000
_MOST_ID = 2**62

PersonQuery = Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")]
Kinds = Annotated[list[EventKind] | None, Query(max_length=20, description="Events of these kinds; of all by default.")]


@router.get("/audit", summary="What was done, newest first", responses=responses(401, 403, 422))
async def audit(
    *,
    identity: Administrator,
    context: Context,
    person: Annotated[PersonQuery, Query(description="Who did it, or whose session or account it is about.")] = None,
    owner: Annotated[PersonQuery, Query(description="Whose session or account it is about.")] = None,
    session: Annotated[
        str | None, Query(max_length=80, pattern=r"^[^\x00]*$", description="A session's id, or the name of some.")
    ] = None,
    kind: Kinds = None,
    since: Annotated[Moment | None, Query(description="From then on.")] = None,
    until: Annotated[Moment | None, Query(description="Before then.")] = None,
    before: Annotated[int | None, Query(ge=0, le=_MOST_ID, description="What came before this event; newest first.")] = None,
    after: Annotated[
        int | None, Query(ge=0, le=_MOST_ID, description="What came after this event; oldest first, for a program that follows.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=_PAGE)] = 200,
) -> Audit:
    """Events stay when their session or account is gone."""
    chosen = AuditFilter(
        person=await _id_of(context, identity, person),
        owner=await _id_of(context, identity, owner),
        session=session,
        kinds=kind,
        since=since,
        until=until,
    )
    if after is not None:
        events = await context.store.audit.since(chosen, after=after, before=before, limit=limit + 1)
    else:
        events = await context.store.audit.newest(chosen, before=before, limit=limit + 1)
    more = events[limit - 1].id if len(events) > limit else None
    events = events[:limit]
    labels = await context.store.people.labels(each for event in events for each in (event.by, event.owner))
    names = await context.store.audit.session_names(event.session for event in events)
    return Audit(events=[event_view(event, labels, names, context.sentences) for event in events], next=more)


async def _id_of(context: AppContext, identity: Identity, name: str | None) -> str | None:
    return None if name is None else await whose(context, identity, name, True)
