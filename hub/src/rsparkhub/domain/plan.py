"""What to do next so that what runs equals what is wanted: one pure function, one small set of steps.

`plan` compares the row of a session with what its backend observed, and returns one step. Doing a step again is the same as
doing it once, and the row says what will be done before it is done; so a controller may be killed between any two lines, and
the next one goes on from there. The rules:

- A start takes a slot, a generation and a secret of its own at once (`Admit`), and only then runs (`Apply`).
- A sleep that may lose nothing is never forced: where it would, it is given up, the session goes on, and its row says why.
- An end is first written (`Wait` with the new state), then requested (`End`), then awaited; past its grace it is
  forced (`Kill`). When nothing is alive the row comes to rest (`Settle`), and what is left is deleted (`Remove`).
- A failed session rests until somebody asks again.
- What was evicted (a drain, a lost node) goes on elsewhere, with what it could save.
- At rest nothing may be alive: what a lost controller started too late is ended (`Kill`).
- What nobody uses, and what has run its longest, goes to sleep after a notice; what has slept too long is stopped.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rspark_contract.http import LONGEST_SLEEP, Ending
from rspark_contract.saved import SleepRefusal
from rspark_contract.status import AgentState
from rsparkhub.domain.cull import Change, Warn, decide
from rsparkhub.domain.ending import ENDED_BY_MACHINE, SERVICE_ENDED, SLACK, after_end, after_eviction, last_saved, settled
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.notice import Notice
from rsparkhub.domain.observation import apply_observation, is_significant
from rsparkhub.domain.session import LIVE, Session, Sleep, State, Wanted

NOW = timedelta(0)
#: A sleep that may lose nothing ends by itself within that time, or is given up.
GIVE_UP = timedelta(seconds=LONGEST_SLEEP) + 6 * SLACK

_ENDINGS: dict[Sleep, Ending] = {Sleep.IDLE: "sleep-if-idle", Sleep.KEPT: "sleep", Sleep.FORCED: "suspend"}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long things may take, and after which time a session is reconciled without a reason: under way, and running."""

    start_deadline: timedelta
    lifecycle: Lifecycle  # of the session's environment
    poll: timedelta = timedelta(seconds=15)
    resync: timedelta = timedelta(minutes=2)

    @property
    def grace(self) -> timedelta:
        """How long saving and ending may take."""
        return self.lifecycle.grace


@dataclass(frozen=True, kw_only=True)
class _Step:
    """`after` is the row once the step is done. `requeue_after` is when the session is due again; None: when somebody asks.

    `wanted` is what the session is to be from now on, because of `reason`, where that is decided here: it was culled, or ended
    by itself and in order, so that what was asked before no longer counts.
    """

    after: Session
    requeue_after: timedelta | None = NOW
    wanted: Wanted | None = None
    sleep: Sleep = Sleep.KEPT
    reason: str | None = None


class Wait(_Step):
    """Nothing is to be done but to write what was observed and decided."""


class Admit(_Step):
    """Take a slot among those that run, and with it begin: `after` lacks its secret."""


class Begin(_Step):
    """Write a new generation, which needs a new secret."""


class Apply(_Step):
    """Make the generation run."""


@dataclass(frozen=True, kw_only=True)
class End(_Step):
    """Ask the agent to save and end, or to end."""

    ending: Ending


class Kill(_Step):
    """End all of the generation by force."""


@dataclass(frozen=True, kw_only=True)
class Settle(_Step):
    """Nothing runs, and the row comes to rest. `forget`: nothing of an earlier sleep is kept either."""

    forget: bool = False


@dataclass(frozen=True, kw_only=True)
class Remove(_Step):
    """Delete what is left of the generation that has ended."""

    forget: bool = False


class Purge(_Step):
    """Delete everything of a deleted session but its events; never a home."""


Step = Wait | Admit | Begin | Apply | End | Kill | Settle | Remove | Purge


def plan(session: Session, observed: Observed, *, now: datetime, limits: Limits) -> Step:  # noqa: PLR0911  # a line a case
    """Return what to do next with a session, from its row and what was observed of its generation."""
    if session.damaged and session.wanted is Wanted.RUNNING:  # nobody has asked for anything since it is so
        return Wait(after=session, requeue_after=None)
    if session.state not in LIVE:
        return _at_rest(session, observed, now=now, limits=limits)
    if session.secret is None:  # nothing can run without one
        if session.wanted is Wanted.RUNNING:
            return Begin(after=begin(session, now=now))
        return Settle(after=settled(session, Observed(phase="absent"), now=now, saved=last_saved(session)))
    if observed.phase == "ended":
        return _ended(session, observed, now=now, limits=limits)
    if observed.phase == "absent":
        return _absent(session, observed, now=now, limits=limits)
    if session.state in (State.SUSPENDING, State.STOPPING):
        return _ending(session, observed, now=now, limits=limits)
    return _alive(session, observed, now=now, limits=limits)


def is_due(session: Session, observed: Observed, *, now: datetime, limits: Limits) -> bool:
    """Return whether there is something to do or to write; not where a session only waits for what was observed before."""
    step = plan(session, observed, now=now, limits=limits)
    return not isinstance(step, Wait) or step.wanted is not None or is_significant(session, step.after)


def begin(session: Session, *, now: datetime) -> Session:
    """Return the row of a session that starts: a new generation, of which nothing is known yet. It lacks its secret."""
    return replace(
        session,
        state=State.RESUMING if last_saved(session) is not None else State.STARTING,
        generation=session.generation + 1,
        secret=None,
        upstream=None,
        reason=None,
        detail=None,
        started=now,
        ready=None,
        ended=None,
        end_requested_at=None,
        last_activity=None,
        components=(),
        endpoints={},
        restored=None,
        notices=(),
        refusal=None,
        awake_until=None,
    )


def fail(session: Session, *, reason: str, detail: str | None, now: datetime) -> Settle:
    """Return the step that settles a session that could not be started."""
    failed = settled(session, Observed(phase="absent"), now=now, saved=last_saved(session))
    return Settle(after=replace(failed, state=State.FAILED, reason=reason, detail=detail), requeue_after=NOW)


def _at_rest(session: Session, observed: Observed, *, now: datetime, limits: Limits) -> Step:  # noqa: PLR0911  # a line a case
    if observed.phase in ("starting", "up", "ending"):
        return Kill(after=session)
    if observed.phase == "ended" or observed.leftovers:
        return Remove(after=session, forget=last_saved(session) is None)
    match session.wanted, session.state:
        case Wanted.DELETED, _:
            return Purge(after=session, requeue_after=None)
        case Wanted.RUNNING, State.QUEUED:
            return Admit(after=begin(session, now=now))
        case Wanted.RUNNING, State.SUSPENDED | State.STOPPED:
            return Wait(after=replace(session, state=State.QUEUED, queued_at=now, reason=None, detail=None))
        case Wanted.SUSPENDED, State.QUEUED | State.STOPPED:
            return Settle(after=replace(session, state=State.SUSPENDED), requeue_after=None)
        case Wanted.STOPPED, State.QUEUED | State.SUSPENDED | State.FAILED:
            last = session.last_exit and replace(session.last_exit, saved=None)
            return Settle(
                after=replace(session, state=State.STOPPED, last_exit=last, reason=None, detail=None),
                requeue_after=None,
                forget=True,
            )
        case _:
            return _unless_culled(session, now=now, limits=limits, requeue_after=None)


def _absent(session: Session, observed: Observed, *, now: datetime, limits: Limits) -> Step:
    """Return the step for a session of which nothing is there, though it should be starting, running or ending."""
    if session.state not in (State.STARTING, State.RESUMING):
        return _ended(session, observed, now=now, limits=limits)
    if session.wanted is not Wanted.RUNNING:  # called off before it began
        return Settle(after=settled(session, observed, now=now, saved=last_saved(session)))
    if _overdue(session, now, limits):
        return _ended(session, observed, now=now, limits=limits)
    return Apply(after=session, requeue_after=limits.poll)


def _ended(session: Session, observed: Observed, *, now: datetime, limits: Limits) -> Step:
    if observed.evicted and session.wanted is Wanted.RUNNING and not _overdue(session, now, limits):
        return Settle(after=after_eviction(session, observed, now=now))
    after = after_end(session, observed, now=now, start_deadline=limits.start_deadline, grace=limits.grace)
    by_itself = session.state not in (State.SUSPENDING, State.STOPPING) and after.state is State.QUEUED
    if by_itself and session.is_service:  # a service has nobody who would wake it
        return Settle(after=replace(after, state=State.FAILED, reason=SERVICE_ENDED))
    if by_itself:
        asleep = after.last_exit is not None and after.last_exit.saved is not None
        after = replace(after, state=State.SUSPENDED if asleep else State.STOPPED, reason=ENDED_BY_MACHINE if asleep else None)
        return Settle(after=after, wanted=Wanted.SUSPENDED if asleep else Wanted.STOPPED)
    return Settle(after=after)


def _alive(session: Session, observed: Observed, *, now: datetime, limits: Limits) -> Step:  # noqa: PLR0911  # a line a case
    """Return the step for a session whose agent lives and has not been asked to end yet."""
    row = apply_observation(session, observed, now=now)
    if refusal := _new_refusal(session, observed, now=now):  # of a sleep that was given up here before
        row = replace(row, refusal=refusal)
    if session.wanted is not Wanted.RUNNING:
        ending = State.SUSPENDING if session.wanted is Wanted.SUSPENDED else State.STOPPING
        reason = row.reason if session.state is State.RUNNING else None  # why it has not started doesn't matter any more
        return Wait(after=replace(row, state=ending, end_requested_at=now, reason=reason))
    if observed.phase == "ending":  # by itself: it reports why when it is over
        asked = session.end_requested_at or now
        if now >= asked + limits.grace + SLACK:
            return Kill(after=row)
        return Wait(after=replace(row, end_requested_at=asked), requeue_after=limits.poll)
    if session.state is State.RUNNING:
        row = replace(row, end_requested_at=None)  # one that was ending by itself goes on
        return _unless_culled(row, now=now, limits=limits, requeue_after=limits.resync)
    status = observed.status
    if status is not None and status.state is AgentState.READY and row.upstream:
        ready = replace(row, state=State.RUNNING, ready=now, reason=None, detail=None)
        return _unless_culled(ready, now=now, limits=limits, requeue_after=limits.resync)
    if _overdue(session, now, limits):
        return Kill(after=row)
    if observed.unrecoverable and observed.reason:
        return fail(row, reason=observed.reason, detail=observed.detail, now=now)
    return Wait(after=replace(row, reason=observed.reason, detail=observed.detail), requeue_after=limits.poll)


def _ending(session: Session, observed: Observed, *, now: datetime, limits: Limits) -> Step:
    """Return the step for a session that is to end and whose agent lives."""
    row = apply_observation(session, observed, now=now)
    if session.state is State.SUSPENDING and session.wanted in (Wanted.STOPPED, Wanted.DELETED):
        return Wait(after=replace(row, state=State.STOPPING, end_requested_at=now))
    if session.state is State.SUSPENDING and session.ready is not None and session.sleep is not Sleep.FORCED:
        return _falling_asleep(session, row, observed, now=now, limits=limits)
    if session.end_requested_at is None or now >= session.end_requested_at + limits.grace + SLACK:
        return Kill(after=replace(row, end_requested_at=session.end_requested_at or now))
    status = observed.status
    is_ending = status is not None and status.state in (AgentState.STOPPING, AgentState.ENDED, AgentState.FAILED)
    # One that saves is asked too: that may be for a sleep that would be given up.
    if observed.phase in ("starting", "up", "ending") and not is_ending:
        return End(after=row, requeue_after=limits.poll, ending=_how(session))
    return Wait(after=row, requeue_after=limits.poll)


def _falling_asleep(session: Session, row: Session, observed: Observed, *, now: datetime, limits: Limits) -> Step:
    """Return the step for a session that goes to sleep if nothing is lost by it."""
    refusal = _new_refusal(session, observed, now=now)
    asked = session.end_requested_at or now
    if refusal is None and now >= asked + GIVE_UP:
        number = session.refusal.number if session.refusal else 0
        refusal = SleepRefusal(number=number, at=now, reason="it did not answer.")
    if refusal is not None:
        reason = f"Not put to sleep: {refusal.reason}"
        awake = replace(row, state=State.RUNNING, end_requested_at=None, notices=(), refusal=refusal, reason=reason)
        return Wait(after=awake, wanted=Wanted.RUNNING, reason=reason)
    row = replace(row, end_requested_at=asked)
    if observed.phase in ("starting", "up"):
        return End(after=row, requeue_after=limits.poll, ending=_how(session))
    return Wait(after=row, requeue_after=limits.poll)


def _new_refusal(session: Session, observed: Observed, *, now: datetime) -> SleepRefusal | None:
    """Return the refusal that an agent reports, as of now, where the row doesn't know it yet."""
    reported = observed.status.refusal if observed.status else None
    if reported is None or (session.refusal is not None and reported.number <= session.refusal.number):
        return None
    return replace(reported, at=now)


def _how(session: Session) -> Ending:
    """Return whether to save: not where nothing is to be kept, or nothing new was made and an earlier sleep's saving stands."""
    return _ENDINGS[session.sleep] if session.state is State.SUSPENDING and session.ready is not None else "stop"


def _overdue(session: Session, now: datetime, limits: Limits) -> bool:
    """Whether its start takes too long; one that was ready once has started."""
    if session.ready is not None:
        return False
    # When it began is written with its state. One without, or in a time to come, would have its slot for ever.
    return session.started is None or abs(now - session.started) >= limits.start_deadline


def _unless_culled(session: Session, *, now: datetime, limits: Limits, requeue_after: timedelta | None) -> Wait:
    """Return the step for a session that stays as it is, or that is given notice, or that is culled."""
    verdict = decide(session, limits.lifecycle, now=now)
    if isinstance(verdict, Change):
        return Wait(after=session, wanted=verdict.wanted, sleep=verdict.sleep, reason=verdict.reason)
    if isinstance(verdict, Warn):
        session = replace(session, notices=(*_others(session, verdict.notice), verdict.notice))
        until: datetime | None = verdict.notice.at
    else:
        until = verdict.until
    return Wait(after=session, requeue_after=_sooner(requeue_after, None if until is None else until - now))


def _others(session: Session, notice: Notice) -> tuple[Notice, ...]:
    return tuple(each for each in session.notices if each.kind != notice.kind)


def _sooner(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    return min((each for each in (one, other) if each is not None), default=None)
