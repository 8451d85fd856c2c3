"""`api/exec`: one command in a session, over a websocket whose frames are those of Kubernetes' `v5.channel.k8s.io`.

The first message is text, JSON: `{"command": ["ls", "-l"], "tty": false, "size": [rows, columns]}`; without a command it is the
terminals' shell. Then every binary message begins with the number of a channel: 0 stdin, 1 stdout, 2 stderr, 3 the end
(`{"code": 0}`; 128 and the signal's number for one that a signal ended), and 255, from the client, closes the channel whose
number follows. Later text messages are `{"signal": "INT"}` and `{"size": [rows, columns]}`.

Neither side reads on before what it got is handed on, so a slow end slows the other down, and nothing piles up.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import struct
import subprocess
import termios
from typing import Any, Protocol

from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from rspark_contract import commands, reading
from rspark_contract.reading import Fields, Unreadable
from rspark_session.jupyter.reporter import ActivityReporter

STDIN, STDOUT, STDERR, END, CLOSE = 0, 1, 2, 3, 255
_PIECE = 2**16  # bytes that are read at a time
_WORDS = reading.items(reading.verbatim(commands.MOST_LETTERS), most=commands.MOST_WORDS)
_SIZE = reading.items(reading.integer(0, 2**15), most=2)  # a terminal that nobody has sized has 0 by 0
_SIGNALS = {name: signal.Signals[f"SIG{name}"] for name in ("INT", "TERM", "HUP", "QUIT")}
#: Seconds that a command whose client is gone may take to end, and those that output may come after its end.
_HANG_UP, _LINGER = 5.0, 0.5
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126  # as a shell has them


class ExecSocket(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """A websocket with one command."""

    auth_resource = "terminals"
    ping_interval = ping_timeout = 0  # who reads slowly is not gone

    def initialize(self, *, reporter: ActivityReporter, shell: list[str]) -> None:
        """Set what it works with; `shell` is the command of who names none."""
        self._reporter = reporter
        self._shell = shell
        self._process: asyncio.subprocess.Process | None = None
        self._stdin: asyncio.StreamWriter | None = None
        self._terminal: int | None = None  # our end of it
        self._work: asyncio.Task[None] | None = None

    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Open it for who may run something here."""
        user = self.current_user
        if not user or not await ensure_async(self.authorizer.is_authorized(self, user, "execute", self.auth_resource)):
            raise HTTPError(403)
        await super().get(*args, **kwargs)

    async def on_message(self, message: str | bytes) -> None:
        """Take a message; the next one is read when this one is handed on."""
        self._reporter.activity()
        if isinstance(message, bytes):
            await self._take(message)
            return
        try:
            fields = Fields(reading.decode(message.encode(), most=commands.MOST_BYTES))
            if self._work is None:
                await self._begin(fields)
            else:
                self._change(fields)
        except Unreadable as problem:
            self.close(1003, f"This can't be read: {problem}."[:120])

    def on_close(self) -> None:
        """End the command: nobody reads it any more."""
        if self._process is not None and self._process.returncode is None:
            self._work = asyncio.ensure_future(self._hang_up(self._process))

    async def _begin(self, fields: Fields) -> None:
        command = list(fields.get("command", _WORDS, ())) or self._shell
        tty, size = fields.get("tty", reading.flag, False), fields.get("size", _SIZE, ())
        try:
            output = await self._start(command, tty=tty, size=size)
        except (OSError, ValueError) as problem:
            code = _NOT_FOUND if isinstance(problem, FileNotFoundError) else _NOT_EXECUTABLE
            reason = problem.strerror if isinstance(problem, OSError) else problem
            why = "There is no such command" if code == _NOT_FOUND else f"It can't be run: {reason}"
            self._work = asyncio.ensure_future(self._fail(f"{command[0]}: {why}.\n", code))
            return
        self._work = asyncio.ensure_future(self._see_through(output))

    async def _start(self, command: list[str], *, tty: bool, size: tuple[int, ...]) -> "dict[int, _Output]":
        """Start the command and return where its output is read, by its channel."""
        if not tty:
            pipe = subprocess.PIPE
            process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, limit=_PIECE
            )
            self._process, self._stdin = process, process.stdin
            outputs = {STDOUT: process.stdout, STDERR: process.stderr}
            return {channel: reader for channel, reader in outputs.items() if reader is not None}
        ours, theirs = os.openpty()
        try:
            _resize(ours, size)
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                env={**os.environ, "TERM": "xterm-256color"},
                start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            )
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        self._terminal = ours
        loop = asyncio.get_running_loop()
        transport, flow = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(os.dup(ours), "wb", 0))
        self._stdin = asyncio.StreamWriter(transport, flow, None, loop)
        return {STDOUT: _TerminalOutput(ours)}

    async def _take(self, message: bytes) -> None:
        if message[:1] == bytes([CLOSE]) and message[1:2] == bytes([STDIN]):
            self._close_stdin()
        elif message[:1] == bytes([STDIN]) and self._stdin is not None:
            with contextlib.suppress(OSError):  # it reads no more: its end says how it went
                self._stdin.write(message[1:])
                await self._stdin.drain()

    def _close_stdin(self) -> None:
        if self._stdin is None:
            return
        if self._terminal is not None:
            self._stdin.write(b"\x04")
        else:
            self._stdin.close()
            self._stdin = None

    def _change(self, fields: Fields) -> None:
        number = _SIGNALS.get(fields.get("signal", reading.verbatim(16), ""))
        if number is not None and self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
        if self._terminal is not None and "size" in fields:
            _resize(self._terminal, fields.get("size", _SIZE, ()))

    async def _see_through(self, output: "dict[int, _Output]") -> None:
        assert self._process is not None, "it was started"
        pumps: list[asyncio.Future[None]] = [
            asyncio.ensure_future(self._pump(channel, reader)) for channel, reader in output.items()
        ]
        try:
            code = await _end_of(self._process)
            await self._drain(pumps)
            await self._send(END, json.dumps({"code": 128 - code if code < 0 else code}).encode())
        except WebSocketClosedError:
            pass  # `on_close` ends the command
        finally:
            for pump in pumps:
                pump.cancel()
            self._release()
        self.close(1000)

    async def _drain(self, pumps: list[asyncio.Future[None]]) -> None:
        """Wait for the end of the output; what a command left in the background may hold it open for ever."""
        while left := [pump for pump in pumps if not pump.done()]:
            self._moved = False
            await asyncio.wait(left, timeout=_LINGER)
            if not self._moved:
                break
        for pump in pumps:
            if pump.done():
                pump.result()

    async def _pump(self, channel: int, output: "_Output") -> None:
        while piece := await output.read(_PIECE):
            self._moved = True
            await self._send(channel, piece)
            self._moved = True

    async def _send(self, channel: int, data: bytes) -> None:
        await self.write_message(bytes([channel]) + data, binary=True)

    async def _fail(self, sentence: str, code: int) -> None:
        with contextlib.suppress(WebSocketClosedError):
            await self._send(STDERR, sentence.encode())
            await self._send(END, json.dumps({"code": code}).encode())
        self.close(1000)

    def _release(self) -> None:
        if self._stdin is not None:
            self._stdin.close()
            self._stdin = None
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None

    async def _hang_up(self, process: asyncio.subprocess.Process) -> None:
        self._close_stdin()
        for number in (signal.SIGHUP, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HANG_UP):
                    await _end_of(process)
                return


class _Output(Protocol):
    """What a command prints."""

    async def read(self, most: int, /) -> bytes:
        """Return the next bytes; none at the end."""


class _TerminalOutput:
    """What is printed on a terminal. asyncio's own reader drops what it holds when the last program has ended."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        os.set_blocking(terminal, False)

    async def read(self, most: int, /) -> bytes:
        """Return the next bytes; none when all its programs have ended."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return os.read(self._terminal, most)
            except BlockingIOError:
                readable = asyncio.Event()
                loop.add_reader(self._terminal, readable.set)
                try:
                    await readable.wait()
                finally:
                    loop.remove_reader(self._terminal)
            except OSError:
                return b""


async def _end_of(process: asyncio.subprocess.Process) -> int:
    """Wait for a process's end and return its code; `wait()` also waits for all who have its output open."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(process.pid)
        loop.add_reader(handle, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(handle)
            os.close(handle)
    while process.returncode is None:  # noqa: ASYNC110  (asyncio's watcher reads it in the same moment)
        await asyncio.sleep(0.005)
    return process.returncode


def _resize(terminal: int, size: tuple[int, ...]) -> None:
    if len(size) == 2:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
