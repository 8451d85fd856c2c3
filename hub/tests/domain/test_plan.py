"""The plan: every case a line, and from every state a way to what is wanted."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rspark_contract.record import How, Record
from rspark_contract.saved import Restored, Saved, SavedKernel
from rspark_contract.status import AgentState, AgentStatus, ComponentState, ComponentStatus
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.plan import (
    Admit,
    Apply,
    Begin,
    End,
    Kill,
    Limits,
    Purge,
    Remove,
    Settle,
    Step,
    Wait,
    plan,
)
from rsparkhub.domain.session import LIVE, Component, LastExit, Session, Sleep, State, Wanted

T0 = datetime(2026, 11, 24, 12, tzinfo=UTC)
LIMITS = Limits(start_deadline=timedelta(minutes=5), lifecycle=Lifecycle(grace="60s"))
SAVED = Saved(kernels=(SavedKernel(id="1", name="ir", language="R", objects=3),))

RUNNING, SUSPENDED, STOPPED, DELETED = Wanted


def a_session(state: State, wanted: Wanted = RUNNING, **more: object) -> Session:
    live = state in LIVE
    values: dict[str, object] = {
        "id": "aaaa", "owner": "ada", "name": "mine", "environment": "rspark", "wanted": wanted, "state": state,
        "generation": 3 if live else 2, "created": T0, "queued_at": T0, "started": T0, "secret": "secret" if live else None,
        "ready": T0 if state in (State.RUNNING, State.SUSPENDING, State.STOPPING) else None,
        "end_requested_at": T0 if state in (State.SUSPENDING, State.STOPPING) else None,
    }  # fmt: skip
    return Session(**(values | more))  # type: ignore[arg-type]


def status(state: str, address: str | None = "127.0.0.1:4000", components: tuple[ComponentStatus, ...] = ()) -> AgentStatus:
    return AgentStatus(state=AgentState(state), address=address, components=components)


def record(how: str, saved: Saved | None = None, reason: str | None = None, code: int = 0) -> Record:
    return Record(how=How(how), saved=saved, reason=reason, code=code)


ABSENT = Observed(phase="absent")
BEGUN = Observed(phase="starting")
STARTING = Observed(phase="starting", status=status("starting"))
UP = Observed(phase="up", status=status("ready"))
SAVING = Observed(phase="ending", status=status("suspending"))
ENDING = Observed(phase="ending", status=status("stopping"))
FAILING = Observed(phase="ending", status=status("failed"))
SLEPT = Observed(phase="ended", code=0, record=record("suspended", SAVED))
ENDED = Observed(phase="ended", code=0, record=record("stopped"))
FAILED = Observed(phase="ended", code=1, record=record("failed", reason="JupyterLab ended.", code=1))
KILLED = Observed(phase="ended", signal=9)
MOVED = replace(SLEPT, evicted=True)
LOST = Observed(phase="ended", evicted=True, reason="Its machine does not answer any more.")
VANISHED = Observed(phase="absent", evicted=True)
LEFTOVER = Observed(phase="absent", evicted=True, leftovers=True)
WORLD = (MOVED, LOST, ABSENT, BEGUN, STARTING, UP, SAVING, ENDING, FAILING, SLEPT, ENDED, FAILED, KILLED)
SOON = T0 + timedelta(seconds=1)
TOO_LATE = T0 + timedelta(minutes=6)


def next_step(session: Session, observed: Observed, now: datetime = SOON) -> Step:
    return plan(session, observed, now=now, limits=LIMITS)


# Each line: what the row says, what is wanted, what is seen; then the step, and the row's state after it.
TABLE = [
    # At rest, and nothing is there.
    (State.QUEUED, RUNNING, ABSENT, Admit, State.STARTING),
    (State.QUEUED, SUSPENDED, ABSENT, Settle, State.SUSPENDED),
    (State.QUEUED, STOPPED, ABSENT, Settle, State.STOPPED),
    (State.QUEUED, DELETED, ABSENT, Purge, State.QUEUED),
    (State.SUSPENDED, RUNNING, ABSENT, Wait, State.QUEUED),
    (State.SUSPENDED, SUSPENDED, ABSENT, Wait, State.SUSPENDED),
    (State.SUSPENDED, STOPPED, ABSENT, Settle, State.STOPPED),
    (State.SUSPENDED, DELETED, ABSENT, Purge, State.SUSPENDED),
    (State.STOPPED, RUNNING, ABSENT, Wait, State.QUEUED),
    (State.STOPPED, SUSPENDED, ABSENT, Settle, State.SUSPENDED),
    (State.STOPPED, STOPPED, ABSENT, Wait, State.STOPPED),
    (State.STOPPED, DELETED, ABSENT, Purge, State.STOPPED),
    (State.FAILED, RUNNING, ABSENT, Wait, State.FAILED),
    (State.FAILED, SUSPENDED, ABSENT, Wait, State.FAILED),
    (State.FAILED, STOPPED, ABSENT, Settle, State.STOPPED),
    (State.FAILED, DELETED, ABSENT, Purge, State.FAILED),
    # At rest, and something is there that should not be.
    *((state, wanted, seen, Kill, state) for state in (State.QUEUED, State.SUSPENDED, State.STOPPED, State.FAILED)
      for wanted in Wanted for seen in (BEGUN, STARTING, UP, SAVING, ENDING, FAILING)),
    *((state, wanted, seen, Remove, state) for state in (State.QUEUED, State.SUSPENDED, State.STOPPED, State.FAILED)
      for wanted in Wanted for seen in (SLEPT, ENDED, FAILED, KILLED)),
    # Starting.
    *((state, *line) for state in (State.STARTING, State.RESUMING) for line in (
        (RUNNING, ABSENT, Apply, state),
        (RUNNING, BEGUN, Wait, state),
        (RUNNING, STARTING, Wait, state),
        (RUNNING, UP, Wait, State.RUNNING),
        (RUNNING, SAVING, Wait, state),
        (RUNNING, FAILING, Wait, state),
        (RUNNING, FAILED, Settle, State.FAILED),
        (RUNNING, KILLED, Settle, State.FAILED),
        (SUSPENDED, ABSENT, Settle, State.SUSPENDED),
        (STOPPED, ABSENT, Settle, State.STOPPED),
        (DELETED, ABSENT, Settle, State.STOPPED),
        (SUSPENDED, STARTING, Wait, State.SUSPENDING),
        (STOPPED, STARTING, Wait, State.STOPPING),
        (DELETED, UP, Wait, State.STOPPING),
        (SUSPENDED, SLEPT, Settle, State.SUSPENDED),
        (STOPPED, FAILED, Settle, State.STOPPED),
        (DELETED, KILLED, Settle, State.STOPPED),
    )),
    # What is left of a generation that never ran is taken away when it rests, and used when it starts.
    *((state, wanted, LEFTOVER, Remove, state) for state in (State.QUEUED, State.SUSPENDED, State.STOPPED, State.FAILED)
      for wanted in Wanted),
    (State.STARTING, RUNNING, LEFTOVER, Apply, State.STARTING),
    # Its place was taken from it.
    (State.RUNNING, RUNNING, MOVED, Settle, State.QUEUED),
    (State.RUNNING, RUNNING, LOST, Settle, State.QUEUED),
    (State.RUNNING, RUNNING, VANISHED, Settle, State.QUEUED),
    (State.STARTING, RUNNING, LOST, Settle, State.QUEUED),
    (State.RUNNING, SUSPENDED, MOVED, Settle, State.SUSPENDED),
    (State.RUNNING, STOPPED, LOST, Settle, State.STOPPED),
    (State.SUSPENDING, SUSPENDED, MOVED, Settle, State.SUSPENDED),
    (State.SUSPENDING, SUSPENDED, LOST, Settle, State.FAILED),
    (State.SUSPENDING, RUNNING, LOST, Settle, State.QUEUED),
    (State.STOPPING, STOPPED, VANISHED, Settle, State.STOPPED),
    # Running.
    (State.RUNNING, RUNNING, UP, Wait, State.RUNNING),
    (State.RUNNING, RUNNING, STARTING, Wait, State.RUNNING),
    (State.RUNNING, SUSPENDED, UP, Wait, State.SUSPENDING),
    (State.RUNNING, STOPPED, UP, Wait, State.STOPPING),
    (State.RUNNING, DELETED, UP, Wait, State.STOPPING),
    (State.RUNNING, RUNNING, SAVING, Wait, State.RUNNING),
    (State.RUNNING, RUNNING, FAILING, Wait, State.RUNNING),
    (State.RUNNING, RUNNING, SLEPT, Settle, State.SUSPENDED),
    (State.RUNNING, RUNNING, ENDED, Settle, State.STOPPED),
    (State.RUNNING, RUNNING, FAILED, Settle, State.FAILED),
    (State.RUNNING, RUNNING, KILLED, Settle, State.FAILED),
    (State.RUNNING, RUNNING, ABSENT, Settle, State.FAILED),
    (State.RUNNING, SUSPENDED, SLEPT, Settle, State.SUSPENDED),
    (State.RUNNING, SUSPENDED, KILLED, Settle, State.FAILED),
    (State.RUNNING, STOPPED, KILLED, Settle, State.STOPPED),
    (State.RUNNING, DELETED, ABSENT, Settle, State.STOPPED),
    # Suspending.
    (State.SUSPENDING, SUSPENDED, UP, End, State.SUSPENDING),
    (State.SUSPENDING, SUSPENDED, SAVING, Wait, State.SUSPENDING),
    (State.SUSPENDING, SUSPENDED, SLEPT, Settle, State.SUSPENDED),
    (State.SUSPENDING, SUSPENDED, KILLED, Settle, State.FAILED),
    (State.SUSPENDING, SUSPENDED, ABSENT, Settle, State.FAILED),
    (State.SUSPENDING, RUNNING, UP, End, State.SUSPENDING),
    (State.SUSPENDING, RUNNING, SAVING, Wait, State.SUSPENDING),
    (State.SUSPENDING, RUNNING, SLEPT, Settle, State.QUEUED),
    (State.SUSPENDING, STOPPED, SAVING, Wait, State.STOPPING),
    (State.SUSPENDING, DELETED, UP, Wait, State.STOPPING),
    (State.SUSPENDING, DELETED, SLEPT, Settle, State.STOPPED),
    # Stopping.
    (State.STOPPING, STOPPED, UP, End, State.STOPPING),
    (State.STOPPING, STOPPED, SAVING, End, State.STOPPING),
    (State.STOPPING, STOPPED, ENDING, Wait, State.STOPPING),
    (State.STOPPING, STOPPED, ENDED, Settle, State.STOPPED),
    (State.STOPPING, STOPPED, KILLED, Settle, State.STOPPED),
    (State.STOPPING, DELETED, ABSENT, Settle, State.STOPPED),
    (State.STOPPING, RUNNING, ENDING, Wait, State.STOPPING),
    (State.STOPPING, RUNNING, ENDED, Settle, State.QUEUED),
    (State.STOPPING, SUSPENDED, ENDED, Settle, State.SUSPENDED),
]  # fmt: skip


@pytest.mark.parametrize(("state", "wanted", "observed", "step", "after"), TABLE)
def test_each_case_has_its_step(state: State, wanted: Wanted, observed: Observed, step: type, after: State) -> None:
    found = next_step(a_session(state, wanted), observed)
    assert (type(found), found.after.state) == (step, after)


@pytest.mark.parametrize(("state", "wanted", "observed"), list(itertools.product(State, Wanted, WORLD)))
@pytest.mark.parametrize("now", [SOON, TOO_LATE])
@pytest.mark.parametrize("begun", [True, False])
def test_every_case_has_an_answer_that_breaks_no_rule(
    state: State, wanted: Wanted, observed: Observed, now: datetime, begun: bool
) -> None:
    session = a_session(state, wanted, secret="secret" if begun and state in LIVE else None)
    step = next_step(session, observed, now)
    alive = observed.phase in ("starting", "up", "ending")
    assert step.after.wanted is wanted
    assert step.after.generation == session.generation + isinstance(step, Admit | Begin)
    if isinstance(step, Apply):
        assert (state in (State.STARTING, State.RESUMING), wanted, observed.phase) == (True, RUNNING, "absent")
    if isinstance(step, End):
        assert alive
        assert state in (State.SUSPENDING, State.STOPPING)
    if isinstance(step, Settle):
        assert not alive or not begun
        assert step.after.state not in LIVE
        assert (step.after.secret, step.after.upstream) == (None, None)
    if isinstance(step, Remove):
        assert (observed.phase, state in LIVE) == ("ended", False)
    if isinstance(step, Purge):
        assert (wanted, observed.phase, state in LIVE) == (DELETED, "absent", False)
    if isinstance(step, Kill):
        assert alive


class TestAStart:
    def test_a_start_has_a_generation_of_its_own_and_forgets_the_last_one(self) -> None:
        before = a_session(
            State.QUEUED, reason="Start it again.", detail="x", restored=Restored(), components=(Component(name="a", title="A"),)
        )
        after = next_step(before, ABSENT).after
        assert (after.generation, after.secret, after.started) == (3, None, SOON)
        assert (after.reason, after.detail, after.ready, after.components, after.restored) == (None, None, None, (), None)

    def test_what_slept_is_resumed(self) -> None:
        slept = a_session(State.QUEUED, last_exit=LastExit(code=0, saved=SAVED, at=T0))
        assert next_step(slept, ABSENT).after.state is State.RESUMING

    def test_what_was_admitted_by_a_controller_that_died_begins(self) -> None:
        step = next_step(a_session(State.STARTING, secret=None, generation=2), SLEPT)
        assert (type(step), step.after.generation) == (Begin, 3)

    def test_it_is_ready_when_the_agent_is_and_its_address_is_known(self) -> None:
        after = next_step(a_session(State.STARTING), UP).after
        assert (after.upstream, after.ready) == ("127.0.0.1:4000", SOON)
        nowhere = Observed(phase="up", status=status("ready", address=None))
        assert next_step(a_session(State.STARTING), nowhere).after.state is State.STARTING

    def test_one_that_is_not_ready_in_time_is_ended_and_names_what_hung(self) -> None:
        hung = status(
            "starting", components=(ComponentStatus(name="interface", title="JupyterLab", state=ComponentState.STARTING),)
        )
        step = next_step(a_session(State.STARTING), Observed(phase="starting", status=hung), TOO_LATE)
        assert type(step) is Kill
        killed = replace(step.after, components=step.after.components)
        failed = next_step(killed, Observed(phase="ended", signal=9, status=hung), TOO_LATE).after
        assert failed.state is State.FAILED
        assert failed.reason == "It was not ready after 5 minutes: JupyterLab did not start. Your files are kept. Start it again."
        assert [part.state for part in failed.components] == [ComponentState.FAILED]

    def test_one_that_waits_too_long_for_a_service_fails_before_it_runs(self) -> None:
        waiting = a_session(
            State.STARTING, components=(Component(name="postgres", title="PostgreSQL", state=ComponentState.STARTING),)
        )
        step = next_step(waiting, ABSENT, TOO_LATE)
        assert step.after.state is State.FAILED
        assert "PostgreSQL did not start" in (step.after.reason or "")

    def test_a_start_that_is_called_off_asks_for_no_saving_and_keeps_what_slept(self) -> None:
        slept = a_session(State.RESUMING, SUSPENDED, last_exit=LastExit(code=0, saved=SAVED, at=T0))
        called_off = next_step(slept, STARTING).after
        step = next_step(called_off, STARTING)
        assert isinstance(step, End)
        assert step.ending == "stop"
        after = next_step(called_off, ENDED).after
        assert (after.state, after.last_exit) == (State.SUSPENDED, LastExit(code=0, saved=SAVED, at=SOON))


class TestAnEnd:
    def test_it_is_written_before_it_is_asked_for(self) -> None:
        step = next_step(a_session(State.RUNNING, SUSPENDED), UP)
        assert (type(step), step.after.state, step.after.end_requested_at) == (Wait, State.SUSPENDING, SOON)
        assert isinstance(next_step(step.after, UP), End)

    def test_it_is_asked_for_again_until_it_is_heard(self) -> None:
        for now in (SOON, SOON + timedelta(seconds=30)):
            assert isinstance(next_step(a_session(State.SUSPENDING, SUSPENDED), UP, now), End)

    def test_past_its_grace_it_is_forced_and_says_what_is_kept(self) -> None:
        kept = LastExit(code=0, saved=SAVED, at=T0)
        suspending = a_session(State.SUSPENDING, SUSPENDED, last_exit=kept, sleep=Sleep.FORCED)
        assert type(next_step(suspending, SAVING, T0 + timedelta(seconds=64))) is End  # said again, and not forced yet
        assert type(next_step(suspending, SAVING, T0 + timedelta(seconds=65))) is Kill
        failed = next_step(suspending, KILLED, T0 + timedelta(seconds=65)).after
        assert failed.reason == (
            "Saving took longer than 1 minute and was cut short. Your files are kept; "
            "what was in memory since the last sleep is lost. Start it again."
        )
        assert failed.last_exit == LastExit(code=None, saved=SAVED, at=T0 + timedelta(seconds=65))

    def test_a_stop_that_was_forced_says_so(self) -> None:
        after = next_step(a_session(State.STOPPING, STOPPED), KILLED).after
        assert (after.state, after.reason) == (
            State.STOPPED, "It did not end by itself and was ended by force. Your files are kept.",
        )  # fmt: skip

    def test_a_stop_forgets_what_an_earlier_sleep_kept(self) -> None:
        kept = LastExit(code=0, saved=SAVED, at=T0)
        stopped = next_step(a_session(State.STOPPING, STOPPED, last_exit=kept), ENDED).after
        assert stopped.last_exit == LastExit(code=0, saved=None, at=SOON)
        remove = next_step(replace(stopped, generation=3), ENDED)
        assert isinstance(remove, Remove)
        assert remove.forget
        asleep = next_step(a_session(State.SUSPENDED, STOPPED, last_exit=kept), ABSENT)
        assert isinstance(asleep, Settle)
        assert asleep.forget

    def test_what_sleeps_is_kept_when_its_traces_go(self) -> None:
        asleep = a_session(State.SUSPENDED, SUSPENDED, last_exit=LastExit(code=0, saved=SAVED, at=T0))
        remove = next_step(asleep, SLEPT)
        assert isinstance(remove, Remove)
        assert not remove.forget

    def test_why_it_sleeps_stays_said(self) -> None:
        culled = a_session(State.SUSPENDING, SUSPENDED, reason="Put to sleep after 2 hours without use.")
        assert next_step(culled, SLEPT).after.reason == "Put to sleep after 2 hours without use."

    def test_asked_to_run_while_it_suspends_it_sleeps_first_and_starts_anew(self) -> None:
        queued = next_step(a_session(State.SUSPENDING, RUNNING), SLEPT).after
        assert (queued.state, queued.queued_at) == (State.QUEUED, SOON)
        assert type(next_step(queued, SLEPT)) is Remove
        begun = next_step(queued, ABSENT).after
        assert (begun.state, begun.generation) == (State.RESUMING, 4)


class TestAnEndThatNobodyAskedFor:
    def test_an_agent_that_was_killed_is_a_failure_that_a_student_understands(self) -> None:
        after = next_step(a_session(State.RUNNING), replace(KILLED, detail="last line of the log")).after
        assert after.state is State.FAILED
        assert after.reason == (
            "Your session ended unexpectedly (killed by the system). "
            "Your files are kept; what was in memory is lost. Start it again."
        )
        assert after.detail == "last line of the log"
        assert (after.busy, after.memory, after.upstream, after.secret) == (False, None, None, None)

    def test_what_the_last_sleep_kept_can_still_be_brought_back(self) -> None:
        kept = LastExit(code=0, saved=SAVED, at=T0)
        failed = next_step(a_session(State.RUNNING, last_exit=kept), KILLED).after
        assert "since the last sleep is lost" in (failed.reason or "")
        again = replace(failed, state=State.QUEUED)
        assert next_step(again, ABSENT).after.state is State.RESUMING

    def test_the_reason_of_the_agent_comes_first_then_the_backends(self) -> None:
        assert next_step(a_session(State.RUNNING), FAILED).after.reason == "JupyterLab ended."
        rebooted = Observed(phase="ended", reason="This machine restarted while it ran.")
        assert (next_step(a_session(State.RUNNING), rebooted).after.reason or "").startswith("This machine restarted")

    def test_a_failed_session_stays_until_somebody_asks(self) -> None:
        assert next_step(a_session(State.FAILED), ABSENT) == Wait(after=a_session(State.FAILED), requeue_after=None)

    def test_a_machine_that_told_it_to_end_leaves_it_asleep_and_not_restarted(self) -> None:
        step = next_step(a_session(State.RUNNING), SLEPT)
        assert isinstance(step, Settle)
        assert (step.after.state, step.wanted) == (State.SUSPENDED, SUSPENDED)

    def test_one_that_ends_by_itself_and_hangs_is_ended_by_force(self) -> None:
        seen = next_step(a_session(State.RUNNING), SAVING).after
        assert (seen.state, seen.end_requested_at) == (State.RUNNING, SOON)
        assert type(next_step(seen, SAVING, SOON + timedelta(seconds=64))) is Wait
        assert type(next_step(seen, SAVING, SOON + timedelta(seconds=65))) is Kill

    def test_a_service_that_was_told_to_end_has_failed_so_that_it_is_mended(self) -> None:
        service = a_session(State.RUNNING, kind="service", owner=None)
        step = next_step(service, SLEPT)
        assert isinstance(step, Settle)
        assert (step.after.state, step.wanted) == (State.FAILED, None)


class TestAPlaceThatWasTakenAway:
    def test_it_goes_on_elsewhere_with_what_it_saved(self) -> None:
        step = next_step(a_session(State.RUNNING), MOVED)
        assert isinstance(step, Settle)
        assert step.wanted is None, "nobody wished it to end"
        assert next_step(step.after, ABSENT).after.state is State.RESUMING

    def test_without_a_record_it_goes_on_with_what_an_earlier_sleep_kept(self) -> None:
        kept = LastExit(code=0, saved=SAVED, at=T0)
        after = next_step(a_session(State.RUNNING, last_exit=kept), LOST).after
        assert after.last_exit is not None
        assert after.last_exit.saved == SAVED

    def test_one_that_was_ended_since_its_start_took_too_long_has_failed(self) -> None:
        assert next_step(a_session(State.STARTING), LOST, TOO_LATE).after.state is State.FAILED

    def test_a_service_goes_on_elsewhere_as_well(self) -> None:
        service = a_session(State.RUNNING, kind="service", owner=None)
        assert next_step(service, LOST).after.state is State.QUEUED


class TestAStartThatHangs:
    WAITS = Observed(phase="starting", reason="It waits for a place.", detail="0/1 nodes")

    def test_why_is_told_while_it_waits_and_forgotten_when_it_goes_on(self) -> None:
        waiting = next_step(a_session(State.STARTING), self.WAITS).after
        assert (waiting.state, waiting.reason, waiting.detail) == (State.STARTING, "It waits for a place.", "0/1 nodes")
        assert next_step(waiting, STARTING).after.reason is None
        assert next_step(waiting, UP).after.reason is None

    def test_why_is_told_when_it_took_too_long(self) -> None:
        waiting = next_step(a_session(State.STARTING), self.WAITS).after
        failed = next_step(waiting, KILLED, TOO_LATE).after
        assert (failed.state, failed.reason) == (
            State.FAILED, "It waits for a place. Your files are kept. Start it again.")  # fmt: skip

    def test_what_waiting_does_not_mend_fails_at_once(self) -> None:
        step = next_step(a_session(State.STARTING), replace(self.WAITS, unrecoverable=True))
        assert isinstance(step, Settle)
        assert (step.after.state, step.after.reason) == (State.FAILED, "It waits for a place.")

    def test_why_is_forgotten_when_it_is_called_off(self) -> None:
        waiting = next_step(a_session(State.STARTING), self.WAITS).after
        assert next_step(replace(waiting, wanted=SUSPENDED), self.WAITS).after.reason is None


@dataclass
class Simulation:
    """A row, a cooperative backend, and a controller that may be killed between what it does and what it writes."""

    row: Session
    world: dict[int, Observed] = field(default_factory=dict)
    purged: bool = False
    now: datetime = T0

    def observed(self) -> Observed:
        return self.world.get(self.row.generation, ABSENT)

    def set_wanted(self, wanted: Wanted) -> None:
        """As the store does."""
        if self.row.wanted is DELETED:
            return
        if wanted is RUNNING and self.row.state in (State.SUSPENDED, State.STOPPED, State.FAILED):
            self.row = replace(self.row, state=State.QUEUED, queued_at=self.now)
        self.row = replace(self.row, wanted=wanted)

    def tick(self) -> None:
        """Time passes, and what is under way goes on."""
        self.now += timedelta(seconds=1)
        following = ((BEGUN, STARTING), (STARTING, UP), (SAVING, SLEPT), (ENDING, ENDED), (FAILING, FAILED))
        for generation, seen in list(self.world.items()):
            self.world[generation] = next((after for before, after in following if before == seen), seen)

    def step(self, *, dies: bool = False) -> bool:
        """Take a step; tell whether anything is left to do. One that dies has done it, and has not written it."""
        before = self.row
        step = plan(before, self.observed(), now=self.now, limits=LIMITS)
        match step:
            case Apply():
                assert not any(seen.phase in ("starting", "up", "ending") for seen in self.world.values()), "two at once"
                self.world.setdefault(before.generation, STARTING)
            case End(ending=ending):
                self.world[before.generation] = SAVING if ending == "suspend" else ENDING
            case Kill():
                self.world[before.generation] = KILLED
            case Remove():
                del self.world[before.generation]
            case Purge():
                self.purged = not dies
        if not dies:
            after = replace(step.after, wanted=self.row.wanted)
            self.row = replace(after, secret=f"secret of {after.generation}") if isinstance(step, Admit | Begin) else after
            if step.wanted is not None:  # written with the row
                self.set_wanted(step.wanted)
        return step.requeue_after is not None and step.requeue_after < timedelta(days=1)  # a sleep ends in days

    def settle(self) -> None:
        """Go on until nothing is left to do."""
        for _ in range(60):
            if self.purged or not (self.step() or self.row.state in LIVE - {State.RUNNING}):
                return
            if self.row.state is State.RUNNING and self.row.wanted is RUNNING and self.observed() == UP:
                return
            self.tick()
        raise AssertionError(f"no end in sight: {self.row}, {self.world}")

    def reached(self) -> bool:
        if self.row.wanted is DELETED:
            return self.purged and not self.world
        alive = [generation for generation, seen in self.world.items() if seen.phase in ("starting", "up", "ending")]
        if self.row.wanted is RUNNING and self.row.state is State.RUNNING:
            return alive == [self.row.generation]
        wanted = {RUNNING: State.RUNNING, SUSPENDED: State.SUSPENDED, STOPPED: State.STOPPED}[self.row.wanted]
        return not self.world and self.row.state in (wanted, State.FAILED)


@given(state=st.sampled_from(State), wanted=st.sampled_from(Wanted), seen=st.sampled_from(WORLD), begun=st.booleans())
def test_from_any_state_the_plan_reaches_what_is_wanted(state: State, wanted: Wanted, seen: Observed, begun: bool) -> None:
    row = a_session(state, wanted, secret="secret" if begun and state in LIVE else None)
    world = {} if seen.phase == "absent" else {row.generation: seen}
    if state in LIVE and not begun:
        world = {}  # nothing runs of a generation that has not begun
    simulation = Simulation(row=row, world=world)
    simulation.settle()
    assert simulation.reached()


@given(
    st.lists(
        st.one_of(
            st.sampled_from(Wanted).filter(lambda wanted: wanted is not DELETED),
            st.sampled_from(["step", "step", "step", "die", "tick"]),
        ),
        max_size=40,
    ),
    st.sampled_from(Wanted),
)
def test_whatever_is_wanted_and_whenever_a_controller_dies_the_last_wish_is_reached(
    doings: list[Wanted | str], last: Wanted
) -> None:
    simulation = Simulation(row=a_session(State.QUEUED))
    for doing in doings:
        if isinstance(doing, Wanted):
            simulation.set_wanted(doing)
        elif doing == "tick":
            simulation.tick()
        else:
            simulation.step(dies=doing == "die")
    simulation.set_wanted(last)
    simulation.settle()
    assert simulation.reached()
    assert simulation.row.wanted is last, "nothing ended by itself, so nothing else was wanted"
    assert simulation.row.state is not State.FAILED, "nobody was killed, so nothing failed"
