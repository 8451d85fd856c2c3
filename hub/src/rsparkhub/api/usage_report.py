"""What was used, from the events of sessions: pure.

A run counts from the start of starting until everything of it had ended, since so long it holds its place and memory.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from rsparkhub.domain.event import Event
from rsparkhub.domain.session import LIVE, State
from rsparkhub.wire.record import PersonUsage, Usage, UsageRow

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass
class _Account:
    owner: str
    environment: str | None = None
    starts: int = 0
    seconds: float = 0.0
    live_since: datetime | None = None


class UsageReport:
    """Adds up runs within a period, from events in their order, all from the first on."""

    def __init__(self, *, since: datetime | None, until: datetime) -> None:
        self._since = since
        self._from = since or _BEGINNING
        self._until = until
        self._accounts: dict[str, _Account] = {}

    def take(self, event: Event) -> None:
        """Take one event; what belongs to no person (a shared service) and what is later than the period is passed over."""
        if event.owner is None or event.at >= self._until:
            return
        account = self._accounts.setdefault(event.session, _Account(event.owner))
        if event.kind == "created":
            account.environment = event.data["environment"]
        elif event.kind == "state":
            self._take_state(account, State(event.data["state"]), event.at)

    def _take_state(self, account: _Account, state: State, at: datetime) -> None:
        if state in LIVE and account.live_since is None:
            account.live_since = at
            account.starts += at >= self._from
        elif state not in LIVE and account.live_since is not None:
            account.seconds += self._within(account.live_since, at)
            account.live_since = None

    def _within(self, begin: datetime, end: datetime) -> float:
        return max(0.0, (min(end, self._until) - max(begin, self._from)).total_seconds())

    def total(self) -> Usage:
        """Tell each session that ran within the period, and the sum of each person."""
        rows = [row for session, account in self._accounts.items() if (row := self._row(session, account)).seconds > 0]
        people: dict[str, list[UsageRow]] = {}
        for row in rows:
            people.setdefault(row.owner, []).append(row)
        sums = [
            PersonUsage(
                owner=owner,
                sessions=len(theirs),
                starts=sum(row.starts for row in theirs),
                seconds=round(sum(row.seconds for row in theirs), 3),
            )
            for owner, theirs in people.items()
        ]
        return Usage(
            since=self._since,
            until=self._until,
            people=sorted(sums, key=lambda each: (-each.seconds, each.owner)),
            sessions=sorted(rows, key=lambda row: (-row.seconds, row.session)),
        )

    def _row(self, session: str, account: _Account) -> UsageRow:
        running = self._within(account.live_since, self._until) if account.live_since else 0.0
        return UsageRow(
            owner=account.owner,
            session=session,
            environment=account.environment,
            starts=account.starts,
            seconds=round(account.seconds + running, 3),
        )
