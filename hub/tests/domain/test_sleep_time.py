"""When a session is said to sleep, and how far that is put off."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rspark_contract.saved import SleepRefusal
from rsparkhub.domain.cull import Change, Nothing, Warn, decide
from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.errors import Conflict
from rsparkhub.domain.notice import Notice
from rsparkhub.domain.plan import begin
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.domain.sleep_time import SleepTime, can_extend, extended, kept_until, sleep_time

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LIFECYCLE = Lifecycle(idle="2h", suspended="7d", longest="24h")
RUNS = Session(
    id="aaaa", owner="ada", name="Thesis", environment="rspark", wanted=Wanted.RUNNING, state=State.RUNNING, generation=1,
    created=NOON, queued_at=NOON, started=NOON, ready=NOON,
)  # fmt: skip


def put_off(session: Session = RUNS, *, by: timedelta = 2 * HOUR, most: timedelta = 12 * HOUR, now: datetime = NOON) -> datetime:
    return extended(session, LIFECYCLE, by=by, most=most, now=now)


def refused(session: Session, **how: timedelta) -> str:
    with pytest.raises(Conflict) as error:
        put_off(session, **how)  # type: ignore[arg-type]
    return str(error.value)


def test_an_idle_session_sleeps_when_it_was_not_used_for_so_long() -> None:
    assert sleep_time(RUNS, LIFECYCLE, now=NOON + HOUR) == SleepTime(at=NOON + 2 * HOUR, why="idle")
    used = replace(RUNS, last_activity=NOON + HOUR)
    assert sleep_time(used, LIFECYCLE, now=NOON + 2 * HOUR) == SleepTime(at=NOON + 3 * HOUR, why="idle")


def test_the_longest_run_comes_first_where_it_ends_first() -> None:
    used = replace(RUNS, last_activity=NOON + 23 * HOUR)
    assert sleep_time(used, LIFECYCLE, now=NOON + 23 * HOUR) == SleepTime(at=NOON + 24 * HOUR, why="longest")


@pytest.mark.parametrize(
    "session",
    [
        replace(RUNS, busy=True),
        replace(RUNS, wanted=Wanted.SUSPENDED),
        replace(RUNS, kind="service"),
        *(replace(RUNS, state=state) for state in State if state is not State.RUNNING),
    ],
)
def test_no_other_is_said_to_sleep_by_itself(session: Session) -> None:
    assert sleep_time(session, LIFECYCLE, now=NOON) is None
    assert not can_extend(session, LIFECYCLE, most=12 * HOUR, now=NOON)
    assert refused(session)


@pytest.mark.parametrize("hours", [0, 1, 1.79, 1.85, 1.99, 5, 12.5])
@pytest.mark.parametrize("awake", [None, 1, 3, 13])
@pytest.mark.parametrize("tries", [None, (1, 1), (3, 2)])
def test_what_is_said_is_what_the_culling_does(hours: float, awake: int | None, tries: tuple[int, int] | None) -> None:
    """Follow the culling, each pass at the time that the one before asked for: it sleeps at the time that was said."""
    now = NOON + timedelta(hours=hours)
    refusal = tries and SleepRefusal(number=tries[0], at=NOON + tries[1] * HOUR, reason="it would lose x.")
    row = replace(RUNS, awake_until=None if awake is None else NOON + awake * HOUR, refusal=refusal)
    said = sleep_time(row, LIFECYCLE, now=now)
    assert said is not None
    for _ in range(10):
        match decide(row, LIFECYCLE, now=now):
            case Warn(notice=notice):
                row = replace(row, notices=(*row.notices, notice))
            case Nothing(until=until):
                assert until is not None
                now = until
            case Change():
                break
    assert now == max(said.at, NOON + timedelta(hours=hours))


def test_two_hours_are_added_to_when_it_would_sleep() -> None:
    assert put_off(now=NOON + HOUR) == NOON + 4 * HOUR
    again = replace(RUNS, awake_until=NOON + 4 * HOUR)
    assert put_off(again, now=NOON + HOUR) == NOON + 6 * HOUR
    told = Notice(kind="idle", generation=1, given=NOON + 2 * HOUR, at=NOON + 2.2 * HOUR, text="Soon.")
    assert put_off(replace(RUNS, notices=(told,)), now=NOON + 2 * HOUR) == NOON + 4.2 * HOUR


def test_it_is_put_off_as_far_as_the_installation_allows_and_then_that_is_said() -> None:
    awake = replace(RUNS, awake_until=NOON + 11 * HOUR)
    assert put_off(awake) == NOON + 12 * HOUR
    most = replace(RUNS, awake_until=NOON + 12 * HOUR)
    assert "Thesis sleeps as late as it may: 12 hours ahead." in refused(most)
    assert not can_extend(most, LIFECYCLE, most=12 * HOUR, now=NOON + MINUTE / 2)
    assert put_off(most, now=NOON + MINUTE) == NOON + 12 * HOUR + MINUTE


def test_it_is_not_put_off_beyond_the_longest_run() -> None:
    awake = replace(RUNS, awake_until=NOON + 23 * HOUR)
    assert put_off(awake, now=NOON + 20 * HOUR) == NOON + 24 * HOUR
    end = replace(RUNS, awake_until=NOON + 24 * HOUR)
    with pytest.raises(Conflict, match="1 day, the longest run in one go"):
        put_off(end, now=NOON + 20 * HOUR)
    told = Notice(kind="longest", generation=1, given=NOON, at=NOON + 3 * HOUR, text="Soon.")
    assert put_off(replace(RUNS, notices=(told,))) == NOON + 3 * HOUR


def test_where_the_installation_allows_nothing_that_is_said() -> None:
    assert "can't be put off on this hub" in refused(RUNS, most=timedelta())
    assert not can_extend(RUNS, LIFECYCLE, most=timedelta(), now=NOON)


def test_what_can_not_be_put_off_says_what_it_does_instead() -> None:
    assert refused(replace(RUNS, state=State.SUSPENDED)).startswith("Thesis is asleep.")
    assert refused(replace(RUNS, wanted=Wanted.SUSPENDED)).startswith("Thesis is going to sleep or to end.")
    assert refused(replace(RUNS, busy=True)).startswith("Thesis computes")


def test_a_new_run_begins_without_it() -> None:
    assert begin(replace(RUNS, awake_until=NOON + 12 * HOUR), now=NOON).awake_until is None


def test_a_sleeping_session_is_kept_as_long_as_its_environment_says() -> None:
    asleep = replace(RUNS, state=State.SUSPENDED, wanted=Wanted.SUSPENDED, ended=NOON)
    assert kept_until(asleep, LIFECYCLE) == NOON + timedelta(days=7)
    assert kept_until(replace(asleep, wanted=Wanted.RUNNING), LIFECYCLE) is None
    assert kept_until(RUNS, LIFECYCLE) is None
