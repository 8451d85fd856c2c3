"""What was used, as the API says it: pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from rsparkhub.domain.usage import SessionUsage, by_user
from rsparkhub.wire.record import PersonUsage, Usage, UsageRow


def usage_report(
    sessions: Sequence[SessionUsage], *, labels: Mapping[str, str] = MappingProxyType({}), since: datetime | None, until: datetime
) -> Usage:
    """Return the sessions that ran within a period, and the sum of each user; the most used first.

    `labels` says what people are called, by id.
    """
    ran = sorted((each for each in sessions if each.seconds > 0), key=lambda each: (-each.seconds, each.session))
    return Usage(
        since=since,
        until=until,
        people=[
            PersonUsage(
                owner=labels.get(each.owner, each.owner),
                sessions=each.sessions,
                starts=each.starts,
                seconds=round(each.seconds, 3),
            )
            for each in by_user(ran)
        ],
        sessions=[
            UsageRow(
                owner=labels.get(each.owner, each.owner),
                session=each.session,
                environment=each.environment,
                starts=each.starts,
                seconds=round(each.seconds, 3),
            )
            for each in ran
        ],
    )
