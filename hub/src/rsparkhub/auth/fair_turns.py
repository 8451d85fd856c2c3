"""Turns at something of which little can be done at once, shared fairly among those who ask."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rsparkhub.domain.errors import TooManyAttempts


class FairTurns:
    """Lets `at_once` callers in at a time; the others wait, and whoever asked from another origin goes before them.

    Each origin has a queue of its own, and one of each goes in after the other: a thousand of one origin hold up a single one of
    another by one turn. An origin may have `most_of_one` waiting, and all together `most`.
    """

    def __init__(self, *, at_once: int, most_of_one: int, most: int) -> None:
        self._free = at_once
        self._most_of_one = most_of_one
        self._most = most
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, origin: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it while inside.

        Raises
        ------
        TooManyAttempts
            When too many wait already, of this origin or of all.
        """
        if self._free:
            self._free -= 1
        else:
            await self._wait(origin)
        try:
            yield
        finally:
            self._pass_on()

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
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Let the next one in: of the origin that was served least recently."""
        while self._queues:
            origin, queue = next(iter(self._queues.items()))
            del self._queues[origin]
            place = queue.popleft() if queue else None
            if queue:
                self._queues[origin] = queue
            if place is not None and not place.done():
                place.set_result(None)
                return
        self._free += 1
