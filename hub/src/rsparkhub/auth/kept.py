"""What was looked up in the store, and holds until the period in which the looking began is over."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from rsparkhub.domain.access import Identity
from rsparkhub.domain.session import Session


class LookUp(NamedTuple):
    """Something to be looked up in the store: whose credential this is, or which session."""

    what: Literal["login", "bearer", "entrance", "session"]
    secret: str
    session: str = ""


Found = Identity | Session | None


class Kept:
    """What was looked up in this period. Those who look for the same at the same time wait for one look-up."""

    def __init__(self, look_up: Callable[[LookUp], Awaitable[Found]]) -> None:
        self._look_up = look_up
        self._period = 0
        self._found: dict[LookUp, Found] = {}
        self._looking: dict[LookUp, asyncio.Future[Found]] = {}

    def turn(self, period: int) -> None:
        """Forget what was looked up in another period; a look-up that began there is kept for nobody."""
        if period != self._period:
            self._period, self._found, self._looking = period, {}, {}

    def forget(self, key: LookUp) -> None:
        """Forget what has changed, also what is being looked up."""
        self._found.pop(key, None)
        self._looking.pop(key, None)

    @property
    def found(self) -> dict[LookUp, Found]:
        return self._found

    async def get(self, key: LookUp) -> Found:
        """Give what is kept, or look it up."""
        if key in self._found:
            return self._found[key]
        looking = self._looking.get(key)
        if looking is None:
            looking = self._looking[key] = asyncio.ensure_future(self._look_up(key))
            looking.add_done_callback(lambda done: self._keep(key, done))
        return await asyncio.shield(looking)

    def _keep(self, key: LookUp, done: "asyncio.Future[Found]") -> None:
        if self._looking.get(key) is not done:
            return
        del self._looking[key]
        if not done.cancelled() and done.exception() is None:
            self._found[key] = done.result()
