"""Takes one session one step further: claim it, look, plan, do, save.

Whatever says that a session is worth a look only puts its id into the work; nothing is decided from a message. So a lost
message costs time, and never a session.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from rsparkhub.backends.base import Backend, EnsembleRef
from rsparkhub.catalog import Catalog
from rsparkhub.controller.lease import LeaseLost, Leases
from rsparkhub.controller.steps import Done, Steps
from rsparkhub.controller.work_queue import WorkQueue
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.errors import RsparkhubError
from rsparkhub.domain.observation import is_significant
from rsparkhub.domain.plan import NOW, Limits, plan
from rsparkhub.domain.session import Session
from rsparkhub.settings import Settings
from rsparkhub.store import Claimed, Store

log = logging.getLogger(__name__)

MOST_AT_WORK = 16
_LONGEST_SLEEP = 5.0  # seconds without a look at what is due
_END_SECONDS = 5.0


class Reconciler:
    """Works on sessions; `seen` is told each row that was saved, or that a session is gone."""

    def __init__(
        self,
        *,
        store: Store,
        backend: Backend,
        catalog: Catalog,
        settings: Settings,
        leases: Leases,
        steps: Steps,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._backend = backend
        self._catalog = catalog
        self._settings = settings
        self._leases = leases
        self._steps = steps
        self._clock = clock
        self._work = WorkQueue(self._pass, most=MOST_AT_WORK)
        self._claims: dict[str, Claimed] = {}
        self._sooner = asyncio.Event()
        self.on_saved: list[Callable[[Session], None]] = []
        self.on_gone: list[Callable[[str], None]] = []

    def enqueue(self, session_id: str) -> None:
        """Say that a session is worth a look."""
        self._work.enqueue(session_id)

    async def close(self) -> None:
        """Begin nothing more, and give back the leases."""
        await self._work.close(within=_END_SECONDS)

    async def follow_requests(self) -> None:
        """Put each session of which the store says that somebody wants something."""
        async for session_id in self._store.notifier.subscribe("controller", about=("look",)):
            self.enqueue(session_id)

    async def follow_backend(self) -> None:
        """Put each session of which the backend says that something has changed."""
        async for ref in self._backend.changes():
            self.enqueue(ref.id)

    async def reconcile_when_due(self) -> None:
        """Put each session at the time that its row says."""
        while True:
            try:
                pause = await self._due()
            except RsparkhubError as error:
                log.error("What is due could not be seen: %s", error)
                pause = _LONGEST_SLEEP
            self._sooner.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):  # `wait_for` of Python 3.11 may lose a cancellation
                    await self._sooner.wait()

    async def _due(self) -> float:
        """Put what is due, and give the seconds until the next is."""
        room = self._work.room
        if not room:
            return 0.1
        for claimed in await self._claim_due(room):
            self._claims[claimed.session.id] = claimed
            if not self._work.enqueue(claimed.session.id):
                await self._give_back(self._claims.pop(claimed.session.id))
        following = await self._store.leases.next_claimable_at()
        if following is None:
            return _LONGEST_SLEEP
        return min(max(0.01, (following - self._clock()).total_seconds()), _LONGEST_SLEEP)

    async def _claim_due(self, room: int) -> list[Claimed]:
        """Take leases; when cancelled in between, give back those that were taken and would be nobody's."""
        claiming = asyncio.ensure_future(self._leases.claim_due(room))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            for claimed in await claiming:
                await self._give_back(claimed)
            raise

    async def _pass(self, session_id: str) -> None:
        claimed = self._claims.pop(session_id, None) or await self._leases.claim(session_id)
        if claimed is None:
            return
        try:
            async with self._leases.kept(claimed):
                done = await self._step(claimed.session)
        except LeaseLost:
            log.warning("The lease of %s was lost; another controller goes on from here.", session_id)
            return
        except BaseException:
            await self._give_back(claimed)
            raise
        if done.row is None:
            self._tell_gone(session_id)
        else:
            await self._save(claimed, done.row, done.requeue_after)

    async def _step(self, session: Session) -> Done:
        observed = Observed(phase="absent")
        if session.generation:
            observed = await self._backend.observe(EnsembleRef(session.id, session.generation))
        limits = self._limits(session)
        step = plan(session, observed, now=self._clock(), limits=limits)
        log.debug("%s.%s %s: %s", session.id, session.generation, session.state, type(step).__name__)
        return await self._steps.do(step, session, observed, grace=limits.grace)

    async def _save(self, claimed: Claimed, after: Session, requeue_after: timedelta | None) -> None:
        if not is_significant(claimed.session, after):
            after = claimed.session
        now = self._clock()
        next_reconcile_at = None if requeue_after is None else now + requeue_after
        if not await self._store.leases.save(
            claimed, after, holder=self._leases.holder, next_reconcile_at=next_reconcile_at, now=now
        ):
            log.warning("The lease of %s was lost before it was saved; another controller goes on from here.", after.id)
            return
        for told in self.on_saved:
            told(after)
        if requeue_after == NOW:
            self.enqueue(after.id)
        elif requeue_after is not None and requeue_after.total_seconds() < _LONGEST_SLEEP:
            self._sooner.set()

    async def _give_back(self, claimed: Claimed) -> None:
        """Give back the lease after a failure, so that the next try need not wait for its end."""
        now = self._clock()
        try:
            await self._store.leases.save(
                claimed, claimed.session, holder=self._leases.holder, next_reconcile_at=now + self._leases.lease, now=now
            )
        except RsparkhubError as error:  # then it runs out by itself
            log.warning("The lease of %s could not be given back: %s", claimed.session.id, error)

    def _tell_gone(self, session_id: str) -> None:
        for told in self.on_gone:
            told(session_id)

    def _limits(self, session: Session) -> Limits:
        return Limits(
            start_deadline=self._settings.start_deadline,
            grace=self.lifecycle(session).grace,
            resync=self._settings.sweep_every,
        )

    def lifecycle(self, session: Session) -> Lifecycle:
        """Give the lifecycle of a session's environment; the usual one when the catalog has lost it."""
        if session.kind == "service":
            return Lifecycle()
        try:
            return self._catalog.get(session.environment).spec.lifecycle
        except RsparkhubError:
            return Lifecycle()
