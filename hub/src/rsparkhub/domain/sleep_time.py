"""When a session goes to sleep by itself as things are, until when one that sleeps is kept, and how far a sleep is put off.

What is said here is what the culling does (`domain.cull`), if nobody uses the session until then. Only an idle session's sleep
can be put off, and never beyond its longest run, or further ahead than the installation allows.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from rsparkhub.domain.cull import ahead, idle_end, last_use, retry_after
from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.errors import Conflict
from rsparkhub.domain.notice import still_valid
from rsparkhub.domain.quantity import duration_in_words
from rsparkhub.domain.session import Session, State, Wanted

#: Less is not worth a change: who is at the bound gains it by waiting.
_LEAST_GAIN = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class SleepTime:
    """When a session goes to sleep by itself, and whether because nobody uses it or because of its longest run."""

    at: datetime
    why: Literal["idle", "longest"]


def sleep_time(session: Session, lifecycle: Lifecycle, *, now: datetime) -> SleepTime | None:
    """Return when an idle session goes to sleep by itself; None for one that computes, or doesn't run."""
    if not _runs(session) or session.busy or session.ready is None:
        return None
    idle, longest = _idle_at(session, session.ready, lifecycle, now), _longest_at(session, session.ready, lifecycle)
    return SleepTime(at=idle, why="idle") if idle < longest else SleepTime(at=longest, why="longest")


def kept_until(session: Session, lifecycle: Lifecycle) -> datetime | None:
    """Return when a sleeping session loses the work that its sleep saved; None for one that doesn't sleep."""
    if session.state is not State.SUSPENDED or session.wanted is not Wanted.SUSPENDED or session.ended is None:
        return None
    return session.ended + lifecycle.suspended


def can_extend(session: Session, lifecycle: Lifecycle, *, most: timedelta, now: datetime) -> bool:
    """Return whether the sleep of a session can be put off, by however little."""
    planned = sleep_time(session, lifecycle, now=now)
    return planned is not None and _bound(session, lifecycle, most, now) - planned.at >= _LEAST_GAIN


def extended(session: Session, lifecycle: Lifecycle, *, by: timedelta, most: timedelta, now: datetime) -> datetime:
    """Return until when a session stays awake whose sleep is put off by some time, or by as much as is allowed.

    Parameters
    ----------
    most
        How far ahead of now a sleep may be put off.

    Raises
    ------
    Conflict
        When it doesn't run, computes, or can't be put off any further.
    """
    if not _runs(session) or session.ready is None:
        what = "is going to sleep or to end" if session.state is State.RUNNING else session.state.in_words
        raise Conflict(f"{session.name} {what}. Only the sleep of a session that runs can be put off.")
    planned = sleep_time(session, lifecycle, now=now)
    if planned is None:
        raise Conflict(f"{session.name} computes, and doesn't sleep before it is done. Put its sleep off when it is idle.")
    bound = _bound(session, lifecycle, most, now)
    if bound - planned.at < _LEAST_GAIN:
        if planned.why == "longest":
            longest = duration_in_words(lifecycle.longest)
            raise Conflict(f"{session.name} sleeps after {longest}, the longest run in one go, which can't be put off.")
        if not most:
            raise Conflict("Sleep can't be put off on this hub. Use the session to keep it awake.")
        raise Conflict(f"{session.name} sleeps as late as it may: {duration_in_words(most)} ahead. Put it off again later.")
    return min(planned.at + by, bound)


def _runs(session: Session) -> bool:
    return session.state is State.RUNNING and session.wanted is Wanted.RUNNING and not session.is_service


def _bound(session: Session, lifecycle: Lifecycle, most: timedelta, now: datetime) -> datetime:
    longest = _longest_at(session, session.ready or now, lifecycle)
    return min(now + most, longest)


def _idle_at(session: Session, ready: datetime, lifecycle: Lifecycle, now: datetime) -> datetime:
    end, before = idle_end(session, ready, lifecycle, now), ahead(lifecycle.idle)
    if session.refusal is not None:
        again = session.refusal.at + retry_after(session.refusal.number)
        told = session.refusal.at > last_use(session, ready, now)
        return max(end, again if told else again + before)
    given = still_valid(session.notices, busy=False, last_activity=session.last_activity, awake_until=session.awake_until)
    told_of = next((each.at for each in given if each.kind == "idle" and each.generation == session.generation), None)
    return told_of or max(end, now + before if now > end - before else end)


def _longest_at(session: Session, ready: datetime, lifecycle: Lifecycle) -> datetime:
    given = (each.at for each in session.notices if each.kind == "longest" and each.generation == session.generation)
    return next(given, (session.started or ready) + lifecycle.longest)
