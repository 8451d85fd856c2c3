"""What goes on in this server, told to the agent as it changes: a person's last doing, and which kernels compute."""

import asyncio
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from rspark_session.jupyter.line import Line

if TYPE_CHECKING:
    from rspark_session.jupyter.server import Server

_ACTIVITY_EVERY = 1.0  # seconds; typing tells once in this time, and once more when it stops
_SETTLE = 0.25  # seconds that something must go on to be told: completing a word isn't computing


class Presence:
    """Gathers and tells. `server` is looked at when something may have changed, never on a clock."""

    def __init__(self, line: Line) -> None:
        self.server: Server | None = None
        self._line = line
        self._told: dict[str, Any] = {}
        self._activity: datetime | None = None
        self._pending: asyncio.TimerHandle | None = None
        self._changed: asyncio.TimerHandle | None = None

    def activity(self) -> None:
        """Note that a person did something."""
        self._activity = datetime.now(UTC)
        if self._pending is None:
            self._tell_activity()
            self._pending = asyncio.get_running_loop().call_later(_ACTIVITY_EVERY, self._activity_again)

    def changed(self) -> None:
        """Note that a kernel or a terminal came, went, or changed its state."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().call_later(_SETTLE, self._look)

    def _tell_activity(self) -> None:
        if self._activity is not None:
            self._line.tell({"activity": self._activity.isoformat()})
            self._activity = None

    def _activity_again(self) -> None:
        self._pending = None
        self._tell_activity()

    def _look(self) -> None:
        self._changed = None
        self._telling = asyncio.ensure_future(self._tell())

    async def _tell(self) -> None:
        if self.server is None:
            return
        kernels, terminals = self.server.kernels, self.server.terminals
        files = await self.server.files_of_kernels()
        titles: dict[str, str] = {}
        busy = []
        for kernel_id in kernels.list_kernel_ids():
            kernel: Any = kernels.get_kernel(kernel_id)
            title = title_of(kernel.kernel_spec.display_name, files.get(kernel_id))
            if pid := getattr(kernel.provisioner, "pid", None):
                titles[str(pid)] = title
            if kernel.execution_state == "busy" and kernel_id not in kernels.waiting_for_input:
                busy.append(title)
        for name, terminal in terminals.items():
            titles[str(terminal.ptyproc.pid)] = f"terminal {name}"
        self._tell_new("spare", kernels.spare.process.pid if kernels.spare else None)
        self._tell_new("titles", titles)
        self._tell_new("busy", busy)

    def _tell_new(self, what: str, value: Any) -> None:
        if self._told.get(what) != value:
            self._told[what] = value
            self._line.tell({what: value})


def title_of(display_name: str, path: str | None) -> str:
    """Name a kernel as a person knows it: `R kernel, analysis.ipynb`."""
    return f"{display_name} kernel, {PurePosixPath(path).name}" if path else f"{display_name} kernel"
