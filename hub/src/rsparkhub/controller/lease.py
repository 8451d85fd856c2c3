"""Work under a lease: renewed while the work goes on, and given up at once when the lease was lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rsparkhub.controller.batch import Batch
from rsparkhub.domain.errors import Unavailable
from rsparkhub.store import Claimed, Store


class LeaseLost(Exception):
    """Another controller works on the session now; whatever was under way here is for it to find."""


@dataclass(kw_only=True)
class _Work:
    """Work under a lease that holds until `until`, if not `lost`."""

    task: asyncio.Task[Any]
    until: datetime
    lost: bool = False


class Holder:
    """Takes, renews and gives back leases in the name of one controller."""

    def __init__(self, *, store: Store, holder: str, lease: timedelta, clock: Callable[[], datetime]) -> None:
        self._store = store
        self.holder = holder
        self.lease = lease
        self._clock = clock
        self._work: dict[str, _Work] = {}
        self._renewing: asyncio.Task[None] | None = None
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
        work = _Work(task=inside, until=self._clock() + self.lease)
        self._work[claimed.session.id] = work
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew_all(), name="leases")
        try:
            yield
        except asyncio.CancelledError:
            if work.lost:
                inside.uncancel()
                raise LeaseLost from None
            raise
        finally:
            del self._work[claimed.session.id]

    async def _renew_all(self) -> None:
        """Renew all leases under which there is work, in one transaction, as long as there is any."""
        while True:
            await asyncio.sleep(self.lease.total_seconds() / 3)
            if not self._work:
                return
            now, renewing = self._clock(), dict(self._work)
            until: datetime | None = now + self.lease
            try:
                held = await self._store.leases.renew(renewing, holder=self.holder, until=now + self.lease)
            except Unavailable:  # the database may be back before the leases have run out
                held = frozenset(session_id for session_id, work in renewing.items() if now < work.until)
                until = None
            for session_id, work in renewing.items():
                if self._work.get(session_id) is not work:
                    continue  # it ended meanwhile
                if session_id not in held:
                    work.lost = True
                    work.task.cancel()
                elif until is not None:
                    work.until = until
