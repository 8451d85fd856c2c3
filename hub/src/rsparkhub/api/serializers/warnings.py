"""What a person is told before a session goes to sleep by itself, or when it doesn't come to an end: pure decisions."""

from datetime import datetime

from rsparkhub.domain.cull import Warn, decide
from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.notice import still_valid
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.domain.stuck import stuck
from rsparkhub.wire.session import WarningView


def stuck_warnings(session: Session, *, deleted_at: datetime | None, now: datetime) -> list[WarningView]:
    """Return the warning of a session that has long been under way; none of any other."""
    found = stuck(session, now=now, deleted_at=deleted_at)
    return [] if found is None else [WarningView(kind="stuck", at=found.since, text=found.text)]


def warnings_of(session: Session, lifecycle: Lifecycle, now: datetime) -> list[WarningView]:
    """Return the notices that still hold, and the one that is due though the controller has not given it yet."""
    if session.state is not State.RUNNING or session.wanted is not Wanted.RUNNING:
        return []
    standing = still_valid(
        session.notices, busy=session.busy, last_activity=session.last_activity, awake_until=session.awake_until
    )
    verdict = decide(session, lifecycle, now=now)
    due = (verdict.notice,) if isinstance(verdict, Warn) else ()
    return [WarningView(kind=notice.kind, at=notice.at, text=notice.text) for notice in (*standing, *due)]
