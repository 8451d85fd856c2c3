"""Looks after hub, controller and edge for `rsparkhub up`: starts them, keeps their logs, starts again what died."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rsparkhub.backends.process.proc import Process, find
from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.installation.rotating_log import RotatingLog, last_line
from rsparkhub.installation.supervised import PARENT

SHORT_LIFE = 30.0  # seconds; one that dies sooner is started again after a longer and longer pause
LONGEST_PAUSE = 30.0
START_DEADLINE = 60.0
END_DEADLINE = 20.0


def pause_after(deaths: int) -> float:
    """Seconds to wait before the next start after so many short lives in a row."""
    return min(LONGEST_PAUSE, 0.25 * 2.0 ** (deaths - 1)) if deaths else 0.0


class Child:
    """One process that is kept running."""

    def __init__(self, *, name: str, command: Sequence[str], log: RotatingLog, sockets: Path) -> None:
        self.name, self.command, self.log = name, command, log
        self.mark: Process | None = None
        self.ready = asyncio.Event()
        self.process: asyncio.subprocess.Process | None = None
        self._notify = sockets / f"notify-{name}.sock"
        self._pumps: set[asyncio.Task[None]] = set()

    def listen(self) -> socket.socket:
        """Open the socket on which the process says that it is ready."""
        self._notify.unlink(missing_ok=True)
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        notify.bind(str(self._notify))
        asyncio.get_running_loop().add_reader(notify, self._heard, notify)
        return notify

    def _heard(self, notify: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while data := notify.recv(4096):
                if b"READY=1" in data.split():
                    self.ready.set()

    async def start(self) -> asyncio.subprocess.Process:
        self.ready.clear()
        # A process group of its own: Ctrl+C reaches us alone, and we end the three in order.
        self.process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "NOTIFY_SOCKET": str(self._notify), PARENT: str(os.getpid()), "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        self.mark = find(self.process.pid)
        pump = asyncio.create_task(self._keep_log(self.process))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)
        return self.process

    async def _keep_log(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # it is a pipe
        while data := await process.stdout.read(65536):
            self.log.write(data)

    async def end(self) -> None:
        """End the process, by force after a while, and wait for the rest of its log."""
        process = self.process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(END_DEADLINE):
                    await process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if self._pumps:
            await asyncio.wait(self._pumps, timeout=1)
        for pump in self._pumps:
            pump.cancel()
        self._notify.unlink(missing_ok=True)


class Supervisor:
    """Keeps children running, in the given order; `tell` gets a line for a person, `changed` who runs now."""

    def __init__(
        self,
        *,
        commands: Mapping[str, Sequence[str]],
        logs: Path,
        sockets: Path,
        tell: Callable[[str], None],
        changed: Callable[[Mapping[str, Process]], None],
    ) -> None:
        self._tell, self._changed = tell, changed
        self._stack = contextlib.ExitStack()
        self._children = [
            Child(name=name, command=command, log=self._stack.enter_context(RotatingLog(logs / f"{name}.log")), sockets=sockets)
            for name, command in commands.items()
        ]
        self._keepers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start all, and return when all are ready.

        Raises
        ------
        InstallationProblem
            When one ends while it starts, or takes too long; all are ended then.
        """
        for child in self._children:
            self._stack.enter_context(child.listen())
            await child.start()
        self._tell_changed()
        try:
            async with asyncio.timeout(START_DEADLINE):
                await asyncio.gather(*(self._until_ready(child) for child in self._children))
        except TimeoutError:
            late = ", ".join(child.name for child in self._children if not child.ready.is_set())
            await self.stop()
            raise InstallationProblem(
                f"Not ready after {START_DEADLINE:.0f} s: {late}. The log says why: {self._children[0].log.path.parent}."
            ) from None
        except InstallationProblem:
            await self.stop()
            raise
        self._keepers = [asyncio.create_task(self._keep(child)) for child in self._children]

    async def _until_ready(self, child: Child) -> None:
        assert child.process is not None  # it was started
        ready, ended = asyncio.create_task(child.ready.wait()), asyncio.create_task(child.process.wait())
        try:
            await asyncio.wait((ready, ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            ended.cancel()
        if not child.ready.is_set():
            await child.end()
            said = last_line(child.log.path)
            raise InstallationProblem(f"The {child.name} could not start: {said or 'it said nothing'} (log: {child.log.path})")

    async def _keep(self, child: Child) -> None:
        deaths = 0
        while True:
            assert child.process is not None  # it was started
            began = time.monotonic()
            code = await child.process.wait()
            deaths = deaths + 1 if time.monotonic() - began < SHORT_LIFE else 0
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
            self._tell(f"The {child.name} {how}; starting it again. Sessions are not touched. Its log: {child.log.path}")
            await asyncio.sleep(pause_after(deaths))  # the pause itself is the point: it keeps a broken child from spinning
            await child.start()
            self._tell_changed()

    def _tell_changed(self) -> None:
        self._changed({child.name: child.mark for child in self._children if child.mark})

    async def stop(self) -> None:
        """End all, in reverse order: the edge first."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for child in reversed(self._children):
            await child.end()
        self._stack.close()


async def end_processes(processes: Mapping[str, Process]) -> list[str]:
    """End processes that an `up` before this one left, and give the names of those that still ran."""
    alive = {name: process for name, process in processes.items() if process.alive()}
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for process in alive.values():
            process.signal(sign)
        await asyncio.gather(*(asyncio.to_thread(process.wait, END_DEADLINE) for process in alive.values()))
    return list(alive)


def own_command(*words: str) -> list[str]:
    """Return the command line that calls this very RSparkHub."""
    return [sys.executable, "-m", "rsparkhub", *words]
