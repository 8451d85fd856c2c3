"""`rsparkhub session exec`: a shell inside a session, or one command and its exit code.

It speaks the protocol of Jupyter's terminals, which every interface with terminals has: JSON arrays over a websocket, such
as `["stdin", "ls"]` and `["stdout", "…"]`. A terminal gives no exit code, so a command is typed between two marks that
the shell prints, in a form that its echo cannot have.
"""

import asyncio
import base64
import contextlib
import json
import os
import secrets
import shlex
import signal
import sys
import termios
import tty
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from rsparkhub.domain.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from rsparkhub.cli.access import Access

_PATIENCE = 30.0  # seconds for the session to give a terminal
_LOST = "The connection to the session was lost; what ran there may have ended."


class Shell:
    """A new terminal of a session; an async context that ends it."""

    def __init__(self, access: "Access", path: str) -> None:
        self._url = f"{access.url}{path}"
        self._headers = {"Authorization": f"Bearer {access.token}"}
        self._http = httpx.AsyncClient(headers=self._headers, timeout=_PATIENCE)
        self._name = ""
        self._socket: ClientConnection

    async def __aenter__(self) -> Self:
        try:
            answer = await self._http.post(f"{self._url}api/terminals")
        except httpx.TransportError as error:
            raise Unavailable(f"The session at {self._url} does not answer. Try again.") from error
        if answer.status_code == 404:
            raise Conflict("The interface of this session has no terminals, so nothing can be run in it from here.")
        if answer.is_error:
            raise Unavailable(f"The session gave no terminal (status {answer.status_code}). Its log may say why.")
        self._name = answer.json()["name"]
        address = f"ws{self._url.removeprefix('http')}terminals/websocket/{self._name}"
        try:
            self._socket = await connect(address, additional_headers=self._headers, proxy=None, max_size=None)
        except (InvalidHandshake, OSError) as error:
            raise Unavailable(f"The session's terminal can't be reached: {error}.") from error
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._socket.close()
        with contextlib.suppress(httpx.HTTPError):  # the shell has ended by itself, or the session has
            await self._http.delete(f"{self._url}api/terminals/{self._name}")
        await self._http.aclose()

    async def type(self, text: str) -> None:
        await self._send("stdin", text)

    async def resize(self, rows: int, columns: int) -> None:
        await self._send("set_size", rows, columns)

    async def _send(self, *message: Any) -> None:
        try:
            await self._socket.send(json.dumps(message))
        except ConnectionClosed as error:
            raise Unavailable(_LOST) from error

    async def output(self) -> AsyncIterator[str]:
        """Yield what the shell prints, until it ends."""
        try:
            async for message in self._socket:
                match json.loads(message):
                    case ["stdout", str(text), *_]:
                        yield text
                    case ["disconnect", *_]:
                        return
        except ConnectionClosed as error:
            raise Unavailable(_LOST) from error


async def run_command(access: "Access", path: str, words: Sequence[str], write: Callable[[str], None]) -> int:
    """Run a command, hand on what it prints, and give its exit code."""
    reader = Marked(secrets.token_hex(8))
    async with Shell(access, path) as shell:
        await shell.resize(50, 4096)  # wide, since a shell breaks what it echoes at the edge
        await shell.type(reader.line(shlex.join(words)))
        async for text in shell.output():
            if taken := reader.take(text):
                write(taken)
            if reader.code is not None:
                return reader.code
    raise Unavailable(_LOST)


class Marked:
    """Takes what a shell prints, piece by piece, and gives what stands between two marks; `code` follows the second."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._begin, self._end = f"begin{secret}:\n", f"\nend{secret}:"
        self._begun, self._held = False, ""
        self.code: int | None = None

    def line(self, command: str) -> str:
        """Return the line to type.

        The command is typed in base64, since a tab or a newline in it would mean something to the shell's line editor.
        """
        typed = base64.b64encode(command.encode()).decode()
        begin, end = (f"printf '\\n%s''{self._secret}%s\\n' {word}" for word in ("begin", "end"))
        return f' stty -echo -opost; {begin} :; ( eval "$(echo {typed} | base64 -d)" ); {end} :$?; exit\r'

    def take(self, text: str) -> str:
        """Take a piece; give what is known to belong between the marks."""
        self._held += text
        if not self._begun:
            _, found, rest = self._held.partition(self._begin)
            if not found:
                return ""
            self._begun, self._held = True, rest
        before, found, after = self._held.partition(self._end)
        if found:
            code, whole, _ = after.partition("\n")
            if not whole:
                return ""
            self._held, self.code = "", int(code)
            return before
        keep = next((n for n in range(len(self._end) - 1, 0, -1) if self._held.endswith(self._end[:n])), 0)
        given, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return given


async def open_shell(access: "Access", path: str) -> None:
    """Lend this terminal to a shell in the session, until it ends."""
    loop = asyncio.get_running_loop()
    async with Shell(access, path) as shell, asyncio.TaskGroup() as tasks:

        def resized() -> None:
            size = os.get_terminal_size(sys.stdout.fileno())
            tasks.create_task(shell.resize(size.lines, size.columns))

        def typed() -> None:
            text = os.read(sys.stdin.fileno(), 4096).decode(errors="replace")
            if text:
                tasks.create_task(shell.type(text))

        resized()
        loop.add_signal_handler(signal.SIGWINCH, resized)
        with _raw(sys.stdin.fileno()):
            loop.add_reader(sys.stdin.fileno(), typed)
            try:
                async for text in shell.output():
                    sys.stdout.write(text)
                    sys.stdout.flush()
            finally:
                loop.remove_reader(sys.stdin.fileno())


@contextlib.contextmanager
def _raw(terminal: int) -> Iterator[None]:
    """Hand each key on as it is typed."""
    before = termios.tcgetattr(terminal)
    tty.setraw(terminal, termios.TCSADRAIN)  # what was typed already is kept
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
