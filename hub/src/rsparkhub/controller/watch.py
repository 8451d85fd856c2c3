"""Observes what runs, often and for nearly nothing: no question goes to the store.

A session that runs is silent for hours; only what its user, the culling or the edge would notice makes it worth a pass. One that
is under way, starting or ending, is observed more often.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from rsparkhub.backends.base import Backend, EnsembleRef
from rsparkhub.controller.share import Share
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.errors import RsparkhubError
from rsparkhub.domain.plan import Limits, is_due
from rsparkhub.domain.session import LIVE, Session, State
from rsparkhub.log_context import log_once

log = logging.getLogger(__name__)


class Watch:
    """Remembers the rows of live sessions as they were last saved, and enqueues those for which there is something to do.

    A row that this controller saved is watched here at least until the next sweep; each sweep divides all rows anew among the
    controllers that are alive.
    """

    def __init__(
        self,
        *,
        backend: Backend,
        share: Share,
        enqueue: Callable[[str], None],
        limits: Callable[[Session], Limits],
        clock: Callable[[], datetime],
        every: timedelta,
        every_under_way: timedelta,
    ) -> None:
        self._backend = backend
        self._share = share
        self._enqueue = enqueue
        self._limits = limits
        self._clock = clock
        self._every = every
        self._every_under_way = every_under_way
        self._rows: dict[str, Session] = {}
        self._under_way = asyncio.Event()

    def row(self, session_id: str) -> Session | None:
        """Return a row that is watched here, as it was last saved."""
        return self._rows.get(session_id)

    def saved(self, row: Session) -> None:
        """Watch a row as it was saved, while it is live."""
        if row.state in LIVE:
            self._rows[row.id] = row
            if row.state is not State.RUNNING:
                self._under_way.set()
        else:
            self.gone(row.id)

    def gone(self, session_id: str) -> None:
        """Watch a session no more."""
        self._rows.pop(session_id, None)

    def swept(self, rows: Iterable[Session]) -> None:
        """Watch this controller's share of all rows that there are."""
        self._rows = {row.id: row for row in rows if row.state in LIVE and row.id in self._share}
        if any(row.state is not State.RUNNING for row in self._rows.values()):
            self._under_way.set()

    async def run(self) -> None:
        """Observe what runs every so often, for ever."""
        while True:
            await asyncio.sleep(self._every.total_seconds())
            await self.observe([row for row in self._rows.values() if row.state is State.RUNNING])

    async def run_under_way(self) -> None:
        """Observe what starts or ends every so often, for ever; while there is nothing of the kind, do nothing."""
        while True:
            await self._under_way.wait()
            await asyncio.sleep(self._every_under_way.total_seconds())
            rows = [row for row in self._rows.values() if row.state is not State.RUNNING]
            if not rows:
                self._under_way.clear()
            await self.observe(rows)

    async def observe(self, rows: Iterable[Session]) -> None:
        """Observe these once, many at a time, and enqueue those that need a pass; one lost node delays nobody else."""
        refs = [EnsembleRef(row.id, row.generation) for row in rows]
        if not refs:
            return
        try:
            async for ref, observed in self._backend.observe_many(refs):
                row = self._rows.get(ref.id)
                if row is not None and row.generation == ref.generation and self.differs(row, observed):
                    self._enqueue(row.id)
        except (OSError, RsparkhubError) as error:  # a backend that can't be reached now is asked again the next time
            log.warning("What runs can't be observed now: %s", error)

    def differs(self, row: Session, observed: Observed) -> bool:
        """Whether a session needs a pass, given what was observed of it; one that can't be planned does, for its error."""
        try:
            return is_due(row, observed, now=self._clock(), limits=self._limits(row))
        except Exception as error:
            log_once(log, f"{row.id} {error!r}", "What is due for %s can't be told: %r", row.id, error)
            return True
