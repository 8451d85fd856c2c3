"""Turns at something of which little can be done at once, shared fairly among those who ask."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rsparkhub.domain.errors import TooManyAttempts


class FairTurns:
    """Lets `at_once` callers in at a time; the others wait, and whoever asked from another origin goes before them.

    Each origin has a queue of its own, and one of each goes in after the other: a thousand of one origin hold up a single one of
    another by one turn, or by none where one origin may have fewer turns at once than there are (`at_once_of_one`). An origin may
    have `most_of_one` waiting, and all together `most`.
    """

    def __init__(self, *, at_once: int, most_of_one: int, most: int, at_once_of_one: int | None = None) -> None:
        self._free = at_once
        self._at_once_of_one = at_once if at_once_of_one is None else at_once_of_one
        self._most_of_one = most_of_one
        self._most = most
        self._inside: Counter[str] = Counter()
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, origin: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it while inside.

        Raises
        ------
        TooManyAttempts
            When too many wait already, of this origin or of all.
        """
        await self.enter(origin)
        try:
            yield
        finally:
            self.leave(origin)

    async def enter(self, origin: str) -> None:
        """Wait for a turn, which lasts until `leave`; `turn` says what is raised."""
        if self._has_turn_for(origin):
            self._take(origin)
        else:
            await self._wait(origin)

    def leave(self, origin: str) -> None:
        """End a turn, and let in whoever is next."""
        self._free += 1
        self._inside[origin] -= 1
        self._inside += Counter()  # without those of whom nobody is inside
        self._let_in()

    async def _wait(self, origin: str) -> None:
        queue = self._queues.setdefault(origin, deque())
        if len(queue) >= self._most_of_one or sum(map(len, self._queues.values())) >= self._most:
            raise TooManyAttempts("Too many people sign in at the moment. Try again in a few seconds.", retry_after=5)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # it was let in at this very moment
                self.leave(origin)
            raise

    def _has_turn_for(self, origin: str) -> bool:
        return self._free > 0 and self._inside[origin] < self._at_once_of_one

    def _take(self, origin: str) -> None:
        self._free -= 1
        self._inside[origin] += 1

    def _let_in(self) -> None:
        """Let in whoever there is a turn for: of the origin that was served least recently."""
        while (origin := next(filter(self._has_turn_for, self._queues), None)) is not None:
            queue = self._queues.pop(origin)
            place = queue.popleft() if queue else None
            if queue:
                self._queues[origin] = queue
            if place is not None and not place.done():
                self._take(origin)
                place.set_result(None)
