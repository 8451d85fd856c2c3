"""When sessions go to sleep by themselves, and how they are told before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rsparkhub.domain.cull import Change, Nothing, Verdict, Warn, ahead, decide
from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.notice import Notice
from rsparkhub.domain.session import Session, Sleep, State, Wanted

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LIFECYCLE = Lifecycle(idle="2h", suspended="7d", longest="24h")
RUNS = Session(
    id="aaaa", owner="ada", name="mine", environment="rspark", wanted=Wanted.RUNNING, state=State.RUNNING, generation=1,
    created=NOON, queued_at=NOON, started=NOON, ready=NOON,
)  # fmt: skip


def after(session: Session = RUNS, *notices: Notice, **passed: float) -> Verdict:
    return decide(replace(session, notices=notices), LIFECYCLE, now=NOON + timedelta(**passed))


def warned(session: Session = RUNS, *notices: Notice, **passed: float) -> Notice:
    verdict = after(session, *notices, **passed)
    assert isinstance(verdict, Warn)
    return verdict.notice


def test_nothing_is_due_while_somebody_uses_it() -> None:
    active = replace(RUNS, last_activity=NOON + timedelta(hours=3))
    assert after(active, hours=4) == Nothing(until=NOON + timedelta(hours=4, minutes=48))


def test_an_idle_session_is_told_and_then_sleeps() -> None:
    notice = warned(hours=1, minutes=48)
    assert (notice.kind, notice.at) == ("idle", NOON + timedelta(hours=2))
    assert after(RUNS, notice, hours=1, minutes=59) == Nothing(until=NOON + timedelta(hours=2))
    slept = after(RUNS, notice, hours=2)
    assert slept == Change(
        wanted=Wanted.SUSPENDED, reason="Put to sleep after 2 hours without use. Resume it when you like.", sleep=Sleep.IDLE
    )


def test_an_open_tab_is_no_use_and_a_doing_is() -> None:
    notice = warned(hours=1, minutes=50)
    used = replace(RUNS, last_activity=NOON + timedelta(hours=1, minutes=55))
    assert after(used, notice, hours=2) == Nothing(until=NOON + timedelta(hours=3, minutes=43))


def test_a_busy_session_is_not_culled() -> None:
    busy = replace(RUNS, busy=True)
    notice = warned(hours=1, minutes=50)
    assert isinstance(after(busy, notice, hours=12), Nothing)


def test_a_computation_that_ended_at_night_is_told_before_it_sleeps() -> None:
    notice = warned(hours=12)
    assert notice.at == NOON + timedelta(hours=12) + ahead(LIFECYCLE.idle)
    assert isinstance(after(RUNS, notice, hours=12, minutes=11), Nothing)
    assert isinstance(after(RUNS, notice, hours=12, minutes=12), Change)


def test_the_longest_run_ends_for_a_busy_session_too() -> None:
    busy = replace(RUNS, busy=True)
    notice = warned(busy, hours=21, minutes=36)
    assert (notice.kind, notice.at) == ("longest", NOON + timedelta(hours=24))
    slept = after(busy, notice, hours=24)
    reason = "Put to sleep after 1 day, the longest run in one go. Resume it when you like."
    assert slept == Change(wanted=Wanted.SUSPENDED, reason=reason, sleep=Sleep.FORCED)


def test_a_notice_of_an_earlier_run_counts_for_nothing() -> None:
    earlier = replace(warned(hours=2), generation=0)
    assert isinstance(after(RUNS, earlier, hours=5), Warn)


def test_a_clock_of_a_session_that_is_ahead_keeps_nobody_awake() -> None:
    ahead_of_time = replace(RUNS, last_activity=NOON + timedelta(days=900))
    notice = replace(warned(hours=1, minutes=50), given=NOON + timedelta(hours=1), at=NOON + timedelta(hours=2))
    verdict = after(ahead_of_time, notice, hours=3)
    assert not isinstance(verdict, Change), "what it says counts as a doing now"
    assert isinstance(verdict, Nothing)
    assert verdict.until is not None
    assert verdict.until < NOON + timedelta(hours=6)


def test_what_slept_too_long_is_stopped() -> None:
    asleep = replace(RUNS, state=State.SUSPENDED, wanted=Wanted.SUSPENDED, ended=NOON)
    assert after(asleep, days=6) == Nothing(until=NOON + timedelta(days=7))
    stopped = after(asleep, days=7)
    assert stopped == Change(wanted=Wanted.STOPPED, reason="Stopped after 7 days asleep. Your files are kept.")


@pytest.mark.parametrize("state", [state for state in State if state not in (State.RUNNING, State.SUSPENDED)])
def test_what_is_under_way_or_over_is_left_alone(state: State) -> None:
    assert after(replace(RUNS, state=state), days=30) == Nothing(until=None)


def test_a_shared_service_is_never_culled() -> None:
    assert after(replace(RUNS, kind="service"), days=30) == Nothing(until=None)


def test_what_was_asked_to_sleep_already_is_left_alone() -> None:
    assert after(replace(RUNS, wanted=Wanted.SUSPENDED), days=30) == Nothing(until=None)


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (timedelta(hours=2), timedelta(minutes=12)),
        (timedelta(seconds=20), timedelta(seconds=10)),
        (timedelta(days=1), timedelta(hours=2, minutes=24)),
    ],
)
def test_how_long_before_it_is_told(limit: timedelta, told: timedelta) -> None:
    assert ahead(limit) == told
