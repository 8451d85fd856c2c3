"""What should pass quickly and hasn't: a session that has long been starting, ending, or deleted. Pure.

A start has a deadline and an end a grace; past both, what a session waits for is not the session's own doing, and somebody is to
look: a controller that doesn't run, a node that is lost, a folder that can't be deleted.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rsparkhub.domain.quantity import duration_in_words
from rsparkhub.domain.session import Session, State, Wanted

#: A start may take five minutes and an end two, as the settings and the environments usually say; some say more.
LONG = timedelta(minutes=15)
_LOOK = "Tell your administrator; `rsparkhub doctor` and the controller's log have more."


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """Since when a session should have been elsewhere, and a sentence."""

    since: datetime
    text: str


def stuck(session: Session, *, now: datetime, deleted_at: datetime | None = None, long: timedelta = LONG) -> Stuck | None:
    """Return what has taken too long; None for a session that is where it should be, or on its way.

    Parameters
    ----------
    deleted_at
        When somebody deleted it, where somebody did.
    """
    since, what = _under_way(session, deleted_at)
    if since is None or now - since < long:
        return None
    minutes = timedelta(minutes=(now - since) // timedelta(minutes=1))
    return Stuck(since=since, text=f"{what} for {duration_in_words(minutes)}, which is too long. {_LOOK}")


def _under_way(session: Session, deleted_at: datetime | None) -> tuple[datetime | None, str]:
    if session.wanted is Wanted.DELETED:
        return deleted_at, f"It has been deleted and is still {session.state.value},"
    if session.state in (State.SUSPENDING, State.STOPPING):
        return session.end_requested_at, f"It has been {session.state.value}"
    if session.state in (State.STARTING, State.RESUMING):
        return session.started, f"It has been {session.state.value}"
    return None, ""
