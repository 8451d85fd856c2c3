"""Runs Caddy on a listening socket that outlives it.

The socket is opened here and handed down, so that a port that is in use is known at once, by its reason; and so that a
Caddy that dies is followed by another on the same socket: who knocks in between waits, and is not turned away.

Caddy ends when this process does, in whatever way. It gets an environment of its own, without the hub's secrets, and writes
nowhere but into the data folder.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from rsparkhub import prctl
from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.edge.configuration import configuration
from rsparkhub.edge.listening import bound
from rsparkhub.settings import Settings

log = logging.getLogger(__name__)

_START_DEADLINE = 20.0  # seconds
_END_DEADLINE = 10.0
_SHORT_LIFE = 10.0  # a Caddy that dies sooner is started again after a longer and longer pause
_LONGEST_PAUSE = 10.0
#: Garbage is collected when the heap has grown to four times what is in use: some tens of MiB for a tenth less work.
_GOGC = "300"


@contextlib.asynccontextmanager
async def running_edge(settings: Settings) -> AsyncIterator["Edge"]:
    """Run the edge for as long as this is entered; it answers from the beginning on.

    Raises
    ------
    InstallationProblem
        When the port can't be had, Caddy is missing, or Caddy does not start; the sentence says what to do.
    """
    caddy = find_caddy()
    with await bound(settings) as listener:
        edge = Edge(
            caddy=caddy, listener=listener, configuration=_write_configuration(settings, listener), home=settings.data / "edge"
        )
        await edge.start()
        keeping = asyncio.create_task(edge.keep_running(), name="edge")
        try:
            yield edge
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
            await edge.stop()


class Edge:
    """A Caddy that is kept running on a socket."""

    def __init__(self, *, caddy: Path, listener: socket.socket, configuration: Path, home: Path) -> None:
        self._caddy, self._listener, self._configuration, self._home = caddy, listener, configuration, home
        self._process: asyncio.subprocess.Process | None = None
        self._said = ""
        self._pump: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def pid(self) -> int:
        """The process of Caddy."""
        assert self._process is not None  # it was started
        return self._process.pid

    async def start(self) -> None:
        """Start Caddy, and return when it answers.

        Raises
        ------
        InstallationProblem
            When it ends, or doesn't answer; the sentence has its last words.
        """
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home = str(self._home.absolute())
        self._process = await asyncio.create_subprocess_exec(
            *(str(self._caddy), "run", "--config", str(self._configuration)),
            cwd=home,
            env={"HOME": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home, "PATH": os.defpath, "GOGC": _GOGC},
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=(self._listener.fileno(),),
            preexec_fn=_die_with(os.getpid()),
        )
        self._pump = asyncio.create_task(self._pass_on(self._process), name="edge: log")
        answering = asyncio.create_task(self._until_it_answers())
        ended = asyncio.create_task(self._process.wait())
        await asyncio.wait((answering, ended), timeout=_START_DEADLINE, return_when=asyncio.FIRST_COMPLETED)
        answers = answering.done() and answering.exception() is None
        answering.cancel()
        ended.cancel()
        if not answers:
            await self.stop()
            raise InstallationProblem(
                f"Caddy, the edge of RSparkHub, did not start: {self._said or 'it said nothing'}. "
                "`rsparkhub doctor` looks for what is wrong."
            )

    async def keep_running(self) -> None:
        """Start Caddy again each time it dies."""
        deaths = 0
        while True:
            assert self._process is not None  # it was started
            began = time.monotonic()
            code = await self._process.wait()
            deaths = deaths + 1 if time.monotonic() - began < _SHORT_LIFE else 0
            log.error("Caddy ended with %s; starting it again. Sessions are not touched. It said: %s", code, self._said)
            while True:
                # The pause itself is the point: it keeps a Caddy that can't live from spinning. The first has none.
                await asyncio.sleep(min(_LONGEST_PAUSE, 0.25 * (2.0**deaths - 1)))
                try:
                    await self.start()
                except InstallationProblem as error:
                    log.error("%s", error)
                    deaths += 1
                else:
                    break

    async def stop(self) -> None:
        """End Caddy: it answers what it has begun to, for a few seconds."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(_END_DEADLINE):
                    await process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if self._pump is not None:
            await asyncio.wait((self._pump,), timeout=1)

    async def _pass_on(self, process: asyncio.subprocess.Process) -> None:
        """Pass on what Caddy says, and keep its last words."""
        assert process.stderr is not None  # it is a pipe
        while line := await _line(process.stderr):
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()
            self._said = _message(line.decode(errors="replace").strip()) or self._said

    async def _until_it_answers(self) -> None:
        host, port = self._listener.getsockname()[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  any address of ours is reached by this one
        reader, writer = await asyncio.open_connection(host, port)  # the socket listens: who knocks waits for Caddy
        try:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n")
            if not (await reader.readline()).startswith(b"HTTP/1.1 200"):
                raise ConnectionError("the edge answers, but not as Caddy would")
        finally:
            writer.close()


def find_caddy() -> Path:
    """Return the program beside this Python: Caddy with our handler, as `scripts/build-go edge` builds it.

    Raises
    ------
    InstallationProblem
        When it is not there.
    """
    beside = Path(sys.executable).parent / "rsparkhub-edge"
    if not os.access(beside, os.X_OK):
        raise InstallationProblem(
            f"Caddy, the edge of RSparkHub, is missing: there is no {beside}. Build it: `scripts/build-go edge {beside}`."
        )
    return beside


def _write_configuration(settings: Settings, listener: socket.socket) -> Path:
    """Write Caddy's configuration, for us alone, whole or not at all."""
    path = settings.data.absolute() / "run" / "edge.json"
    text = json.dumps(configuration(settings, listen=f"fd/{listener.fileno()}", port=listener.getsockname()[1]), indent=1)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # the place may be no folder at all
            fresh.unlink()
        raise InstallationProblem(
            f"The edge can't write {path}: {error.strerror}. Make room there, or name another data folder."
        ) from error
    return path


def _die_with(parent: int) -> Callable[[], None]:
    """Make what the new process does first: it asks the kernel to end it when its parent ends."""

    def ask() -> None:
        if not prctl.signal_at_end_of(parent, signal.SIGKILL):
            os._exit(1)

    return ask


async def _line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:  # a line longer than the buffer, which is not worth more than that it was there
        return b"\n"


def _message(line: str) -> str:
    """Give what a line of Caddy's log says to a person; nothing for one that is no complaint."""
    try:
        said = json.loads(line)
        level, message, error = said.get("level"), said.get("msg", ""), said.get("error")
    except (ValueError, AttributeError):
        return line
    if level not in {"error", "fatal", "panic"}:
        return ""
    return f"{message}: {error}" if error else message
