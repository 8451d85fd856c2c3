"""The record of how a generation ended: what the next start reads and the hub shows."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from rspark_session.agent.spec import Spec
from rspark_session.agent.status import PartStatus
from rspark_session.services.atomic import write_whole

#: What a container's runtime keeps of a termination message, in bytes.
MOST_BYTES = 4096


def ended(
    spec: Spec,
    *,
    how: str,
    code: int,
    reason: str | None,
    detail: str | None,
    saved: dict[str, Any] | None,
    parts: Iterable[PartStatus],
) -> dict[str, Any]:
    """Give the record of an ensemble that ran; `how` is suspended, stopped or failed."""
    return {
        "session": spec.id,
        "generation": spec.generation,
        "how": how,
        "reason": reason,
        "detail": detail,
        "code": code,
        "at": datetime.now(UTC).isoformat(),
        "saved": saved,
        "parts": [{"name": part.name, "code": part.code} for part in parts],
    }


def failed_start(spec: Spec, reason: str, detail: str | None) -> dict[str, Any]:
    """Give the record of an ensemble of which nothing could be started."""
    return ended(spec, how="failed", code=1, reason=reason, detail=detail, saved=None, parts=())


def leave(record: dict[str, Any], spec: Spec) -> None:
    """Leave the record for the hub, and where the runtime of a container reads how it ended, if there is such a place."""
    message = spec.termination_message
    if message is not None:
        message.write_text(fitting(record), encoding="utf-8")
    write_whole(spec.run / "record.json", json.dumps(record, indent=1))


def fitting(record: dict[str, Any]) -> str:
    """Write the record into the room there is: of what was lost, the first is told; then details go; then what was saved."""
    for most in (100, 30, 10, 3, 1, 0):
        text = _compact(record | {"saved": _shortened(record["saved"], most)})
        if len(text) <= MOST_BYTES:
            return text
    lesser: dict[str, Any] = {}
    for name, least in (("detail", None), ("parts", []), ("saved", {})):
        lesser[name] = least
        text = _compact(record | {"saved": _shortened(record["saved"], 0)} | lesser)
        if len(text) <= MOST_BYTES:
            return text
    return _compact({"how": record["how"], "code": record["code"], "reason": str(record["reason"])[:500]})


def _compact(data: dict[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"))  # ASCII: a letter is a byte


def _shortened(saved: dict[str, Any] | None, most: int) -> dict[str, Any] | None:
    if saved is None:
        return None
    return saved | {"kernels": [_told_of(kernel, most) for kernel in saved.get("kernels", [])]}


def _told_of(kernel: dict[str, Any], most: int) -> dict[str, Any]:
    lost = kernel.get("lost", [])
    if len(lost) <= most:
        return kernel
    rest = {"name": "…", "class": "", "why": f"And {len(lost) - most} more."}
    return kernel | {"lost": [*lost[:most], rest]}
