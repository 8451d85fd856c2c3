"""What was used: how long sessions ran, and for whom."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SessionUsage:
    """What the runs of one session took within a period; `starts` counts those that began in it.

    A run counts from the start of starting until everything of it had ended, since so long it has its slot and its memory.
    """

    session: str
    owner: str
    environment: str
    starts: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class UserUsage:
    """What the sessions of one user took within a period; `sessions` is how many there were."""

    owner: str
    sessions: int
    starts: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class RunCounts:
    """How many runs began, failed and ended since the first day; `ends` is by exit code, which may be unknown."""

    starts: int
    failures: int
    ends: dict[str, int]


def by_user(sessions: Iterable[SessionUsage]) -> list[UserUsage]:
    """Return the sum of each user, the most used first."""
    by_owner: dict[str, list[SessionUsage]] = {}
    for each in sessions:
        by_owner.setdefault(each.owner, []).append(each)
    sums = [
        UserUsage(
            owner=owner,
            sessions=len(theirs),
            starts=sum(each.starts for each in theirs),
            seconds=sum(each.seconds for each in theirs),
        )
        for owner, theirs in by_owner.items()
    ]
    return sorted(sums, key=lambda each: (-each.seconds, each.owner))
