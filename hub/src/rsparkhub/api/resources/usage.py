"""What was used: run time of each person and session."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from rsparkhub.api.context import Context
from rsparkhub.api.identity import person
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.sessions import AllQuery, OwnerQuery, whose
from rsparkhub.api.usage_report import usage_report
from rsparkhub.domain.access import Identity
from rsparkhub.domain.scope import Scope
from rsparkhub.wire.record import Usage
from rsparkhub.wire.text import Moment

router = APIRouter(prefix="/hub/api", tags=["records"])

Person = Annotated[Identity, person(Scope.READ)]


@router.get("/usage", summary="What was used", responses=responses(401, 403, 422))
async def usage(
    *,
    identity: Person,
    context: Context,
    everybody: AllQuery = False,
    owner: OwnerQuery = None,
    since: Annotated[Moment | None, Query(description="The period's beginning; the first day by default.")] = None,
    until: Annotated[Moment | None, Query(description="The period's end; now by default.")] = None,
) -> Usage:
    """Your own run time; administrators may ask for everybody's. The most used first."""
    now: datetime = context.now()
    until = min(until or now, now)
    chosen = await whose(context, identity, owner, everybody)
    sessions = await context.store.runs.usage(since=since, until=until, owner=chosen)
    labels = await context.store.people.labels(session.owner for session in sessions)
    return usage_report(sessions, labels=labels, since=since, until=until)
