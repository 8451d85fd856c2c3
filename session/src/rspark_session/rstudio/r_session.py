"""The R of RStudio Server (`rsession`): whether it computes, and how it is put to sleep.

What it is doing lies in small files of the home, and signals end it: SIGUSR1 saves and ends it with 0 once R waits for input,
SIGUSR2 interrupts R, saves, and ends it with 101. Both kill it while it starts, and 101 also comes when nothing was saved: so a
signal is sent only to one that is ready, and what was saved is looked at afterwards.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from rspark_session.processes.tree import Process

_NAME = "rsession"
_PAUSE = 0.1  # seconds between two looks: it is no child of ours, so nothing tells us of its end
#: Seconds for a save at SIGUSR1; what blocks it (a terminal that runs something, an incomplete statement) blocks it for ever.
_PATIENCE = 10.0
_TTY = 4  # the field of /proc/PID/stat after the state of a process: its terminal
_SHELLS = frozenset({"bash", "sh", "dash", "zsh", "fish", "ksh"})


class NothingSaved(Exception):
    """It has ended, and what it had in memory is not there."""


class RSession:
    """The R of one home. `processes` returns those of the ensemble."""

    def __init__(self, home: Path, processes: Callable[[], Iterable[Process]]) -> None:
        self._active = home / ".local/share/rstudio/sessions/active"
        self._processes = processes

    @property
    def pid(self) -> int | None:
        """Its process id; None where none runs."""
        return next((process.pid for process in self._processes() if process.name == _NAME), None)

    @property
    def is_ready(self) -> bool:
        """Whether it can be sent a signal."""
        return self._property("activity_state") == "running"

    @property
    def is_computing(self) -> bool:
        """Whether R computes, or waits in a statement that was typed."""
        return self.pid is not None and self._property("executing") == "1"

    @property
    def shells(self) -> list[int]:
        """The shells of its terminals."""
        pid = self.pid
        return [each.pid for each in self._processes() if each.parent == pid and each.name in _SHELLS and _has_terminal(each.pid)]

    async def put_to_sleep(self, *, within: float) -> bool:
        """Save and end it; return whether it has ended within the time in seconds.

        Raises
        ------
        NothingSaved
            When it has ended and left nothing that is new.
        OSError
            When nothing can be written where it saves; it goes on then.
        """
        deadline = time.monotonic() + within
        while (pid := self.pid) is not None and not self.is_ready:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_PAUSE)
        if pid is None:
            return True
        self._try_to_write()
        began = time.time()
        if not self.is_computing:
            os.kill(pid, signal.SIGUSR1)
            if await self._gone(pid, min(time.monotonic() + min(_PATIENCE, within / 2), deadline)):
                return self._saved_since(began)
        os.kill(pid, signal.SIGUSR2)
        return await self._gone(pid, deadline) and self._saved_since(began)

    async def _gone(self, pid: int, deadline: float) -> bool:
        while self.pid == pid:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_PAUSE)
        return True

    def _saved_since(self, began: float) -> bool:
        folder = self._folder()
        files = [file for file in (folder / "suspended-session-data").rglob("*") if file.is_file()] if folder else []
        if not any(file.stat().st_mtime >= began - 1 for file in files):  # some file systems keep whole seconds
            raise NothingSaved
        return True

    def _try_to_write(self) -> None:
        """Raise `OSError` where R could not save: at SIGUSR2 it would end without."""
        folder = self._folder()
        if folder is not None:
            probe = folder / ".rspark-probe"
            probe.write_bytes(bytes(2**16))
            probe.unlink()

    def _property(self, name: str) -> str | None:
        folder = self._folder()
        if folder is None:
            return None
        for properties in ("properites", "properties"):  # the first is how releases of 2022 spell it
            try:
                return (folder / properties / name).read_text(encoding="utf-8").strip()
            except OSError:
                continue
        return None

    def _folder(self) -> Path | None:
        """Return the folder of the session that was last used; None where there is none."""
        try:
            return max(self._active.glob("session-*"), key=_last_change, default=None)
        except OSError:
            return None


def _last_change(folder: Path) -> float:
    changes = [file.stat().st_mtime for file in folder.glob("prop*/*")]
    return max(changes, default=folder.stat().st_mtime)


def _has_terminal(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat[stat.rindex(")") + 2 :].split()[_TTY] != "0"
