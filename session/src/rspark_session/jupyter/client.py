"""The agent's end of the control channel to a Jupyter server. The server's end is `control`."""

import asyncio
import logging
import socket
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from rspark_contract.reading import Unreadable
from rspark_contract.saved import Restored, Saved
from rspark_session.jupyter.messages import (
    MOST_BYTES,
    Activity,
    End,
    Processes,
    Ready,
    Report,
    Request,
    SaveWorkspace,
    WorkspaceNotSaved,
    WorkspaceRestored,
    WorkspaceSaved,
    decode_report,
    encode,
)

_log = logging.getLogger(__name__)
_LATE = 2.0  # seconds that a report may come late: the server watches the time itself, if it is well


class ServerClient:
    """Receives what a Jupyter server reports, and sends it requests. `processes` is its last report of them."""

    def __init__(
        self,
        control: socket.socket,
        *,
        on_activity: Callable[[datetime], None],
        on_processes: Callable[[], None],
        on_restored: Callable[[Restored], None],
    ) -> None:
        self.processes = Processes(titles={}, busy=(), warm_kernel=None)
        self._socket = control
        self._on_activity = on_activity
        self._on_processes = on_processes
        self._on_restored = on_restored
        self._writer: asyncio.StreamWriter | None = None
        self._ready = asyncio.Event()
        self._saved: asyncio.Future[Saved] | None = None

    async def receive(self) -> None:
        """Take in reports until the server has ended."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self._socket, limit=MOST_BYTES)
        try:
            while line := await reader.readline():
                try:
                    self._take(decode_report(line))
                except Unreadable as problem:
                    _log.warning("a report of the Jupyter server can't be read: %s", problem)
        except ConnectionError:
            _log.info("the Jupyter server hung up")  # its exit code says the rest
        finally:
            self._writer.close()
            if self._saved is not None and not self._saved.done():
                self._saved.set_exception(ConnectionResetError("the Jupyter server is gone"))

    async def until_ready(self) -> None:
        """Wait until the server listens, and kernels that a sleep saved run again."""
        await self._ready.wait()

    async def save(self, folder: Path, *, within: float) -> Saved | None:
        """Let the server save the workspaces of all kernels; return None when it didn't answer within that time in seconds.

        Raises
        ------
        OSError
            When the server could not write the folder.
        """
        self._saved = asyncio.get_running_loop().create_future()
        self._send(SaveWorkspace(folder=str(folder), within=within))
        try:
            async with asyncio.timeout(within + _LATE):
                return await self._saved
        except TimeoutError:
            return None

    def end(self) -> None:
        """Request the server to end its kernels and terminals, and then itself."""
        self._send(End())

    def _take(self, report: Report) -> None:
        match report:
            case Ready():
                self._ready.set()
            case Activity(at):
                self._on_activity(at)
            case Processes():
                self.processes = report
                self._on_processes()
            case WorkspaceSaved(saved):
                if self._saved is not None and not self._saved.done():
                    self._saved.set_result(saved)
            case WorkspaceNotSaved(errno, why):
                if self._saved is not None and not self._saved.done():
                    self._saved.set_exception(OSError(errno, why))
            case WorkspaceRestored(restored):
                self._on_restored(restored)

    def _send(self, request: Request) -> None:
        if self._writer is not None and not self._writer.is_closing():  # a server that is gone needs no request
            self._writer.write(encode(request))
