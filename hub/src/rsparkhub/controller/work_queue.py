"""What is to be worked on, by key."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from rsparkhub.domain.errors import RsparkhubError

log = logging.getLogger(__name__)

LONGEST_PAUSE = timedelta(minutes=1)


class WorkQueue:
    """Calls `do` for each key that is enqueued.

    - A key is never at work twice at once.
    - A key that is enqueued while it waits is done once; one that is enqueued while it is at work is done once more after that.
    - At most `most` keys are at work; the others wait in the order in which they were enqueued, in two lines whose heads begin in
      turn: those that were enqueued as `under_way`, and all others. So in a rush of new work, what is nearly done gets done.
    - A key whose work fails is done again after a pause, which doubles from one second to `longest_pause`; it is not done sooner,
      however often it is enqueued.
    - `on_free_slot` is called when a key is done and others may begin, which could not before.
    """

    def __init__(
        self,
        do: Callable[[str], Awaitable[None]],
        *,
        most: int,
        longest_pause: timedelta = LONGEST_PAUSE,
        on_free_slot: Callable[[], None] = lambda: None,
    ) -> None:
        self._do = do
        self._on_free_slot = on_free_slot
        self._most = most
        self._longest_pause = longest_pause.total_seconds()
        self._waiting: dict[str, None] = {}
        self._waiting_under_way: dict[str, None] = {}
        self._lines = [self._waiting, self._waiting_under_way]
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._again: dict[str, bool] = {}  # whether as `under_way`
        self._failures: dict[str, int] = {}
        self._pauses: dict[str, asyncio.TimerHandle] = {}
        self._closed = False

    @property
    def free_slots(self) -> int:
        """Return how many keys could begin at once, beyond those that are at work or wait."""
        return max(0, self._most - len(self._at_work) - len(self._waiting) - len(self._waiting_under_way))

    def __contains__(self, key: object) -> bool:
        """Whether a key is at work, or waits for it."""
        return key in self._at_work or key in self._waiting or key in self._waiting_under_way

    def enqueue(self, key: str, *, under_way: bool = False) -> bool:
        """Have a key worked on; False when it is not: it pauses after a failure, or all is closed."""
        if self._closed or key in self._pauses:
            return False
        if key in self._at_work:
            self._again[key] = under_way or self._again.get(key, False)
        elif key not in self:
            (self._waiting_under_way if under_way else self._waiting)[key] = None
            self._begin()
        return True

    async def idle(self) -> None:
        """Wait until nothing is at work, and nothing waits for it."""
        while self._at_work:
            await asyncio.wait(list(self._at_work.values()))

    async def close(self, *, within: float) -> None:
        """Begin nothing more, and wait `within` seconds for what is at work; then cancel it."""
        self._closed = True
        self._waiting.clear()
        self._waiting_under_way.clear()
        for pause in self._pauses.values():
            pause.cancel()
        if not self._at_work:
            return
        _, late = await asyncio.wait(self._at_work.values(), timeout=within)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _begin(self) -> None:
        while len(self._at_work) < self._most:
            line = self._lines[0] or self._lines[1]
            if not line:
                return
            self._lines.sort(key=lambda each: each is line)  # the other one's turn is next
            key = next(iter(line))
            del line[key]
            self._at_work[key] = asyncio.create_task(self._work(key), name=f"work on {key}")

    async def _work(self, key: str) -> None:
        try:
            await self._do(key)
        except Exception as error:
            self._pause(key, error)
        else:
            self._failures.pop(key, None)
        finally:
            was_full = not self.free_slots
            del self._at_work[key]
            if key in self._again:
                self.enqueue(key, under_way=self._again.pop(key))
            self._begin()
            if was_full and self.free_slots:
                self._on_free_slot()

    def _pause(self, key: str, error: Exception) -> None:
        count = self._failures[key] = self._failures.get(key, 0) + 1
        seconds = min(2.0 ** (count - 1), self._longest_pause)
        expected = isinstance(error, RsparkhubError)  # its sentence is enough; anything else is a defect, with its trace
        log.error("%s: %s. Again in %.0f s.", key, str(error) or type(error).__name__, seconds, exc_info=not expected)
        self._pauses[key] = asyncio.get_running_loop().call_later(seconds, self._resume, key)

    def _resume(self, key: str) -> None:
        self._pauses.pop(key, None)
        self.enqueue(key)
