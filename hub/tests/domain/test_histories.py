"""Histories: what is observed of a session over hours and days, and what is decided when."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rspark_contract.status import AgentState, AgentStatus
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.errors import Conflict
from rsparkhub.domain.plan import Limits, Wait, plan
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.domain.sleep_time import extended

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LIFECYCLE = Lifecycle(idle="2h", suspended="7d", longest="24h")
ACTIVE = "a person does something"
BUSY = "it computes"
DONE = "it computes no more"
PUT_OFF = "somebody puts off its sleep by two hours"
CONTROLLER = "another controller goes on"


@dataclass(frozen=True, kw_only=True)
class History:
    """`happens` and `decided` are by hours after the session was ready; it is watched until `until`."""

    name: str
    happens: tuple[tuple[float, str], ...] = ()
    decided: tuple[tuple[float, str], ...] = ()
    until: float = 40
    lifecycle: Lifecycle = LIFECYCLE


HISTORIES = (
    History(name="nobody uses it", decided=((1.8, "idle"), (2, "sleep"))),
    History(
        name="somebody uses it now and then",
        happens=((1.7, ACTIVE), (3.4, ACTIVE)),
        decided=((5.2, "idle"), (5.4, "sleep")),
    ),
    History(
        name="somebody uses it after the notice",
        happens=((1.9, ACTIVE),),
        decided=((1.8, "idle"), (1.9, "withdrawn"), (3.7, "idle"), (3.9, "sleep")),
    ),
    History(
        name="a computation of a night ends at four",
        happens=((1, BUSY), (16, DONE)),
        decided=((16, "idle"), (16.2, "sleep")),
    ),
    History(
        name="a computation begins after the notice and ends hours later",
        happens=((1.9, BUSY), (9, DONE)),
        decided=((1.8, "idle"), (1.9, "withdrawn"), (9, "idle"), (9.2, "sleep")),
    ),
    History(
        name="a computation begins and ends twice after notices",
        happens=((1.9, BUSY), (5, DONE), (5.1, BUSY), (6, DONE)),
        decided=((1.8, "idle"), (1.9, "withdrawn"), (5, "idle"), (5.1, "withdrawn"), (6, "idle"), (6.2, "sleep")),
    ),
    History(
        name="the controller changes between the notice and the sleep",
        happens=((1.9, CONTROLLER),),
        decided=((1.8, "idle"), (2, "sleep")),
    ),
    History(
        name="it computes for longer than the longest run",
        happens=((0.1, BUSY),),
        decided=((21.6, "longest"), (24, "sleep")),
    ),
    History(
        name="it is used all the time, for longer than the longest run",
        happens=tuple((float(hour), ACTIVE) for hour in range(1, 40)),
        decided=((21.6, "longest"), (24, "sleep")),
    ),
    History(
        name="a limit of minutes",
        lifecycle=Lifecycle(idle="20m", longest="24h"),
        happens=((0.25, ACTIVE),),
        decided=((10 / 60, "idle"), (0.25, "withdrawn"), (0.25 + 10 / 60, "idle"), (0.25 + 20 / 60, "sleep")),
        until=5,
    ),
    History(name="it is stopped in time", until=1.7),
    History(name="its sleep is put off early", happens=((0.5, PUT_OFF),), decided=((3.8, "idle"), (4, "sleep"))),
    History(
        name="its sleep is put off after the notice, twice, and another controller goes on",
        happens=((1.9, PUT_OFF), (2, PUT_OFF), (2.1, CONTROLLER)),
        decided=((1.8, "idle"), (1.9, "withdrawn"), (5.8, "idle"), (6, "sleep")),
    ),
    History(
        name="its sleep is put off, and it is used after that for hours",
        happens=((1, PUT_OFF), (3.5, ACTIVE)),
        decided=((5.3, "idle"), (5.5, "sleep")),
    ),
    History(
        name="its sleep is put off, and it computes for a while that ends before",
        happens=((1, PUT_OFF), (2, BUSY), (3, DONE)),
        decided=((3.8, "idle"), (4, "sleep")),
    ),
    History(
        name="its sleep is put off again and again, but not beyond its longest run",
        happens=tuple((float(hour), PUT_OFF) for hour in range(1, 16)),
        decided=((21.6, "longest"), (23.8, "idle"), (24, "sleep")),
    ),
)


def observed(status: AgentStatus) -> Observed:
    return Observed(phase="up", status=status)


def put_off(row: Session, lifecycle: Lifecycle, now: datetime) -> datetime | None:
    """Return what the request writes; what it had where that can't be put off."""
    try:
        return extended(row, lifecycle, by=timedelta(hours=2), most=timedelta(hours=12), now=now)
    except Conflict:
        return row.awake_until


def decisions(history: History) -> list[tuple[float, str]]:
    """Return what is decided when: each pass is at the time that the one before asked for, or when something happens."""
    limits = Limits(start_deadline=timedelta(minutes=5), lifecycle=history.lifecycle, resync=timedelta(minutes=2))
    status = AgentStatus(state=AgentState.READY, address="127.0.0.1:4000")
    row = Session(
        id="aaaa", owner="ada", name="mine", environment="rspark", wanted=Wanted.RUNNING, state=State.RUNNING, generation=1,
        created=NOON, queued_at=NOON, started=NOON, ready=NOON, secret="s3cret", upstream="127.0.0.1:4000",
    )  # fmt: skip
    happens, now, found = list(history.happens), NOON, []
    while now <= NOON + timedelta(hours=history.until):
        while happens and NOON + timedelta(hours=happens[0][0]) <= now:
            what = happens.pop(0)[1]
            if what == PUT_OFF:
                row = replace(row, awake_until=put_off(row, history.lifecycle, now))
                continue
            change: dict[str, dict[str, Any]] = {
                ACTIVE: {"last_activity": now}, BUSY: {"busy": True}, DONE: {"busy": False}, CONTROLLER: {},
            }  # fmt: skip
            status = replace(status, **change[what])
        step = plan(row, observed(status), now=now, limits=limits)
        assert isinstance(step, Wait)
        at = round((now - NOON) / timedelta(hours=1), 6)
        for notice in row.notices:
            if notice not in step.after.notices:
                found.append((at, "withdrawn"))
        for notice in step.after.notices:
            if notice not in row.notices:
                found.append((at, notice.kind))
        row = step.after
        if step.wanted is not None:
            assert step.wanted is Wanted.SUSPENDED
            return [*found, (at, "sleep")]
        assert step.requeue_after is not None
        assert step.requeue_after > timedelta(0), "a pass that decides nothing doesn't ask for another at once"
        following = now + step.requeue_after
        now = min([following, *(NOON + timedelta(hours=each[0]) for each in happens[:1])])
    return found


@pytest.mark.parametrize("history", HISTORIES, ids=[history.name for history in HISTORIES])
def test_what_is_decided_when(history: History) -> None:
    assert decisions(history) == [(round(at, 6), what) for at, what in history.decided]
