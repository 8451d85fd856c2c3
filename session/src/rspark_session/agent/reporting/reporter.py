"""What the agent reports of its ensemble: the status file, the answer to who asks, and a notification that there is news."""

import asyncio
import contextlib
import json
import os
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rspark_contract.ensemble import EnsembleDocument
from rspark_contract.notification import Notification
from rspark_contract.saved import Restored, SleepRefusal
from rspark_contract.status import AgentState, AgentStatus
from rspark_session.agent.components.report import ComponentReport
from rspark_session.files import write_whole


@dataclass
class Report:
    """All that is known now. `memory` is in bytes and `cpu` in cores; `activity` is when a person last did something."""

    state: AgentState = AgentState.STARTING
    reason: str | None = None
    detail: str | None = None
    address: str | None = None
    busy_with: list[str] = field(default_factory=list)
    activity: datetime | None = None
    memory: int = 0
    cpu: float = 0.0
    components: dict[str, ComponentReport] = field(default_factory=dict)
    restored: Restored | None = None
    refusal: SleepRefusal | None = None


class Reporter:
    """Writes `status.json`, whole or not at all, notifies every hub that listens, and wakes who waits for news.

    `revision` counts what was published.
    """

    def __init__(self, document: EnsembleDocument) -> None:
        self.report = Report()
        self.revision = 0
        self._news = asyncio.Event()
        self._document = document
        self._path = document.places.run / "status.json"
        self._notification = Notification(session=document.id, generation=document.generation).to_bytes()

    def publish(self) -> None:
        """Write what is known now, notify, and wake who waits."""
        self.write()
        self._notify()
        self.revision += 1
        self._news.set()
        self._news = asyncio.Event()

    async def wait_for_news(self, seconds: float) -> None:
        """Wait until something is published; no longer than that."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    def write(self) -> None:
        """Write what is known now. On a full disk the last status stays, and the agent still answers."""
        with contextlib.suppress(OSError):
            write_whole(self._path, json.dumps(self.status().to_json()), durable=False)

    def status(self) -> AgentStatus:
        """Return what is known now."""
        report = self.report
        return AgentStatus(
            session=self._document.id,
            generation=self._document.generation,
            state=report.state,
            reason=report.reason,
            detail=report.detail,
            address=report.address,
            pid=os.getpid(),
            busy=bool(report.busy_with),
            busy_with=tuple(report.busy_with),
            last_activity=report.activity,
            memory=report.memory,
            cpu=round(report.cpu, 3),
            components=tuple(component.status() for component in report.components.values()),
            restored=report.restored,
            refusal=report.refusal,
            updated=datetime.now(UTC),
        )

    def _notify(self) -> None:
        folder = self._document.places.notify
        if folder is None:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
            for path in _sockets(folder):
                # A notification is a hint: its listener may be gone, slow or full, and looks by itself.
                with contextlib.suppress(OSError):
                    sender.sendto(self._notification, str(path))


def _sockets(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*.sock"))
    except OSError:  # the hub that had it is gone
        return []
