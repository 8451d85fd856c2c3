"""Reaping every process that ends: those that the agent started, and orphans that the kernel gave it.

One place calls `waitpid`, for all. asyncio's own subprocesses would race with it, so they aren't used.
"""

import asyncio
import contextlib
import os
import signal

from rspark_session.processes.launch import Launched


class Child:
    """A process that the agent started. `code` is None while it lives, and minus the signal when one killed it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None
        self._ended = asyncio.Event()

    def has_ended(self, code: int) -> None:
        self.code = code
        self._ended.set()

    async def wait(self) -> int:
        """Wait for its end; return its code."""
        await self._ended.wait()
        assert self.code is not None
        return self.code

    async def gone_within(self, seconds: float) -> bool:
        """Wait that long in seconds; return whether it has ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0)):
                await self._ended.wait()
        return self.code is not None

    def signal(self, number: int) -> None:
        """Signal it while it lives. Until it is reaped, which we do, its pid is nobody else's."""
        if self.code is None:
            os.kill(self.pid, number)

    async def end(self, number: int, seconds: float) -> int:
        """Signal it, kill it when it hasn't ended within the time in seconds, and return its code."""
        self.signal(number)
        if not await self.gone_within(seconds):
            self.signal(signal.SIGKILL)
        return await self.wait()


class Children:
    """Every process that the agent started."""

    def __init__(self) -> None:
        self._alive: dict[int, Child] = {}
        self._expected: dict[int, Child] = {}
        self.orphans_reaped = 0

    def expect(self, launched: Launched) -> None:
        """Register a process that was started before the loop ran, so that it isn't taken for an orphan if it ends first."""
        self._expected[launched.pid] = self._alive[launched.pid] = Child(launched.pid)

    def adopt(self, launched: Launched) -> Child:
        """Return the child for a process that was started just now, or is expected."""
        child = self._expected.pop(launched.pid, None)
        if child is None:
            child = self._alive[launched.pid] = Child(launched.pid)
        return child

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Reap from now on whenever a process ends, and those that have ended already."""
        loop.add_signal_handler(signal.SIGCHLD, self.reap)
        self.reap()

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:  # there is none at all
                return
            if pid == 0:
                return
            if child := self._alive.pop(pid, None):
                child.has_ended(os.waitstatus_to_exitcode(status))
            else:
                self.orphans_reaped += 1
