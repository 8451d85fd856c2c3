"""Cache of what was looked up in the store for forward-auth requests, for one short period."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from rsparkhub.domain.access import Identity
from rsparkhub.domain.course import Course
from rsparkhub.domain.session import Session
from rsparkhub.domain.share import Share


class Lookup(NamedTuple):
    """Something to be looked up in the store: whose credential, which session, its shares, or where its owner is taught."""

    what: Literal["login", "bearer", "query", "session_cookie", "session", "shares", "courses"]
    secret: str
    session: str = ""


Found = Identity | Session | tuple[Share, ...] | tuple[Course, ...] | None


class AuthCache:
    """What was looked up in this period.

    - Lookups that are equal and under way at the same time are one.
    - What was looked up, or began to be, before `start_period` or `forget` is returned to nobody who asks after it.
    """

    def __init__(self, look_up: Callable[[Lookup], Awaitable[Found]]) -> None:
        self._look_up = look_up
        self._period = 0
        self._found: dict[Lookup, Found] = {}
        self._pending: dict[Lookup, asyncio.Future[Found]] = {}

    def start_period(self, period: int) -> None:
        """Empty the cache when the period is another one than before."""
        if period != self._period:
            self._period, self._found, self._pending = period, {}, {}

    def forget(self, key: Lookup) -> None:
        """Drop what has changed, also where it is being looked up."""
        self._found.pop(key, None)
        self._pending.pop(key, None)

    def clear(self) -> None:
        """Drop everything, also what is being looked up."""
        self._found, self._pending = {}, {}

    @property
    def found(self) -> dict[Lookup, Found]:
        """What is in the cache."""
        return self._found

    async def get(self, key: Lookup) -> Found:
        """Return what is in the cache, or look it up."""
        if key in self._found:
            return self._found[key]
        pending = self._pending.get(key)
        if pending is None:
            pending = self._pending[key] = asyncio.ensure_future(self._look_up(key))
            pending.add_done_callback(lambda done: self._store(key, done))
        return await asyncio.shield(pending)

    def _store(self, key: Lookup, done: "asyncio.Future[Found]") -> None:
        if self._pending.get(key) is not done:
            return
        del self._pending[key]
        if not done.cancelled() and done.exception() is None:
            self._found[key] = done.result()
