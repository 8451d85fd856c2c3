"""Work under a lease: renewed while the work goes on, and given up at once when the lease was lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from rsparkhub.controller.batch import Batch
from rsparkhub.domain.errors import Unavailable
from rsparkhub.store import Claimed, Store


class LeaseLost(Exception):
    """Another controller works on the session now; whatever was under way here is for it to find."""


class Holder:
    """Takes, renews and gives back leases in the name of one controller."""

    def __init__(self, *, store: Store, holder: str, lease: timedelta, clock: Callable[[], datetime]) -> None:
        self._store = store
        self.holder = holder
        self.lease = lease
        self._clock = clock
        self._claims: Batch[str, Claimed | None] = Batch(self._claim_these)

    async def claim_due(self, limit: int) -> list[Claimed]:
        """Take the leases of sessions that are due."""
        return await self._store.leases.claim(holder=self.holder, now=self._clock(), lease=self.lease, limit=limit)

    async def claim(self, session_id: str) -> Claimed | None:
        """Take the lease of a session; None when another controller has it, or there is no such session."""
        return await self._claims.add(session_id)

    async def _claim_these(self, session_ids: list[str]) -> list[Claimed | None]:
        claimed = await self._store.leases.claim_these(session_ids, holder=self.holder, now=self._clock(), lease=self.lease)
        by_id = {each.session.id: each for each in claimed}
        return [by_id.get(session_id) for session_id in session_ids]

    @asynccontextmanager
    async def renewed(self, claimed: Claimed) -> AsyncIterator[None]:
        """Renew the lease while inside.

        Raises
        ------
        LeaseLost
            When it was lost meanwhile; what was inside has been cancelled.
        """
        inside = asyncio.current_task()
        assert inside is not None, "work runs in a task"
        lost = False

        async def renew() -> None:
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

        renewing = asyncio.create_task(renew())
        try:
            yield
        except asyncio.CancelledError:
            if lost:
                inside.uncancel()
                raise LeaseLost from None
            raise
        finally:
            renewing.cancel()
