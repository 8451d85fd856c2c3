"""The record of how a generation ended: what the next start reads and the hub shows."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from rspark_session.agent.spec import Spec
from rspark_session.agent.status import PartStatus


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
