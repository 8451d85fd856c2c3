"""Deletes old events, so that the store does not grow for ever. Usage and the audit don't need them."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from rsparkhub.domain.errors import Unavailable
from rsparkhub.store import Store

log = logging.getLogger(__name__)

_EVERY = timedelta(hours=6)
_PAUSE_SECONDS = 1.0  # between two batches: whoever else writes goes first


class Retention:
    """Deletes events of what the hub did by itself, once they are older than `events_kept`."""

    def __init__(self, *, store: Store, events_kept: timedelta, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._events_kept = events_kept
        self._clock = clock

    async def run(self) -> None:
        """Delete what is too old every few hours, for ever."""
        while True:
            try:
                await self.delete_old(pause=_PAUSE_SECONDS)
            except Unavailable as error:
                log.error("Old events could not be deleted: %s", error)
            await asyncio.sleep(_EVERY.total_seconds())

    async def delete_old(self, *, pause: float = 0.0) -> None:
        """Delete what is too old now, in batches, with a pause of so many seconds between them."""
        before, after = self._clock() - self._events_kept, 0
        while (following := await self._store.events.delete_before(before, after_id=after)) is not None:
            after = following
            await asyncio.sleep(pause)
