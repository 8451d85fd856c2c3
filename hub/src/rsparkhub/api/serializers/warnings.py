"""What a person is told before a session goes to sleep by itself: pure decisions."""

from datetime import datetime

from rsparkhub.domain.cull import Notice, Warn, decide
from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.wire.session import WarningView


def warnings_of(session: Session, lifecycle: Lifecycle, notices: tuple[Notice, ...], now: datetime) -> list[WarningView]:
    """Return the notices that still stand, and the one that is due though the controller has not given it yet."""
    if session.state is not State.RUNNING or session.wanted is not Wanted.RUNNING:
        return []
    standing = tuple(notice for notice in notices if _stands(notice, session))
    verdict = decide(session, lifecycle, notices=standing, now=now)
    due = (verdict.notice,) if isinstance(verdict, Warn) else ()
    return [WarningView(kind=notice.kind, at=notice.at, text=notice.text) for notice in (*standing, *due)]


def _stands(notice: Notice, session: Session) -> bool:
    if notice.generation != session.generation:
        return False
    if notice.kind == "longest":
        return True
    used = max(filter(None, (session.ready, session.last_activity)), default=None)
    return not session.busy and (used is None or notice.given > used)
