"""Language servers under `rc2/api/language-servers`: which there are, and a websocket to one, which ends with its websocket."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.web import HTTPError, authenticated
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from rspark_session.processes import memory_order
from rspark_session.rc2 import protocol
from rspark_session.rc2.handlers import RoomHandler
from rspark_session.rc2.language_servers import framing
from rspark_session.rc2.language_servers.servers import LanguageServer
from rspark_session.rc2.room import Room

_log = logging.getLogger(__name__)
_PATIENCE = 3.0  # seconds until a server that was asked to end is killed
#: WebSocket's code for "the other side can't go on" (RFC 6455, 7.4.1), and that for a message too large.
_FAILED = 1011
_TOO_LARGE = 1009
_MOST_REASON = 120  # bytes of a reason for closing, of 123 that RFC 6455 allows
_MOST_SERVERS = 20
_tasks: set[asyncio.Task[None]] = set()


class Servers:
    """The language servers of a session, and those that run: one for each websocket.

    `on_programs` is called when `programs` has changed.
    """

    def __init__(self, known: Sequence[LanguageServer], *, home: Path, on_programs: Callable[[], None]) -> None:
        self.known = {server.name: server for server in reversed(known)}
        self.listed = tuple(known)
        self._home = home
        self._on_programs = on_programs
        self._running: set[asyncio.subprocess.Process] = set()

    async def start(self, server: LanguageServer) -> asyncio.subprocess.Process:
        """Start one.

        Raises
        ------
        OSError
            When it can't be run, or too many run.
        """
        if len(self._running) >= _MOST_SERVERS:
            raise OSError(f"{_MOST_SERVERS} language servers run already. Close editors that you don't need.")
        process = await asyncio.create_subprocess_exec(
            *server.command,
            cwd=self._home,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            process_group=0,
        )
        memory_order.take_before_agent(process.pid, memory_order.WORKS)
        self._running.add(process)
        self._on_programs()
        return process

    async def end(self, process: asyncio.subprocess.Process) -> None:
        """End one with all that it started."""
        _signal(process, signal.SIGTERM)
        try:
            async with asyncio.timeout(_PATIENCE):
                await process.wait()
        except TimeoutError:
            _log.info("a language server does not end, and is killed")
        _signal(process, signal.SIGKILL)
        await process.wait()
        self._running.discard(process)
        self._on_programs()

    @property
    def programs(self) -> list[int]:
        """The pids of those that run."""
        return [process.pid for process in self._running]

    def close(self) -> None:
        """End all at once: they hold nothing that is kept."""
        for process in self._running:
            _signal(process, signal.SIGKILL)


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


class LanguageServers(RoomHandler):
    """The language servers of the session."""

    def initialize(self, *, room: Room, servers: Servers) -> None:  # type: ignore[override]
        """Set what it works with."""
        super().initialize(room=room)
        self._servers = servers

    @authenticated
    def get(self) -> None:
        """Answer with them."""
        listed = tuple(protocol.LanguageServer(name=server.name, languages=server.languages) for server in self._servers.listed)
        self.answer(protocol.LanguageServers(servers=listed))


class Connection(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """A client of a language server. Each message is one of the protocol's, without its head."""

    def initialize(self, *, servers: Servers) -> None:
        """Set what it works with."""
        self._servers = servers
        self._process: asyncio.subprocess.Process | None = None
        self._closed = False

    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Open it for who may run something here."""
        user = self.current_user
        if not user or not await ensure_async(self.authorizer.is_authorized(self, user, "execute", "kernels")):
            raise HTTPError(403)
        if kwargs["name"] not in self._servers.known:
            raise HTTPError(404)
        await super().get(*args, **kwargs)

    def get_compression_options(self) -> dict[str, Any] | None:
        """Let nothing be compressed: it is a short way."""
        return None

    @property
    def max_message_size(self) -> int:
        return framing.MOST_BYTES

    async def open(self, *, name: str) -> None:
        """Start the server, and send on what it says."""
        try:
            process = await self._servers.start(self._servers.known[name])
        except OSError as problem:
            self.close(_FAILED, (problem.strerror or str(problem))[:_MOST_REASON])
            return
        self._process = process
        if self._closed:
            await self._servers.end(process)
            return
        task = asyncio.ensure_future(self._send(process))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    async def on_message(self, message: str | bytes) -> None:
        """Hand on a message; who sends faster than the server reads waits."""
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(framing.framed(message.encode() if isinstance(message, str) else message))
            await self._process.stdin.drain()

    def on_close(self) -> None:
        """End the server; what is on its way to a client that is gone is dropped."""
        self._closed = True
        if self._process is not None:
            task = asyncio.ensure_future(self._servers.end(self._process))
            _tasks.add(task)
            task.add_done_callback(_tasks.discard)

    async def _send(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while (message := await framing.read(process.stdout)) is not None:
                await self.write_message(message)
        except framing.NoMessage as problem:
            self.close(_TOO_LARGE, str(problem)[:_MOST_REASON])
            return
        except WebSocketClosedError:
            return
        self.close(_FAILED, "The language server has ended.")


def handlers(room: Room, servers: Servers) -> list[tuple[str, type, Mapping[str, Any]]]:
    """Return the handlers with their paths."""
    return [
        (r"/rc2/api/language-servers", LanguageServers, {"room": room, "servers": servers}),
        (r"/rc2/api/language-servers/(?P<name>[a-z0-9-]{1,63})", Connection, {"servers": servers}),
    ]
