"""Ends what a class of the person never ends: pickling that waits for ever takes no other object, and not the whole save, along.

A timer of the process ticks once a second, and more often where there is little time: what waits never takes all of the time.
Python sees a tick only between two of its own steps, or in a call that waits: so one that gets nowhere for several ticks is a
loop or a wait of Python's, and not a large object that C code is busy with.
"""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_PATIENCE = 10  # ticks without progress
_PATIENCE_WITH_A_PART = 2
_TICKS = 4 * _PATIENCE  # at least, in all of the time that there is
_SHORTEST = 0.05  # seconds


class GetsNowhere(BaseException):
    """An object waits, or loops, while it is saved or read. No class of the person catches it as an `Exception`."""

    def __init__(self) -> None:
        super().__init__("its class takes no end")


class OutOfTime(BaseException):
    """The time for all of the work is over."""

    def __init__(self) -> None:
        super().__init__("there was not enough time")


class Watchdog:
    """A context in which the timer ticks; blocks of `watching` in it are ended when they get nowhere, or when time is over.

    `tick` is the longest time between two ticks, in seconds. Outside of the main thread there are no signals, and nothing is
    watched.
    """

    tick = 1.0

    def __init__(self, seconds: float = math.inf) -> None:
        self._deadline = time.monotonic() + seconds
        self._interval = max(_SHORTEST, min(self.tick, seconds / _TICKS))
        self._progress: Callable[[], int] | None = None
        self._place: int | None = None
        self._idle, self._patience = 0, _PATIENCE
        self._handler: Any = None
        self._timer = (0.0, 0.0)
        self._ticks = False

    def __enter__(self) -> "Watchdog":
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGALRM, self._tick)
            self._timer = signal.setitimer(signal.ITIMER_REAL, self._interval, self._interval)
            self._ticks = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._ticks:
            self._ticks = False
            signal.setitimer(signal.ITIMER_REAL, *self._timer)
            signal.signal(signal.SIGALRM, signal.SIG_DFL if self._handler is None else self._handler)

    @property
    def persons_timer(self) -> float:
        """The seconds that are left of the timer that ticked before, 0 where there was none."""
        return self._timer[0] if self._ticks else signal.getitimer(signal.ITIMER_REAL)[0]

    @property
    def is_over(self) -> bool:
        """Whether there is no time left."""
        return time.monotonic() > self._deadline

    @contextmanager
    def watching(self, progress: Callable[[], int]) -> Iterator[None]:
        """Raise `GetsNowhere` in the block when `progress()` stays the same for long, `OutOfTime` when all time is over."""
        self._place, self._idle, self._progress = None, 0, progress
        try:
            yield
        finally:
            self._progress = None

    @contextmanager
    def guarding(self, failed: Callable[[BaseException], None], progress: Callable[[], int] = lambda: 0) -> Iterator[None]:
        """Watch the block, and give whatever ends it to `failed`: it takes nothing else along."""
        try:
            if self.is_over:
                raise OutOfTime
            with self.watching(progress):
                yield
        except BaseException as problem:  # whatever an object of a person or a library does
            failed(problem)

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """Be content with a shorter wait in the block, which does something for one part of an object."""
        before, self._patience = self._patience, _PATIENCE_WITH_A_PART
        try:
            yield
        finally:
            self._patience = before

    def _tick(self, number: int, frame: FrameType | None) -> None:
        if self._progress is None:
            return
        if self.is_over:
            raise OutOfTime
        try:
            place = self._progress()
        except Exception:  # a file that is being read just now
            place = None
        self._idle = self._idle + 1 if place == self._place and place is not None else 0
        self._place = place
        if self._idle >= self._patience:
            self._idle = 0  # what catches it, too, is asked again
            raise GetsNowhere
