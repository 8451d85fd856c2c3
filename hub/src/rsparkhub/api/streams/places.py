"""How many streams are open at a time: of one person, and of all.

A browser holds a stream for each page, and a page that was left may hold its own for hours. So the oldest stream of a person ends
when one more is opened than they may have: whoever comes now is served, and a page that is still looked at connects again. When
all together are too many, which takes many people, the next one is told when to come back.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from rsparkhub.domain.access import Identity
from rsparkhub.domain.errors import TooManyRequests

MOST_OF_ONE = 32
_AGAIN_SECONDS = 10


class StreamPlaces:
    """The places for streams of one hub."""

    def __init__(self, *, most: int, most_of_one: int = MOST_OF_ONE) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._taken: dict[str, list[asyncio.Event]] = {}

    def check(self, identity: Identity) -> None:
        """Raise `TooManyRequests` when there is no place; of who has the most that one may have, another ends for it."""
        if self.count >= self._most and len(self._taken.get(identity.user.name, ())) < self._most_of_one:
            raise TooManyRequests(
                "More pages and logs are open than this hub serves at a time. Try again in a few seconds.",
                retry_after=_AGAIN_SECONDS,
            )

    @property
    def count(self) -> int:
        """Return how many streams are open."""
        return sum(len(places) for places in self._taken.values())

    @contextmanager
    def place(self, identity: Identity) -> Iterator[asyncio.Event]:
        """Have a place while inside; the event is set when the stream is to end, since newer ones of the person need it."""
        name, ended = identity.user.name, asyncio.Event()
        places = self._taken.setdefault(name, [])
        places.append(ended)
        if len(places) > self._most_of_one:
            places.pop(0).set()
        try:
            yield ended
        finally:
            if ended in places:
                places.remove(ended)
            if not places:
                self._taken.pop(name, None)
