"""`rsparkhub session exec`: a command inside a session, or a shell, as if it ran here.

It speaks `api/exec` of the session's interface (`rspark_session.jupyter.exec_socket`): each binary message begins with the number
of a channel. What is read here is sent before more is read, and what comes is written before more is taken.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from rspark_contract import commands, reading
from rspark_contract.reading import Fields, Unreadable
from rsparkhub.domain.errors import Conflict, InvalidInput, Unavailable

if TYPE_CHECKING:
    from rsparkhub.cli.access import Access

STDIN, STDOUT, STDERR, END, CLOSE = 0, 1, 2, 3, 255
_PIECE = 2**15  # bytes that are read at a time
_LOST = "The connection to the session was lost; what ran there may have ended."
_INTERRUPTED = 130  # as a shell has it
_PIPE = 141
_CODE = reading.integer(0, 255)

#: Takes a piece of stdout or stderr, by the number of its channel.
Write = Callable[[int, bytes], None]


async def run_command(access: "Access", path: str, command: Sequence[str], *, terminal: bool, stdin: bool, write: Write) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    path
        That of the session.
    command
        The command and its arguments; without one, the shell.
    terminal
        Whether it gets a terminal, which is this one.
    stdin
        Whether it gets what is read here.
    write
        Takes what it prints.

    Raises
    ------
    InvalidInput
        When no session takes such a command.
    Conflict, Unavailable
        When nothing can be run there, or the session ends meanwhile.
    """
    if problem := commands.why_not(command):
        raise InvalidInput(problem)
    async with _Connected(access, path) as socket:
        start = {"command": list(command), "tty": terminal, "size": _size() if terminal else []}
        await socket.send(json.dumps(start, ensure_ascii=False))
        loop = asyncio.get_running_loop()
        with _raw() if terminal else contextlib.nullcontext(), _signals(loop, socket, terminal=terminal) as given_up:
            if stdin:
                threading.Thread(target=_send_stdin, args=(loop, socket), daemon=True).start()  # a read can't be ended
            else:
                await socket.send(bytes([CLOSE, STDIN]))
            receiving = asyncio.ensure_future(_receive(socket, write))
            given_up.add_done_callback(lambda _: receiving.cancel())
            try:
                return await receiving
            except asyncio.CancelledError:
                if given_up.done() and not given_up.cancelled():
                    return _INTERRUPTED
                raise


class _Connected:
    """A connection to `api/exec`; an async context."""

    def __init__(self, access: "Access", path: str) -> None:
        self._url = f"{access.url}{path}"
        self._headers = {"Authorization": f"Bearer {access.token}"}

    async def __aenter__(self) -> ClientConnection:
        address = f"ws{self._url.removeprefix('http')}api/exec"
        try:
            # Who reads slowly here stops to read there; so a late answer to a ping means nothing.
            self._socket = await connect(
                address, additional_headers=self._headers, proxy=None, max_size=None, ping_timeout=None, open_timeout=30
            )
        except InvalidStatus as error:
            status = error.response.status_code
            if status == 404:
                raise Conflict(
                    "The interface of this session runs no commands, so nothing can be run in it from here."
                ) from error
            raise Unavailable(f"The session lets nothing run in it (status {status}). Its log may say why.") from error
        except (InvalidHandshake, OSError, TimeoutError) as error:
            raise Unavailable(f"The session at {self._url} does not answer. Try again.") from error
        return self._socket

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()


async def _receive(socket: ClientConnection, write: Write) -> int:
    """Hand on what comes until the command has ended, and return its exit code."""
    try:
        async for message in socket:
            data = message if isinstance(message, bytes) else message.encode()
            if data[:1] == bytes([END]):
                return Fields(reading.decode(data[1:], most=2**12)).required("code", _CODE)
            if data[:1] in (bytes([STDOUT]), bytes([STDERR])):
                write(data[0], data[1:])
    except BrokenPipeError:  # nobody reads it any more: `… | head`
        return _PIPE
    except (ConnectionClosed, Unreadable) as error:
        raise Unavailable(_LOST) from error
    raise Unavailable(_LOST)


def _send_stdin(loop: asyncio.AbstractEventLoop, socket: ClientConnection) -> None:
    """Send what is read here until its end; each piece waits until the last one is sent."""
    with contextlib.suppress(ConnectionClosed, RuntimeError):  # the command has ended, and so have we
        while piece := _read_stdin():
            asyncio.run_coroutine_threadsafe(socket.send(bytes([STDIN]) + piece), loop).result()
        asyncio.run_coroutine_threadsafe(socket.send(bytes([CLOSE, STDIN])), loop).result()


def _read_stdin() -> bytes:
    """Return what is read next; nothing at the end of it, and where it can't be read, as a folder."""
    try:
        return os.read(sys.stdin.fileno(), _PIECE)
    except OSError:
        return b""


@contextlib.contextmanager
def _signals(loop: asyncio.AbstractEventLoop, socket: ClientConnection, *, terminal: bool) -> "Iterator[asyncio.Future[None]]":
    """Pass signals on to the command; what it yields is done when Ctrl+C comes again, and we wait no longer."""
    given_up: asyncio.Future[None] = loop.create_future()
    sent: set[asyncio.Task[None]] = set()

    def send(message: dict[str, object]) -> None:
        sent.add(loop.create_task(_quietly(socket, message)))

    def interrupt() -> None:
        if sent and not given_up.done():
            given_up.set_result(None)
        send({"signal": "INT"})

    handlers: dict[signal.Signals, Callable[[], None]] = {
        signal.SIGINT: interrupt,
        signal.SIGTERM: lambda: send({"signal": "TERM"}),
        signal.SIGHUP: lambda: send({"signal": "HUP"}),
    }
    if terminal:
        handlers[signal.SIGWINCH] = lambda: send({"size": _size()})
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield given_up
    finally:
        given_up.cancel()
        for number in handlers:
            loop.remove_signal_handler(number)


async def _quietly(socket: ClientConnection, message: dict[str, object]) -> None:
    with contextlib.suppress(ConnectionClosed):
        await socket.send(json.dumps(message))


def _size() -> list[int]:
    size = os.get_terminal_size(sys.stdout.fileno())
    return [size.lines, size.columns]


@contextlib.contextmanager
def _raw() -> Iterator[None]:
    """Pass each key on as it is typed."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setraw(terminal, termios.TCSADRAIN)  # what was typed already is kept
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
