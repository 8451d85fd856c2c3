"""The log of events: append-only, numbered, on disk, and bounded. What a client missed is read from it.

It is a folder of files `<number of its first event>.jsonl`, each a few megabytes. A server that is killed loses nothing that a
client saw: an event is written before it is sent. The oldest files are removed when all are larger than the bound. Where the disk
is full, events go on from memory, and are missing after a restart alone.

A number is never another event's under the same `epoch`: where the end of the log is lost, the next server begins another.
"""

import bisect
import contextlib
import logging
import os
import re
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rspark_session.files import write_whole

_log = logging.getLogger(__name__)

_MOST_BYTES = 64 * 2**20
_SEGMENT_BYTES = 4 * 2**20
_MEMORY_BYTES = 8 * 2**20
_EPOCH = "epoch"
_BEGIN = re.compile(rb'\{"seq":([1-9][0-9]{0,15}),')


class EventLog:
    """Events as JSON, by their sequence numbers, the first of which is 1.

    Parameters
    ----------
    folder
        Where it is. It is made where it isn't there.
    most_bytes
        The most that its files may have together.
    segment_bytes
        The size at which a new file begins.
    memory_bytes
        The size of the newest events that are in memory, too.
    """

    def __init__(
        self,
        folder: Path,
        *,
        most_bytes: int = _MOST_BYTES,
        segment_bytes: int = _SEGMENT_BYTES,
        memory_bytes: int = _MEMORY_BYTES,
    ) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._segment_bytes = segment_bytes
        self._memory_bytes = memory_bytes
        self._recent: deque[tuple[int, bytes]] = deque()
        self._recent_bytes = 0
        self._file: int | None = None
        self._listeners: list[Callable[[], None]] = []
        self._complete = True
        with contextlib.suppress(OSError):  # what can't be written is in memory alone
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sizes = self._read_sizes()
        self._segments = [*self._sizes]
        self.last = self._mend_end()
        self.epoch = self._read_epoch()

    @property
    def oldest(self) -> int:
        """The number of the first event that can still be read; one more than `last` when there is none."""
        if not self._complete and self._recent:
            return self._recent[0][0]
        return self._segments[0] if self._segments else self.last + 1

    def append(self, make: Callable[[int], bytes]) -> int:
        """Record the event that `make` returns, as JSON in one line, for a sequence number. Return that number."""
        number = self.last + 1
        line = make(number)
        try:
            self._write(number, line + b"\n")
        except OSError as problem:
            if self._complete:
                _log.warning("events are not recorded on disk: %s", problem)
                self._forget_epoch()  # a server that starts after this one has fewer events
            self._complete = False
            self._close()
        self.last = number
        self._recent.append((number, line))
        self._recent_bytes += len(line)
        while self._recent_bytes > self._memory_bytes and len(self._recent) > 1:
            self._recent_bytes -= len(self._recent.popleft()[1])
        for listener in self._listeners:
            listener()
        return number

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each event, until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def after(self, number: int, *, most_bytes: int) -> list[bytes]:
        """Return the events that follow a number, in order: at least one, and hardly more than so many bytes."""
        if number >= self.last:
            return []
        events: list[bytes] = []
        size = 0
        for _, line in self._lines(number):
            events.append(line)
            size += len(line)
            if size >= most_bytes:
                break
        return events

    def all(self) -> Iterator[bytes]:
        """Return all events that are recorded by now, in order. Another thread may go through them while more are."""
        if self._recent and self._recent[0][0] <= 1:
            return iter([line for _, line in self._recent])
        return (line for _, line in self._lines(0))

    def event(self, number: int) -> bytes | None:
        """Return one event; None when it is recorded no longer, or not yet."""
        for found, line in self._lines(number - 1):
            return line if found == number else None
        return None

    def close(self) -> None:
        """Close the file."""
        self._close()

    def _lines(self, number: int) -> Iterator[tuple[int, bytes]]:
        """Return the events after a number: from memory where it has them all, else from the files."""
        first = self._recent[0][0] if self._recent else 0
        if self._recent and first <= number + 1:
            return (self._recent[place] for place in range(max(0, number + 1 - first), len(self._recent)))
        begin = max(0, bisect.bisect_right(self._segments, number + 1) - 1)
        return self._written(number, self._segments[begin:], [*self._recent])

    def _written(self, last: int, segments: Sequence[int], recent: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        """Return the events of files after a number, and those of memory that are in none."""
        end = recent[-1][0] if recent else None
        for segment in segments:
            try:
                content = self._path(segment).read_bytes()
            except OSError:  # it was removed, or can't be read: what is in it is gone
                continue
            for line in content.split(b"\n")[:-1]:  # what has no end is half an event
                found = number_of(line)
                if found is None or found <= last or (end is not None and found > end):
                    continue
                last = found
                yield found, line
        for found, line in recent:  # what is not on disk
            if found > last:
                yield found, line

    def _write(self, number: int, line: bytes) -> None:
        if self._file is None or self._sizes[self._segments[-1]] + len(line) > self._segment_bytes:
            self._close()
            self._file = os.open(self._path(number), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._segments.append(number)
            self._sizes[number] = 0
        segment = self._segments[-1]
        written = os.write(self._file, line)
        if written < len(line):  # the disk has just become full: no half of an event
            os.ftruncate(self._file, self._sizes[segment])
            raise OSError("the disk is full")
        self._sizes[segment] += written
        while sum(self._sizes.values()) > self._most_bytes and len(self._segments) > 1:
            self._remove(self._segments[0])

    def _remove(self, segment: int) -> None:
        self._segments.remove(segment)
        del self._sizes[segment]
        with contextlib.suppress(OSError):
            self._path(segment).unlink(missing_ok=True)

    def _read_sizes(self) -> dict[int, int]:
        """Return the sizes of the files in bytes, by the numbers of their first events, in order."""
        found: dict[int, int] = {}
        for file in self._folder.glob("*.jsonl"):
            with contextlib.suppress(OSError, ValueError):  # it is not a file of ours, or just removed
                found[int(file.stem)] = file.stat().st_size
        return dict(sorted(found.items()))

    def _mend_end(self) -> int:
        """Return the last number, after what a crash of the machine left half was cut off."""
        while self._segments:
            segment = self._segments[-1]
            number, whole = self._last_whole(segment)
            if whole < self._sizes[segment]:
                self._forget_epoch()
            if number is not None:
                with contextlib.suppress(OSError):  # half an event is passed over, too
                    os.truncate(self._path(segment), whole)
                self._sizes[segment] = whole
                return number
            self._remove(segment)
        return 0

    def _last_whole(self, segment: int) -> tuple[int | None, int]:
        """Return the number of the last whole event of a file, and where that ends; put aside a file that can't be read."""
        path = self._path(segment)
        try:
            content = path.read_bytes()
        except OSError as problem:
            _log.warning("a file of the log of events can't be read: %s", problem)
            with contextlib.suppress(OSError):
                path.rename(path.with_suffix(".unread"))
            return None, 0
        end = content.rfind(b"\n") + 1
        while end:
            begin = content.rfind(b"\n", 0, end - 1) + 1
            if (number := number_of(content[begin:end])) is not None:
                return number, end
            end = begin
        return None, 0

    def _read_epoch(self) -> str:
        file = self._folder / _EPOCH
        with contextlib.suppress(OSError, ValueError):
            if epoch := file.read_text(encoding="utf-8")[:64]:  # a crash of the machine leaves an empty one
                return epoch
        epoch = secrets.token_hex(8)
        try:
            write_whole(file, epoch)
        except OSError as problem:
            _log.warning("the log of events has no place: %s", problem)
        return epoch

    def _forget_epoch(self) -> None:
        """Let the next server begin another epoch: some numbers that clients have seen are free again."""
        with contextlib.suppress(OSError):
            (self._folder / _EPOCH).unlink(missing_ok=True)

    def _path(self, segment: int) -> Path:
        return self._folder / f"{segment:015}.jsonl"

    def _close(self) -> None:
        if self._file is None:
            return
        os.close(self._file)
        self._file = None
        if self._sizes[self._segments[-1]] == 0:
            self._remove(self._segments[-1])


def number_of(event: bytes) -> int | None:
    """Return the sequence number, with which an event begins; None when it is no event."""
    found = _BEGIN.match(event)
    return int(found[1]) if found else None
