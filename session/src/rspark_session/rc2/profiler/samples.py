"""What a profiler of any language finds: samples of the calls in which it was while it computed."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Bytes that are read of a profile.
_MOST_BYTES = 2**26


@dataclass(frozen=True)
class Line:
    """A line of a file."""

    path: str
    number: int


@dataclass(frozen=True)
class Call:
    """A call in a sample, and the line from which it was called."""

    name: str
    line: Line | None


@dataclass(frozen=True)
class Sample:
    """The calls in which a language was, the outermost first, the line that the innermost ran, and the bytes in use."""

    calls: tuple[Call, ...]
    at: Line | None
    used: int


class Samples(ABC):
    """Reads the samples of a file, a line of text after another.

    `interval` are the seconds between two samples, `is_whole` is false once some were left unread.
    """

    interval = 0.0
    is_whole = True

    def __init__(self, file: Path) -> None:
        self._file = file

    def __iter__(self) -> Iterator[Sample]:
        """Return the samples in order; raise `OSError` when the file can't be read."""
        read = 0
        with self._file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                read += len(line)
                if read > _MOST_BYTES:
                    self.is_whole = False
                    return
                yield from self.samples_of(line)

    @abstractmethod
    def samples_of(self, line: str) -> Iterator[Sample]:
        """Return the samples that a line stands for; the last line may be cut off where the language ended."""
