"""When a session goes to sleep by itself, and which notice comes before.

An idle session sleeps after its environment's `idle`, counted from the last time that somebody used it; a session that
computes is never idle, and somebody may put off the sleep of one that is (`domain.sleep_time`). Each session sleeps after
`longest` in one go, and what slept for `suspended` is stopped. A notice always comes first, and sleep never comes sooner than
`ahead` after it: so a computation that ended at night is not put to sleep in the minute it ended.

An idle session that could not keep what it has stays awake: its user is told once, and it is tried again, each time after twice
as long (`retry_after`). Only the longest run ends a session whatever is lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.notice import Notice
from rsparkhub.domain.quantity import duration_in_words
from rsparkhub.domain.session import Session, Sleep, State, Wanted

_AT_LEAST = timedelta(minutes=10)
_SHARE = 0.1
_LONGEST_RETRY = timedelta(hours=4)


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """Nothing is due before `until`; None: as long as the session stays as it is."""

    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Warn:
    """A notice is due."""

    notice: Notice


@dataclass(frozen=True, kw_only=True)
class Change:
    """The session wants something else from now on."""

    wanted: Wanted
    reason: str
    sleep: Sleep = Sleep.KEPT


Verdict = Nothing | Warn | Change


def decide(session: Session, lifecycle: Lifecycle, *, now: datetime) -> Verdict:
    """Return what is due for a session: nothing yet, a notice, or that it wants something else from now on."""
    if session.is_service:
        return Nothing(until=None)
    if session.state is State.SUSPENDED and session.wanted is Wanted.SUSPENDED and session.ended:
        if now >= session.ended + lifecycle.suspended:
            return Change(
                wanted=Wanted.STOPPED,
                reason=f"Stopped after {duration_in_words(lifecycle.suspended)} asleep. Your files are kept.",
            )
        return Nothing(until=session.ended + lifecycle.suspended)
    if session.state is not State.RUNNING or session.wanted is not Wanted.RUNNING or session.ready is None:
        return Nothing(until=None)
    due = [_longest(session, session.started or session.ready, lifecycle, now)]
    if not session.busy:
        due.append(_idle(session, session.ready, lifecycle, now))
    return _first(due)


def ahead(limit: timedelta) -> timedelta:
    """Return how long before its end a notice comes: ten minutes, or a tenth of a long limit; half of a short one."""
    return min(max(_AT_LEAST, limit * _SHARE), limit / 2)


def retry_after(attempts: int) -> timedelta:
    """Return how long a session that could not be put to sleep so many times is left alone."""
    doublings = min(max(attempts - 1, 0), 10)
    return min(_AT_LEAST * (1 << doublings), _LONGEST_RETRY)


def last_use(session: Session, ready: datetime, now: datetime) -> datetime:
    """Return when a session was last used; a time to come, as the clock of a node may say, counts as now."""
    return max(ready, min(session.last_activity or ready, now))


def idle_end(session: Session, ready: datetime, lifecycle: Lifecycle, now: datetime) -> datetime:
    """Return until when a session is not yet idle for too long, nobody using it meanwhile."""
    end = last_use(session, ready, now) + lifecycle.idle
    return end if session.awake_until is None else max(end, session.awake_until)


def _is_put_off(session: Session, notice: Notice) -> bool:
    return session.awake_until is not None and notice.at < session.awake_until


def _longest(session: Session, since: datetime, lifecycle: Lifecycle, now: datetime) -> Verdict:
    length = duration_in_words(lifecycle.longest)
    given = next(_given(session, "longest"), None)
    return _stage(
        session,
        kind="longest",
        end=since + lifecycle.longest,
        before=ahead(lifecycle.longest),
        given=given,
        now=now,
        sleep=Sleep.FORCED,
        text=f"This session has run for nearly {length}, the longest it may in one go. It goes to sleep soon; its work is saved.",
        reason=f"Put to sleep after {length}, the longest run in one go. Resume it when you like.",
    )


def _idle(session: Session, ready: datetime, lifecycle: Lifecycle, now: datetime) -> Verdict:
    active, end = last_use(session, ready, now), idle_end(session, ready, lifecycle, now)
    length = duration_in_words(lifecycle.idle)
    reason = f"Put to sleep after {length} without use. Resume it when you like."
    if session.refusal is not None:
        again = session.refusal.at + retry_after(session.refusal.number)
        if session.refusal.at > active:  # its user was told then
            again = max(again, end)
            return Change(wanted=Wanted.SUSPENDED, reason=reason, sleep=Sleep.IDLE) if now >= again else Nothing(until=again)
        if now < again:
            return Nothing(until=again)
    given = next((each for each in _given(session, "idle") if each.given > active and not _is_put_off(session, each)), None)
    return _stage(
        session,
        kind="idle",
        end=end,
        before=ahead(lifecycle.idle),
        given=given,
        now=now,
        sleep=Sleep.IDLE,
        text="Nobody has used this session for a while. It goes to sleep soon, and its work is saved. "
        "Do anything in it to keep it awake.",
        reason=reason,
    )


def _given(session: Session, kind: Literal["idle", "longest"]) -> Iterator[Notice]:
    return (notice for notice in session.notices if notice.kind == kind and notice.generation == session.generation)


def _stage(
    session: Session,
    *,
    kind: Literal["idle", "longest"],
    end: datetime,
    before: timedelta,
    given: Notice | None,
    now: datetime,
    text: str,
    reason: str,
    sleep: Sleep,
) -> Verdict:
    if given is not None:
        return Change(wanted=Wanted.SUSPENDED, reason=reason, sleep=sleep) if now >= given.at else Nothing(until=given.at)
    if now < end - before:
        return Nothing(until=end - before)
    at = max(end, now + before)
    return Warn(notice=Notice(kind=kind, generation=session.generation, given=now, at=at, text=text))


def _first(due: list[Verdict]) -> Verdict:
    """Return the verdict that comes first: a change before a notice, a notice before waiting."""
    for kind in (Change, Warn):
        for verdict in due:
            if isinstance(verdict, kind):
                return verdict
    times = [verdict.until for verdict in due if isinstance(verdict, Nothing) and verdict.until is not None]
    return Nothing(until=min(times) if times else None)
