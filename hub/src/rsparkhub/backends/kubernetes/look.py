"""What is seen of one generation, from its pod and from what its agent says. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from rspark_contract.record import read_record
from rspark_contract.status import AgentStatus
from rsparkhub.backends.kubernetes import troubles
from rsparkhub.backends.kubernetes.names import AGENT_PORT
from rsparkhub.domain.ensemble import Observed, phase_of

#: How long after its grace a pod may go without a word from its node before the node counts as lost.
LOST_AFTER = timedelta(seconds=30)
_SIGNALS = 128


def address_of(pod: dict[str, Any]) -> str | None:
    """Give where the agent listens, as the API server knows it: a session is never asked for its own address."""
    ip = pod.get("status", {}).get("podIP")
    if not ip:
        return None
    return f"[{ip}]:{AGENT_PORT}" if ":" in ip else f"{ip}:{AGENT_PORT}"


def is_over(pod: dict[str, Any]) -> bool:
    """Whether nothing of it runs any more; one that is deleted before it had a node never ran."""
    if pod["metadata"].get("deletionTimestamp") and not pod["spec"].get("nodeName"):
        return True
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed") or _terminated(pod) is not None


def look(  # noqa: PLR0911  # a line a case
    pod: dict[str, Any], status: AgentStatus | None, *, now: datetime, trouble: troubles.Trouble | None = None
) -> Observed:
    """Tell what became of a generation.

    Parameters
    ----------
    pod
        As the API server has it.
    status
        What its agent says, None when it doesn't.
    now
        In UTC.
    trouble
        Why it hangs, where the pod itself doesn't say so.
    """
    if status is not None:
        status = replace(status, address=address_of(pod))
    if is_over(pod):
        return _ended(pod, status)
    deleted = pod["metadata"].get("deletionTimestamp")
    if deleted is not None:
        if now > datetime.fromisoformat(deleted) + LOST_AFTER:
            lost = troubles.LOST
            return Observed(phase="ended", status=status, reason=lost.sentence, detail=lost.detail, evicted=True)
        return Observed(phase="ending", status=status)
    if status is not None:
        return Observed(phase=phase_of(status), status=status)
    if pod.get("status", {}).get("phase") == "Running":
        return Observed(phase="up")
    trouble = troubles.waiting(pod) or trouble
    if trouble is None:
        return Observed(phase="starting")
    return Observed(phase="starting", reason=trouble.sentence, detail=trouble.detail, unrecoverable=trouble.unrecoverable)


def _ended(pod: dict[str, Any], status: AgentStatus | None) -> Observed:
    left = _terminated(pod) or {}
    code = left.get("exitCode")
    record = read_record(str(left.get("message") or ""))
    trouble = None if record is not None else troubles.ended(pod)
    detail = trouble.detail if trouble else None
    if record is None and detail is None and left.get("message"):
        detail = str(left["message"]).strip().splitlines()[-1][:1000]
    return Observed(
        phase="ended",
        status=status,
        record=record,
        code=code,
        signal=left.get("signal") or (code - _SIGNALS if isinstance(code, int) and code > _SIGNALS else None),
        reason=trouble.sentence if trouble else None,
        detail=detail,
        evicted=troubles.moved(pod),
    )


def _terminated(pod: dict[str, Any]) -> dict[str, Any] | None:
    for container in pod.get("status", {}).get("containerStatuses") or []:
        left = (container.get("state") or {}).get("terminated")
        if left is not None:
            return left  # type: ignore[no-any-return]
    return None
