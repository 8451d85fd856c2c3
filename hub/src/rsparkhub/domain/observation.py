"""What a session's row takes over from what a backend observed, and whether that is worth writing."""

from dataclasses import replace
from datetime import datetime, timedelta

from rspark_contract.status import AgentStatus
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.notice import still_valid
from rsparkhub.domain.session import Component, Session

#: Less than this is noise: a session at rest must cost nothing.
MEMORY_STEP, MEMORY_SHARE = 16 * 2**20, 0.1  # bytes, and a part of what was last written
CPU_STEP = 0.25  # cores
ACTIVITY_STEP = timedelta(seconds=30)
#: By how much the clock of a node may be ahead of the controller's.
CLOCKS_DIFFER = timedelta(minutes=1)


def apply_observation(session: Session, observed: Observed, *, now: datetime) -> Session:
    """Return the row with what its agent reports; unchanged where the agent reports nothing.

    Nobody has done anything after `now`: a later time, as a session may report and a row may hold, is left out. Else it would be
    the latest for ever, and the session never idle.
    """
    status = observed.status
    if status is None:
        return session
    last_activity = _later(_past(session.last_activity, now), _past(status.last_activity, now))
    return replace(
        session,
        upstream=status.address or session.upstream,
        components=_components(session.components, status),
        endpoints={each.name: each.endpoint for each in status.components if each.endpoint} or session.endpoints,
        busy=status.busy,
        busy_with=status.busy_with,
        last_activity=last_activity,
        memory=status.memory,
        cpu=status.cpu,
        restored=status.restored if status.restored is not None else session.restored,
        notices=still_valid(session.notices, busy=status.busy, last_activity=last_activity, awake_until=session.awake_until),
    )


def is_significant(before: Session, after: Session) -> bool:
    """Whether a user, the culling or the edge would notice the difference."""
    same = replace(after, memory=before.memory, cpu=before.cpu, last_activity=before.last_activity)
    if same != before:
        return True
    return (
        _grew(before.memory, after.memory, MEMORY_STEP, MEMORY_SHARE)
        or _grew(before.cpu, after.cpu, CPU_STEP, 0)
        or _moved(before.last_activity, after.last_activity)
    )


def _components(before: tuple[Component, ...], status: AgentStatus) -> tuple[Component, ...]:
    """Return what the agent reports behind what it doesn't know of: the shared services, which the controller started."""
    reported = tuple(
        Component(name=each.name, title=each.title or each.name, state=each.state, reason=each.reason)
        for each in status.components
    )
    names = {component.name for component in reported}
    return tuple(component for component in before if component.name not in names) + reported


def _past(at: datetime | None, now: datetime) -> datetime | None:
    return None if at is None or at > now + CLOCKS_DIFFER else at


def _later(before: datetime | None, reported: datetime | None) -> datetime | None:
    return reported if before is None or (reported is not None and reported > before) else before


def _grew(before: float | None, after: float | None, step: float, share: float) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(after - before) >= max(step, before * share)


def _moved(before: datetime | None, after: datetime | None) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(after - before) >= ACTIVITY_STEP
