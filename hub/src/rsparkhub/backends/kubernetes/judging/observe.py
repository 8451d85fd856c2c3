"""What is observed of one generation, from its pod, from what its agent reports, and from its log. Pure."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rspark_contract.reading import NAME, printable
from rspark_contract.record import read_record
from rspark_contract.status import AgentStatus
from rsparkhub.backends.kubernetes.judging import diagnostics
from rsparkhub.backends.kubernetes.judging.diagnostics import Diagnosis
from rsparkhub.backends.kubernetes.objects.names import AGENT_PORT, Object
from rsparkhub.domain.ensemble import Observed, phase_of

#: How long after its grace a pod may go without a word from its node before the node counts as lost.
LOST_AFTER = timedelta(seconds=30)
_SIGNALS = 128
_LOG_LINE = re.compile(rf"({NAME.pattern}) \| (.*)")
#: Components of one generation whose logs are kept: what it prints may name any number.
_MOST_LOGS = 64


def address_of(pod: Object) -> str | None:
    """Return where the agent listens, as the API server knows it: a session is never asked for its own address."""
    ip = pod.get("status", {}).get("podIP")
    if not ip:
        return None
    return f"[{ip}]:{AGENT_PORT}" if ":" in ip else f"{ip}:{AGENT_PORT}"


def is_over(pod: Object) -> bool:
    """Whether nothing of it runs any more; one that is deleted before it had a node never ran."""
    if pod["metadata"].get("deletionTimestamp") and not pod["spec"].get("nodeName"):
        return True
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed") or _terminated(pod) is not None


@dataclass(frozen=True)
class Remark:
    """What a pod itself says that somebody would notice: that it ended or is to end, or why it doesn't run."""

    over: bool = False
    deleted: bool = False
    diagnosis: Diagnosis | None = None


#: Of a pod that starts or runs as it should: its agent tells the rest.
NOTHING_REMARKABLE = Remark()


def remark(pod: Object) -> Remark:
    """Return what is to be noticed of a pod."""
    deleted = pod["metadata"].get("deletionTimestamp") is not None
    return Remark(over=is_over(pod), deleted=deleted, diagnosis=diagnostics.waiting(pod))


def observe(  # noqa: PLR0911  # a line a case
    pod: Object, status: AgentStatus | None, *, now: datetime, diagnosis: Diagnosis | None = None
) -> Observed:
    """Return what became of a generation.

    Parameters
    ----------
    pod
        As the API server has it.
    status
        What its agent reports, None when it doesn't.
    now
        In UTC.
    diagnosis
        Why it hangs, where the pod itself doesn't say so.
    """
    if status is not None:
        status = replace(status, address=address_of(pod))
    if is_over(pod):
        return _ended(pod, status)
    deleted = pod["metadata"].get("deletionTimestamp")
    if deleted is not None:
        if now > datetime.fromisoformat(deleted) + LOST_AFTER:
            lost = diagnostics.LOST
            return Observed(phase="ended", status=status, reason=lost.sentence, detail=lost.detail, evicted=True)
        return Observed(phase="ending", status=status)
    if status is not None:
        return Observed(phase=phase_of(status), status=status)
    if pod.get("status", {}).get("phase") == "Running":
        return Observed(phase="up")
    diagnosis = diagnostics.waiting(pod) or diagnosis
    if diagnosis is None:
        return Observed(phase="starting")
    detail = printable(diagnosis.detail)
    return Observed(phase="starting", reason=diagnosis.sentence, detail=detail, unrecoverable=diagnosis.unrecoverable)


def _ended(pod: Object, status: AgentStatus | None) -> Observed:
    left = _terminated(pod) or {}
    code = left.get("exitCode")
    record = read_record(str(left.get("message") or ""))
    diagnosis = None if record is not None else diagnostics.ended(pod)
    detail = diagnosis.detail if diagnosis else None
    if record is None and detail is None and left.get("message"):
        lines = [line for line in str(left["message"]).splitlines() if line.strip()]
        detail = lines[-1].strip() if lines else None
    return Observed(
        phase="ended",
        status=status,
        record=record,
        code=code,
        signal=left.get("signal") or (code - _SIGNALS if isinstance(code, int) and code > _SIGNALS else None),
        reason=diagnosis.sentence if diagnosis else None,
        detail=None if detail is None else printable(detail),
        evicted=diagnostics.was_evicted(pod),
    )


def _terminated(pod: Object) -> Object | None:
    for container in pod.get("status", {}).get("containerStatuses") or []:
        left = (container.get("state") or {}).get("terminated")
        if left is not None:
            return left  # type: ignore[no-any-return]
    return None


def split_log(text: str, *, most: int) -> dict[str, str]:
    """Return the last `most` bytes of each component's lines: `<component> | …`, and the agent's where a line names none."""
    lines: dict[str, list[str]] = {}
    for line in text.splitlines():
        found = _LOG_LINE.fullmatch(line)
        component, said = (found[1], found[2]) if found else ("agent", line)
        if component not in lines and len(lines) >= _MOST_LOGS:
            component, said = "agent", line
        lines.setdefault(component, []).append(said)
    return {component: ("\n".join(said) + "\n").encode()[-most:].decode("utf-8", "ignore") for component, said in lines.items()}
