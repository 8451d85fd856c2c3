"""A sleep that may lose nothing: asked for, refused, tried again after a while, and forced by what nobody can refuse."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rspark_contract.record import How, Record
from rspark_contract.saved import LostObject, Saved, SavedKernel, SleepRefusal
from rspark_contract.status import AgentState, AgentStatus
from rsparkhub.domain.cull import Change, Nothing, Warn, decide, retry_after
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.plan import GIVE_UP, End, Kill, Limits, Settle, Step, Wait, plan
from rsparkhub.domain.session import Session, Sleep, State, Wanted

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON = NOON + timedelta(seconds=1)
LIFECYCLE = Lifecycle(idle="2h", suspended="7d", longest="24h", grace="60s")
LIMITS = Limits(start_deadline=timedelta(minutes=5), lifecycle=LIFECYCLE)
LOST = (LostObject(name="x", class_name="list", why="Your home is full.", failed=True),)
REFUSED = SleepRefusal(number=1, at=NOON, reason="could not keep `x` (Your home is full).", lost=LOST)
READY = AgentStatus(state=AgentState.READY, address="127.0.0.1:4000")
UP = Observed(phase="up", status=READY)
SAVING = Observed(phase="ending", status=replace(READY, state=AgentState.SUSPENDING))
AWAKE = Observed(phase="up", status=replace(READY, refusal=REFUSED))
FALLING = Session(
    id="aaaa", owner="ada", name="mine", environment="rspark", wanted=Wanted.SUSPENDED, state=State.SUSPENDING, generation=1,
    created=NOON, queued_at=NOON, started=NOON, ready=NOON, end_requested_at=NOON, secret="secret", sleep=Sleep.IDLE,
)  # fmt: skip
RUNS = replace(FALLING, wanted=Wanted.RUNNING, state=State.RUNNING, end_requested_at=None)


def step(session: Session, observed: Observed, now: datetime = SOON) -> Step:
    return plan(session, observed, now=now, limits=LIMITS)


@pytest.mark.parametrize(("sleep", "ending"), [(Sleep.IDLE, "sleep-if-idle"), (Sleep.KEPT, "sleep"), (Sleep.FORCED, "suspend")])
def test_an_agent_is_told_what_may_be_lost(sleep: Sleep, ending: str) -> None:
    asked = step(replace(FALLING, sleep=sleep), UP)
    assert isinstance(asked, End)
    assert asked.ending == ending


def test_what_is_refused_runs_on_and_its_row_says_why() -> None:
    refused = step(FALLING, AWAKE)
    assert isinstance(refused, Wait)
    assert (refused.wanted, refused.after.state, refused.after.end_requested_at) == (Wanted.RUNNING, State.RUNNING, None)
    assert refused.after.reason == refused.reason == "Not put to sleep: could not keep `x` (Your home is full)."
    assert refused.after.refusal == replace(REFUSED, at=SOON)
    again = step(replace(refused.after, wanted=Wanted.SUSPENDED, state=State.SUSPENDING, end_requested_at=SOON), AWAKE)
    assert isinstance(again, End)  # that refusal was of the time before


def test_a_sleep_that_may_lose_nothing_is_never_killed_and_one_that_does_not_answer_is_given_up() -> None:
    for after in (timedelta(minutes=5), GIVE_UP - timedelta(seconds=1)):
        assert type(step(FALLING, SAVING, NOON + after)) is Wait
    given_up = step(FALLING, SAVING, NOON + GIVE_UP)
    assert (given_up.after.state, given_up.reason) == (State.RUNNING, "Not put to sleep: it did not answer.")


def test_a_forced_one_is_asked_also_while_it_saves_and_is_killed_past_its_grace() -> None:
    forced = replace(FALLING, sleep=Sleep.FORCED)
    asked = step(forced, SAVING)
    assert isinstance(asked, End)
    assert asked.ending == "suspend"
    assert isinstance(step(forced, AWAKE), End)  # what it refused before counts for nothing
    assert isinstance(step(forced, SAVING, NOON + timedelta(seconds=65)), Kill)


def test_an_end_with_a_loss_is_asleep_with_its_code_and_its_reason() -> None:
    saved = Saved(kernels=(SavedKernel(id="1", name="ir", language="R", objects=3, lost=LOST),))
    record = Record(how=How.SUSPENDED, code=1, saved=saved, reason="Your session could not keep `x`.", ended=("R kernel",))
    after = step(replace(FALLING, sleep=Sleep.FORCED), Observed(phase="ended", code=1, record=record))
    assert isinstance(after, Settle)
    assert (after.after.state, after.after.reason) == (State.SUSPENDED, "Your session could not keep `x`.")
    assert after.after.last_exit is not None
    assert (after.after.last_exit.code, after.after.last_exit.ended, after.after.last_exit.saved) == (1, ("R kernel",), saved)


def test_an_idle_session_that_refused_is_tried_again_ever_more_seldom_and_not_warned_again() -> None:
    idle = NOON + timedelta(hours=2)
    for number, pause in ((1, "10m"), (2, "20m"), (3, "40m"), (20, "4h")):
        refused = replace(RUNS, refusal=replace(REFUSED, number=number, at=idle))
        assert retry_after(number) == Lifecycle(idle=pause).idle
        due = idle + retry_after(number)
        assert decide(refused, LIFECYCLE, now=due - timedelta(seconds=1)) == Nothing(until=due)
        verdict = decide(refused, LIFECYCLE, now=due)
        assert isinstance(verdict, Change)
        assert verdict.sleep is Sleep.IDLE


def test_who_uses_it_again_is_warned_again() -> None:
    used = replace(RUNS, refusal=replace(REFUSED, at=NOON), last_activity=NOON + timedelta(hours=1))
    assert isinstance(decide(used, LIFECYCLE, now=NOON + timedelta(hours=2, minutes=50)), Warn)


def test_the_longest_run_is_forced_whatever_was_refused() -> None:
    refused = replace(RUNS, refusal=REFUSED)
    warned = decide(refused, LIFECYCLE, now=NOON + timedelta(hours=23))
    assert not isinstance(warned, Change) or warned.sleep is Sleep.IDLE
    notice = decide(replace(refused, busy=True), LIFECYCLE, now=NOON + timedelta(hours=22))
    assert isinstance(notice, Warn)
    ended = decide(replace(refused, notices=(notice.notice,), busy=True), LIFECYCLE, now=NOON + timedelta(hours=25))
    assert isinstance(ended, Change)
    assert ended.sleep is Sleep.FORCED
