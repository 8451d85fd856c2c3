"""The command line, run as a person runs it, against a real hub that answers on a port of its own.

No controller runs: what a test wants of a session stays wanted, until the test says what came of it.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from rsparkhub.api import Server
from rsparkhub.cli.first_sign_in import write_access
from rsparkhub.factory import Factory
from rsparkhub.settings import Settings

T = TypeVar("T")


class Cli:
    """Runs commands; what they printed is the result."""

    def __init__(self, data: Path, environ: dict[str, str] | None = None) -> None:
        self.data = data
        own = {name: value for name, value in os.environ.items() if not name.startswith("RSPARKHUB_")}
        self.environ = {**own, "RSPARKHUB_DATA": str(data), **(environ or {})}

    def __call__(self, *words: str, given: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "rsparkhub", *words],
            input=given, env=self.environ, cwd=cwd, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def typed(self, *words: str, keys: str) -> tuple[int, str]:
        """Run a command at a terminal, type these keys when it asks something (`?`), and give its code and output."""
        terminal, inside = os.openpty()
        command = [sys.executable, "-m", "rsparkhub", *words]
        process = subprocess.Popen(command, env=self.environ, stdin=inside, stdout=inside, stderr=inside, start_new_session=True)
        os.close(inside)
        said = b""
        with contextlib.suppress(OSError):  # how the end of a terminal is told
            while piece := os.read(terminal, 4096):
                said += piece
                if keys and b"?" in said:
                    os.write(terminal, keys.encode())
                    keys = ""
        os.close(terminal)
        return process.wait(60), said.decode()

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start a command, and leave it running."""
        return subprocess.Popen(
            [sys.executable, "-m", "rsparkhub", *words],
            env=self.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


class RunningHub:
    """A hub in a thread of its own."""

    def __init__(self, settings: Settings, bound: socket.socket) -> None:
        self.settings, self._bound = settings, bound
        self._loop: asyncio.AbstractEventLoop
        self._ready = threading.Event()
        self._server: Server
        self.factory: Factory
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with Factory(self.settings) as self.factory:
            await write_access(self.factory)
            self._server = Server(self.factory.app, log_level="warning")
            self._ready.set()
            await self._server.serve(sockets=[self._bound])

    def do(self, work: Callable[[Factory], Awaitable[T]]) -> T:
        """Do something with the parts of the hub, where they live."""

        async def doing() -> T:
            return await work(self.factory)

        return asyncio.run_coroutine_threadsafe(doing(), self._loop).result(30)

    def __enter__(self) -> "RunningHub":
        self._thread.start()
        assert self._ready.wait(180)
        return self

    def __exit__(self, *error: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)
