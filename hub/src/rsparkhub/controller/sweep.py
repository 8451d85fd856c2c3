"""Compares all that runs with all that is wanted: at the start, and every so often, whatever was notified in between."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import timedelta

from rsparkhub.backends.base import Backend, EnsembleRef
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.errors import NotFound, RsparkhubError
from rsparkhub.domain.session import LIVE, Session, State, Wanted
from rsparkhub.store import Store

log = logging.getLogger(__name__)

_ABSENT = Observed(phase="absent")
_AT_REST = {State.SUSPENDED: Wanted.SUSPENDED, State.STOPPED: Wanted.STOPPED}


class Sweep:
    """Ends what runs and is wanted by no row, and enqueues each session that is not as its row says it should be."""

    def __init__(
        self,
        *,
        store: Store,
        backend: Backend,
        enqueue: Callable[[str], None],
        swept: Callable[[Iterable[Session]], None],
        differs: Callable[[Session, Observed], bool],
        every: timedelta,
        most_starting: int,
    ) -> None:
        self._store = store
        self._backend = backend
        self._enqueue = enqueue
        self._swept = swept
        self._differs = differs
        self._every = every
        self._most_starting = most_starting

    async def run(self) -> None:
        """Sweep at once, and then every so often, for ever."""
        while True:
            try:
                await self.sweep()
            except (RsparkhubError, OSError) as error:
                log.error("What runs could not be compared with what is wanted: %s", error)
            await asyncio.sleep(self._every.total_seconds())

    async def sweep(self) -> None:
        """Compare once."""
        # First what runs, then the rows: a session that begins in between has its row before it runs.
        running = await self._backend.list()
        rows = {row.id: row for kind in ("session", "service") for row in await self._rows(kind)}
        self._swept(rows.values())
        for ref in running:
            known = rows.get(ref.id) or await self._row(ref.id)
            if known is None or known.generation != ref.generation:
                try:
                    await self._end_orphan(ref, forget=known is None)
                except (RsparkhubError, OSError, ValueError) as error:  # the next sweep tries again, and this one goes on
                    log.error("%s.%s could not be ended: %s", ref.id, ref.generation, error)
        for session_id in needs_reconcile(rows.values(), running):
            self._enqueue(session_id)
        for row in rows.values():
            if row.state is State.SUSPENDED and self._differs(row, _ABSENT):
                self._enqueue(row.id)
        await self._forget_users()
        for session_id in list(await self._store.queue.positions())[: self._most_starting]:
            self._enqueue(session_id)

    async def _rows(self, kind: str) -> list[Session]:
        if kind == "service":
            return await self._store.sessions.list(kind="service", with_deleted=True)
        return await self._store.sessions.list(with_deleted=True)

    async def _row(self, session_id: str) -> Session | None:
        try:
            return await self._store.sessions.get(session_id)
        except NotFound:
            return None

    async def _forget_users(self) -> None:
        """Have the backend forget people who were removed: whatever is asked first, who is added meanwhile is not among them."""
        kept = await self._backend.users()
        known = {user.id for user in await self._store.users.list()} if kept else set()
        for user in kept:
            if user not in known:
                try:
                    await self._backend.forget_user(user)
                except (RsparkhubError, OSError) as error:
                    log.error("What the machine keeps for %s, who was removed, can't be removed: %s", user, error)

    async def _end_orphan(self, ref: EnsembleRef, *, forget: bool) -> None:
        """End what no row knows. A generation only grows, so one that is not its row's will never be wanted again."""
        log.warning("%s.%s is wanted by nobody: it is ended.", ref.id, ref.generation)
        await self._backend.kill(ref)
        await self._backend.remove(ref)
        if forget:
            await self._backend.forget_session(ref.id, user=None)


def needs_reconcile(rows: Iterable[Session], running: Iterable[EnsembleRef]) -> list[str]:
    """Return the ids of the sessions that are not at rest as they should be: pure.

    That is: nothing runs where something should, something is there where nothing should be, or the row has not reached
    what is wanted.
    """
    there = {ref.id for ref in running}
    found = []
    for row in rows:
        at_rest = row.state not in LIVE
        settled = (
            at_rest and (row.state is State.FAILED or _AT_REST.get(row.state) is row.wanted) and row.wanted is not Wanted.DELETED
        )
        runs_well = row.state is State.RUNNING and row.wanted is Wanted.RUNNING and row.id in there
        waits = row.state is State.QUEUED and row.wanted is Wanted.RUNNING and row.id not in there
        if not (runs_well or waits or (settled and row.id not in there)):
            found.append(row.id)
    return found
