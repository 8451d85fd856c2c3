"""What was used, as the API says it: pure."""

from collections.abc import Sequence
from datetime import datetime

from rsparkhub.store import SessionUsage
from rsparkhub.wire.record import PersonUsage, Usage, UsageRow


def usage_report(sessions: Sequence[SessionUsage], *, since: datetime | None, until: datetime) -> Usage:
    """Return the sessions that ran within a period, and the sum of each user; the most used first.

    A run counts from the start of starting until everything of it had ended, since so long it has its slot and its memory.
    """
    rows = [
        UsageRow(
            owner=each.owner,
            session=each.session,
            environment=each.environment,
            starts=each.starts,
            seconds=round(each.seconds, 3),
        )
        for each in sessions
        if each.seconds > 0
    ]
    by_owner: dict[str, list[UsageRow]] = {}
    for row in rows:
        by_owner.setdefault(row.owner, []).append(row)
    sums = [
        PersonUsage(
            owner=owner,
            sessions=len(theirs),
            starts=sum(row.starts for row in theirs),
            seconds=round(sum(row.seconds for row in theirs), 3),
        )
        for owner, theirs in by_owner.items()
    ]
    return Usage(
        since=since,
        until=until,
        people=sorted(sums, key=lambda each: (-each.seconds, each.owner)),
        sessions=sorted(rows, key=lambda row: (-row.seconds, row.session)),
    )
