"""Work under a lease: renewed while the work goes on, and given up at once when the lease was lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from rsparkhub.domain.errors import Unavailable
from rsparkhub.store import Claimed, Store


class LeaseLost(Exception):
    """Somebody else works on the session now; whatever was under way here is theirs to find."""


class Leases:
    """Takes and keeps the leases of one controller."""

    def __init__(self, *, store: Store, holder: str, lease: timedelta, clock: Callable[[], datetime]) -> None:
        self._store = store
        self.holder = holder
        self.lease = lease
        self._clock = clock

    async def claim_due(self, limit: int) -> list[Claimed]:
        """Take the leases of sessions that are due."""
        return await self._store.leases.claim(holder=self.holder, now=self._clock(), lease=self.lease, limit=limit)

    async def claim(self, session_id: str) -> Claimed | None:
        """Take the lease of a session; None when another controller has it, or there is no such session."""
        return await self._store.leases.claim_one(session_id, holder=self.holder, now=self._clock(), lease=self.lease)

    @asynccontextmanager
    async def kept(self, claimed: Claimed) -> AsyncIterator[None]:
        """Keep the lease while inside.

        Raises
        ------
        LeaseLost
            When it was lost meanwhile; what was inside has been cancelled.
        """
        inside = asyncio.current_task()
        assert inside is not None, "work runs in a task"
        lost = False

        async def keep() -> None:
            nonlocal lost
            until = self._clock() + self.lease
            while True:
                await asyncio.sleep(self.lease.total_seconds() / 3)
                try:
                    held = await self._store.leases.renew(
                        claimed.session.id, holder=self.holder, until=self._clock() + self.lease
                    )
                    until = self._clock() + self.lease if held else until
                except Unavailable:
                    held = self._clock() < until  # the database may be back before the lease has run out
                if not held:
                    lost = True
                    inside.cancel()
                    return

        keeping = asyncio.create_task(keep())
        try:
            yield
        except asyncio.CancelledError:
            if lost:
                inside.uncancel()
                raise LeaseLost from None
            raise
        finally:
            keeping.cancel()
