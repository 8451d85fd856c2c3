"""What a session's row takes over from what a backend observed, and whether that is worth a line in the store."""

from dataclasses import replace
from datetime import datetime, timedelta

from rspark_contract.status import AgentStatus
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.session import Component, Session

#: Less than this is noise: a session at rest must cost nothing.
MEMORY_STEP, MEMORY_SHARE = 16 * 2**20, 0.1  # bytes, and a part of what was last written
CPU_STEP = 0.25  # cores
ACTIVITY_STEP = timedelta(seconds=30)


def apply_observation(session: Session, observed: Observed) -> Session:
    """Give the row with what its agent says of itself; unchanged where the agent says nothing."""
    status = observed.status
    if status is None:
        return session
    return replace(
        session,
        upstream=status.address or session.upstream,
        components=_parts(session.components, status),
        endpoints={part.name: part.endpoint for part in status.components if part.endpoint} or session.endpoints,
        busy=status.busy,
        busy_with=status.busy_with,
        last_activity=_later(session.last_activity, status.last_activity),
        memory=status.memory,
        cpu=status.cpu,
        restored=status.restored if status.restored is not None else session.restored,
    )


def is_significant(before: Session, after: Session) -> bool:
    """Whether a person, the culling or the edge would notice the difference."""
    same = replace(after, memory=before.memory, cpu=before.cpu, last_activity=before.last_activity)
    if same != before:
        return True
    return (
        _grew(before.memory, after.memory, MEMORY_STEP, MEMORY_SHARE)
        or _grew(before.cpu, after.cpu, CPU_STEP, 0)
        or _moved(before.last_activity, after.last_activity)
    )


def _parts(before: tuple[Component, ...], status: AgentStatus) -> tuple[Component, ...]:
    """Put what the agent reports behind what it doesn't know of: the shared services, which the controller started."""
    reported = tuple(
        Component(name=part.name, title=part.title or part.name, state=part.state, reason=part.reason)
        for part in status.components
    )
    names = {part.name for part in reported}
    return tuple(part for part in before if part.name not in names) + reported


def _later(before: datetime | None, said: datetime | None) -> datetime | None:
    return said if before is None or (said is not None and said > before) else before


def _grew(before: float | None, after: float | None, step: float, share: float) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(after - before) >= max(step, before * share)


def _moved(before: datetime | None, after: datetime | None) -> bool:
    if before is None or after is None:
        return before is not after
    return after - before >= ACTIVITY_STEP
