"""Which sessions a controller watches, where several work on one store."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b

from rsparkhub.controller.lease import Holder
from rsparkhub.domain.errors import Unavailable
from rsparkhub.store import Store

log = logging.getLogger(__name__)


class Share:
    """Divides sessions among the controllers that are alive, by rendezvous hashing: when one goes, only its own move."""

    def __init__(self, *, store: Store, holder: Holder, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._holder = holder
        self._clock = clock
        self._alive = frozenset({holder.holder})

    async def run(self) -> None:
        """Write a sign of life, and read which other controllers are alive, every so often, for ever."""
        while True:
            try:
                await self.refresh()
            except Unavailable as error:
                log.warning("Which controllers are alive could not be read: %s", error)
            await asyncio.sleep(self._holder.lease.total_seconds())

    async def refresh(self) -> None:
        """Write a sign of life, and read which other controllers are alive."""
        self._alive = await self._store.controllers.beat(self._holder.holder, now=self._clock(), lifetime=3 * self._holder.lease)

    async def leave(self) -> None:
        """Leave this controller's share to the others."""
        with suppress(Unavailable):  # then they find out by its silence
            await self._store.controllers.leave(self._holder.holder)

    def __contains__(self, session_id: object) -> bool:
        """Whether a session is this controller's to watch."""
        if len(self._alive) < 2:
            return True
        return max(self._alive, key=lambda holder: _weight(holder, session_id)) == self._holder.holder


def _weight(holder: str, session_id: object) -> bytes:
    return blake2b(f"{holder}\0{session_id}".encode(), digest_size=8).digest()
