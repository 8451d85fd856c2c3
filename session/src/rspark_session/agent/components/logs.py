"""The log of each component: what it writes goes through the agent into a file that is rotated and can be followed."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path

MOST_BYTES = 10 * 2**20
MOST_OLD = 3
_LONGEST_LINE = 16 * 2**10


class Stdout:
    """The lines of one component on the container's own output, each with its name: `<component> | <line>`."""

    def __init__(self, component: str) -> None:
        self._before = f"{component} | ".encode()
        self._begun = b""

    def write(self, data: bytes) -> None:
        """Pass on every whole line; what is begun waits for its end."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        if len(self._begun) > _LONGEST_LINE:
            lines, self._begun = [*lines, self._begun], b""
        if lines:
            with contextlib.suppress(OSError):  # nobody reads any more: the file has it
                os.write(1, b"".join(self._before + line + b"\n" for line in lines))


class Log:
    """A file that is rotated when it is full, and whose readers are woken when it grows."""

    def __init__(
        self,
        path: Path,
        *,
        most: int = MOST_BYTES,
        on_open: Callable[[int], None] | None = None,
        stdout: Stdout | None = None,
    ) -> None:
        self.path = path
        self._most = most
        self._on_open = on_open
        self._stdout = stdout
        self._grown = asyncio.Event()
        self._tail = b""
        self._ended = False
        self._open()

    def write(self, data: bytes) -> None:
        """Append data. On a full disk log lines are lost and nothing else."""
        self._tail = (self._tail + data)[-4096:]
        if self._size and self._size + len(data) > self._most:
            self._rotate()
        with contextlib.suppress(OSError):
            self._size += os.write(self._file, data)
        if self._stdout is not None:
            self._stdout.write(data)
        self._wake()

    def end(self) -> None:
        """Wake the readers for the last time: nothing more is coming."""
        self._ended = True
        self._wake()

    def last_line(self) -> str | None:
        """Return the last line that isn't empty, which an administrator needs first; None where there is none."""
        lines = [line.strip() for line in self._tail.decode("utf-8", "replace").splitlines()]
        return next((line for line in reversed(lines) if line), None)

    async def pump(self, output: int) -> None:
        """Write what comes out of a pipe until its last writer is gone, then close it."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._ended = False  # a component may be started again

        def read() -> None:
            try:
                data = os.read(output, 65536)
            except BlockingIOError:
                return
            if data:
                self.write(data)
            else:
                loop.remove_reader(output)
                done.set_result(None)

        loop.add_reader(output, read)
        try:
            await done
        finally:
            loop.remove_reader(output)
            os.close(output)
            self.end()

    async def read(self, *, tail: int, follow: bool) -> AsyncIterator[bytes]:
        """Yield the last `tail` bytes of the file, then, with `follow`, what is written from now on."""
        file = self.path.open("rb")
        try:
            file.seek(max(self._size - tail, 0))
            while True:
                while data := file.read(65536):
                    yield data
                if os.fstat(file.fileno()).st_ino != os.fstat(self._file).st_ino:  # rotated; the rest is in the new one
                    file.close()
                    file = self.path.open("rb")
                elif self._ended or not follow:
                    return
                else:
                    await self._grown.wait()
        finally:
            file.close()

    def _open(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._file).st_size
        if self._on_open:
            self._on_open(self._file)

    def _rotate(self) -> None:
        full = self._file
        files = [self.path, *(self.path.with_name(f"{self.path.name}.{number}") for number in range(1, MOST_OLD + 1))]
        for newer, older in reversed(list(pairwise(files))):
            with contextlib.suppress(FileNotFoundError):
                newer.replace(older)
        try:
            self._open()
        except OSError:  # a full disk: go on where we are, and try again when as much has come
            self._size = 0
        else:
            os.close(full)

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()
