"""What a profiler of any language finds: samples of the calls in which it was while it computed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


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


class Samples(Protocol):
    """Samples in order; `interval` are the seconds between two, `is_whole` is false once some were left unread."""

    interval: float
    is_whole: bool

    def __iter__(self) -> Iterator[Sample]:
        """Return the samples; raise `OSError` when they can't be read."""
