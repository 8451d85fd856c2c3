"""A log file that doesn't grow without end."""

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class RotatingLog:
    """Appends bytes to a file; when it has grown to `most` bytes it becomes `.1`, and the oldest of `keep` goes."""

    def __init__(self, path: Path, *, most: int = 10 * 2**20, keep: int = 3) -> None:
        self.path, self._most, self._keep = path, most, keep
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._file).st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._file)

    def write(self, data: bytes) -> None:
        """Append, after a rotation when it is due. What a full disk doesn't take is not written."""
        if self._size and self._size + len(data) > self._most:
            self._rotate()
        with contextlib.suppress(OSError):  # a log must not end what it tells of
            self._size += os.write(self._file, data)

    def _rotate(self) -> None:
        os.close(self._file)
        for number in range(self._keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._numbered(number).replace(self._numbered(number + 1))
        self.path.replace(self._numbered(1))
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = 0

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


def last_line(path: Path) -> str:
    """Return the last line of a log that is not empty, for a sentence about what went wrong."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 8192))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return ""
    return lines[-1] if lines else ""
