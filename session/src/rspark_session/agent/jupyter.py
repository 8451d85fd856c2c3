"""The agent's end of the line to a Jupyter server: what it tells by itself, and what it is asked.

JSON lines over a pair of sockets that nobody else can reach; the other end is `rspark_session.jupyter.line`.
"""

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from datetime import datetime
from typing import Any

_log = logging.getLogger(__name__)


class JupyterServer:
    """What is known of the Jupyter server. `on_change` is called when something of it changes."""

    def __init__(self, line: socket.socket, *, on_change: Callable[[], None]) -> None:
        self.activity: datetime | None = None
        self.busy_with: list[str] = []  # kernels that compute
        self.titles: dict[int, str] = {}  # processes of kernels and shells
        self.spare: int | None = None  # the process of a kernel that nobody has asked for
        self.restored: dict[str, Any] | None = None
        self._socket = line
        self._on_change = on_change
        self._writer: asyncio.StreamWriter | None = None
        self._ready = asyncio.Event()
        self._saved: asyncio.Future[dict[str, Any]] | None = None

    async def listen(self) -> None:
        """Take in what the server tells until it has ended."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self._socket, limit=2**24)
        try:
            while line := await reader.readline():
                self._take(json.loads(line))
        except ConnectionError:
            _log.info("the Jupyter server hung up")  # its exit code says the rest
        finally:
            self._writer.close()

    async def until_ready(self) -> None:
        """Wait until the server listens, and kernels that were asleep are there again."""
        await self._ready.wait()

    async def save(self, folder: str, *, seconds: float) -> dict[str, Any] | None:
        """Let it save the workspaces of all kernels; gives what was saved, or None when it didn't answer in time."""
        self._saved = asyncio.get_running_loop().create_future()
        self._send({"do": "save", "folder": folder, "within": seconds})
        try:
            return await asyncio.wait_for(self._saved, seconds + 2)  # it keeps the time itself, if it is well
        except TimeoutError:
            return None

    def end(self) -> None:
        """Let it end its kernels and terminals, and then itself."""
        self._send({"do": "end"})

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"activity": str(at)}:
                self.activity = datetime.fromisoformat(at)
            case {"busy": list(names)}:
                self.busy_with = names
            case {"spare": int(pid) | (None as pid)}:
                self.spare = pid
            case {"titles": dict(titles)}:
                self.titles = {int(pid): title for pid, title in titles.items()}
            case {"restored": dict(restored)}:
                self.restored = restored
            case {"ready": True}:
                self._ready.set()
            case {"saved": dict(saved)}:
                if self._saved is not None and not self._saved.done():
                    self._saved.set_result(saved)
            case _:
                _log.warning("the Jupyter server says something unknown: %s", list(message))
        self._on_change()

    def _send(self, message: dict[str, Any]) -> None:
        if self._writer is not None and not self._writer.is_closing():  # one that is gone needs no telling
            self._writer.write(json.dumps(message).encode() + b"\n")
