"""How a run ended, in words for its user and a line for the administrator.

`after_end` applies when nothing of a generation is alive any more. It returns the row at rest: asleep, stopped, waiting to run
again, or failed with a reason.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from rspark_contract.record import How, Record
from rspark_contract.saved import Saved
from rspark_contract.status import ComponentState
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.observation import apply_observation
from rsparkhub.domain.quantity import duration_in_words
from rsparkhub.domain.session import Component, LastExit, Session, State, Wanted

#: The agent ends by itself within its grace; only after this much more it is ended by force.
SLACK = timedelta(seconds=5)

FORCED = "It did not end by itself and was ended by force. Your files are kept."
SERVICE_ENDED = "The machine it ran on told it to end. Its data is kept. It starts again when a session needs it."
ENDED_BY_MACHINE = "Put to sleep because the machine it ran on told it to end. Resume it when you like."


def after_end(session: Session, observed: Observed, *, now: datetime, start_deadline: timedelta, grace: timedelta) -> Session:
    """Return the row of a session whose generation has ended."""
    record = observed.record
    row = apply_observation(session, observed, now=now)
    if session.state is State.STOPPING or session.wanted in (Wanted.STOPPED, Wanted.DELETED):
        forced = None if record and record.how is not How.FAILED else FORCED
        return settled(row, observed, now=now, saved=None, reason=forced)
    if record and record.how is How.SUSPENDED:
        return settled(row, observed, now=now, saved=_saved(record, session) or Saved(), reason=record.reason)
    if session.state is State.SUSPENDING and session.ready is None:  # its start was called off: nothing new to keep
        return settled(row, observed, now=now, saved=last_saved(session))
    if record and record.how is How.STOPPED:
        return settled(row, observed, now=now, saved=None)
    reason, detail = _why(row, observed, record, now=now, start_deadline=start_deadline, grace=grace)
    failed = settled(row, observed, now=now, saved=_saved(record, session))
    return replace(failed, state=State.FAILED, reason=reason, detail=detail, components=_broken(row.components))


def after_eviction(session: Session, observed: Observed, *, now: datetime) -> Session:
    """Return the row of a session that should run and was evicted: it waits to start elsewhere."""
    row, record = apply_observation(session, observed, now=now), observed.record
    return settled(row, observed, now=now, saved=_saved(record, session))


def settled(session: Session, observed: Observed, *, now: datetime, saved: Saved | None, reason: str | None = None) -> Session:
    """Return the row of a session that has ended in order: at rest as it is wanted, and nothing left of its run.

    A session that should run again waits in the queue for it.
    """
    record = observed.record
    code = observed.code if observed.code is not None else record.code if record else None
    at_rest = {Wanted.RUNNING: State.QUEUED, Wanted.SUSPENDED: State.SUSPENDED}.get(session.wanted, State.STOPPED)
    return replace(
        session,
        state=at_rest,
        queued_at=now if at_rest is State.QUEUED else session.queued_at,
        reason=None if at_rest is State.QUEUED else reason or session.reason,
        ended=now,
        last_exit=LastExit(
            code=code,
            saved=None if at_rest is State.STOPPED else saved,
            at=now,
            ended=record.ended if record else session.busy_with,
        ),
        components=tuple(replace(component, state=ComponentState.ENDED, reason=None) for component in session.components),
        upstream=None,
        secret=None,
        endpoints={},
        busy=False,
        busy_with=(),
        memory=None,
        cpu=None,
        notices=(),
        refusal=None,
    )


def last_saved(session: Session) -> Saved | None:
    """Return what an earlier sleep saved, which the next start brings back."""
    return session.last_exit.saved if session.last_exit else None


def _saved(record: Record | None, session: Session) -> Saved | None:
    """Return what the next start can bring back. A run that never was ready had nothing new to save."""
    new = record.saved if record and session.ready is not None else None
    return new if new is not None else last_saved(session)


def _why(
    session: Session,
    observed: Observed,
    record: Record | None,
    *,
    now: datetime,
    start_deadline: timedelta,
    grace: timedelta,
) -> tuple[str, str | None]:
    """Return why it failed, and a line of detail: what the agent knows, else the backend, else the clock."""
    loss = _loss(session)
    detail = (record.detail if record else None) or observed.detail or _exit_line(observed)
    if record and record.reason:
        return record.reason, detail
    if observed.reason:
        return f"{observed.reason} {loss}", detail
    if session.ready is None and session.reason:  # what kept it from starting
        return f"{session.reason} {loss}", detail or session.detail
    if session.ready is None and session.started and now >= session.started + start_deadline:
        return f"It was not ready after {duration_in_words(start_deadline)}: {_hung(session.components)}. {loss}", detail
    if session.state is State.SUSPENDING and session.end_requested_at and now >= session.end_requested_at + grace + SLACK:
        return f"Saving took longer than {duration_in_words(grace)} and was cut short. {loss}", detail
    what = session.name if session.is_service else "Your session"
    how = "killed by the system" if observed.signal or observed.code is None else f"exit code {observed.code}"
    return f"{what} ended unexpectedly ({how}). {loss}", detail


def _loss(session: Session) -> str:
    """Return what is kept and what is lost, in a sentence."""
    if session.is_service:
        return "Its data is kept. It starts again when a session needs it."
    if session.ready is None:
        return "Your files are kept. Start it again."
    since = "since the last sleep " if last_saved(session) else ""
    return f"Your files are kept; what was in memory {since}is lost. Start it again."


def _hung(components: tuple[Component, ...]) -> str:
    starting = [each.title for each in components if each.state is ComponentState.STARTING]
    waiting = [each.title for each in components if each.state is ComponentState.WAITING]
    hung = starting or waiting
    return f"{' and '.join(hung)} did not start" if hung else "nothing was heard of it"


def _broken(components: tuple[Component, ...]) -> tuple[Component, ...]:
    """Return the components of a run that failed: the one that failed or hung is failed, the others have ended."""
    return tuple(
        replace(component, state=ComponentState.FAILED)
        if component.state in (ComponentState.STARTING, ComponentState.FAILED)
        else replace(component, state=ComponentState.ENDED)
        for component in components
    )


def _exit_line(observed: Observed) -> str | None:
    if observed.signal is not None:
        return f"The agent was ended by signal {observed.signal}."
    return None if observed.code is None else f"The agent ended with exit code {observed.code}."
