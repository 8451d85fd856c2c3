"""What should pass quickly and hasn't is said, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.domain.stuck import stuck

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
AGO = NOON - timedelta(minutes=40)


def row(state: State, wanted: Wanted = Wanted.RUNNING, **more: datetime) -> Session:
    return Session(
        id="aaaa", owner="ada", name="mine", environment="rspark", wanted=wanted, state=state, created=AGO, queued_at=AGO, **more
    )


@pytest.mark.parametrize(
    ("session", "deleted_at", "said"),
    [
        (row(State.STOPPED, Wanted.DELETED), AGO, "It has been deleted and is still stopped, for 40 minutes, which is too long."),
        (row(State.RUNNING, Wanted.DELETED), AGO, "It has been deleted and is still running, for 40 minutes, which is too long."),
        (
            row(State.STOPPING, Wanted.STOPPED, end_requested_at=AGO),
            None,
            "It has been stopping for 40 minutes, which is too long.",
        ),
        (row(State.SUSPENDING, Wanted.SUSPENDED, end_requested_at=AGO), None, "It has been suspending for 40 minutes"),
        (row(State.STARTING, started=AGO), None, "It has been starting for 40 minutes"),
        (row(State.RESUMING, started=AGO), None, "It has been resuming for 40 minutes"),
    ],
)
def test_what_has_long_been_under_way_is_said(session: Session, deleted_at: datetime | None, said: str) -> None:
    found = stuck(session, now=NOON, deleted_at=deleted_at)
    assert found is not None
    assert found.since == AGO
    assert found.text.startswith(said)
    assert stuck(session, now=AGO + timedelta(minutes=14), deleted_at=deleted_at) is None


@pytest.mark.parametrize(
    "session",
    [
        row(State.QUEUED), row(State.RUNNING, started=AGO), row(State.SUSPENDED, Wanted.SUSPENDED, end_requested_at=AGO),
        row(State.STOPPED, Wanted.STOPPED), row(State.FAILED), row(State.STOPPING, Wanted.STOPPED), row(State.STARTING),
    ],
)  # fmt: skip
def test_nothing_is_said_of_what_may_take_its_time(session: Session) -> None:
    assert stuck(session, now=NOON) is None
