"""What the agent tells about its ensemble: the status file, and the bells that say it is worth a look."""

import asyncio
import contextlib
import json
import os
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rspark_contract.saved import Restored
from rspark_session.agent.spec import Spec


@dataclass
class PartStatus:
    """One part of the ensemble, as a person sees it light up."""

    name: str
    title: str
    state: str = "waiting"  # waiting, starting, ready, failed, ended
    reason: str | None = None
    endpoint: dict[str, Any] | None = None
    code: int | None = None


@dataclass
class Status:
    """All that is told. `activity` is when a person last did something."""

    state: str = "starting"  # starting, ready, suspending, stopping, ended, failed
    reason: str | None = None
    detail: str | None = None
    address: str = ""
    busy_with: list[str] = field(default_factory=list)
    activity: datetime | None = None
    memory: int = 0
    cpu: float = 0.0
    parts: dict[str, PartStatus] = field(default_factory=dict)
    restored: Restored | None = None


class Reporter:
    """Writes `status.json` whole or not at all, rings every bell that hangs in the bells folder, and wakes who waits for news.

    `told` counts what was told.
    """

    def __init__(self, spec: Spec) -> None:
        self.status = Status()
        self.told = 0
        self._news = asyncio.Event()
        self._spec = spec
        self._path = spec.run / "status.json"
        self._bell = json.dumps({"session": spec.id}).encode()

    def tell(self) -> None:
        """Write what is now, and let everybody know."""
        self.write()
        self._ring()
        self.told += 1
        self._news.set()
        self._news = asyncio.Event()

    async def until_news(self, seconds: float) -> None:
        """Wait until something is told; no longer than that."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)

    def write(self) -> None:
        """Write what is now."""
        beside = self._path.with_name(f".status.{os.getpid()}")
        with contextlib.suppress(OSError):  # the disk is full: the last status stays, and the agent still answers
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(self.document(), file)
            beside.replace(self._path)

    def document(self) -> dict[str, Any]:
        """Give the status as JSON."""
        status = self.status
        return {
            "session": self._spec.id,
            "generation": self._spec.generation,
            "state": status.state,
            "reason": status.reason,
            "detail": status.detail,
            "address": status.address,
            "pid": os.getpid(),
            "busy": bool(status.busy_with),
            "busy_with": status.busy_with,
            "last_activity": status.activity.isoformat() if status.activity else None,
            "memory": status.memory,
            "cpu": round(status.cpu, 3),
            "parts": [
                {"name": part.name, "title": part.title, "state": part.state, "reason": part.reason, "endpoint": part.endpoint}
                for part in status.parts.values()
            ],
            "restored": status.restored.to_json() if status.restored else None,
            "updated": datetime.now(UTC).isoformat(),
        }

    def _ring(self) -> None:
        if self._spec.bells is None:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as bell:
            for path in _sockets(self._spec.bells):
                # A bell is a hint: its listener may be gone, slow or full, and will look by itself.
                with contextlib.suppress(OSError):
                    bell.sendto(self._bell, str(path))


def _sockets(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*.sock"))
    except OSError:  # the hub that had it is gone
        return []
