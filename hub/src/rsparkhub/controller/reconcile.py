"""Takes one session one step further: claim it, observe, plan, do, save.

Whatever says that a session may have something to do only enqueues its id; nothing is decided from a message. So a lost message
costs time, and never a session.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from rsparkhub import log_context
from rsparkhub.backends.base import Backend, EnsembleRef
from rsparkhub.catalog import Catalog
from rsparkhub.controller.batch import Batch
from rsparkhub.controller.lease import Holder, LeaseLost
from rsparkhub.controller.share import Share
from rsparkhub.controller.steps import Done, Steps, with_secret
from rsparkhub.controller.watch import Watch
from rsparkhub.controller.work_queue import WorkQueue
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.errors import RsparkhubError
from rsparkhub.domain.observation import is_significant
from rsparkhub.domain.plan import NOW, Admit, Limits, Step, plan
from rsparkhub.domain.session import Session
from rsparkhub.settings import Settings
from rsparkhub.store import Claimed, Store

log = logging.getLogger(__name__)

#: Sessions that one controller works on at the same time. They mostly wait for the backend.
MOST_AT_WORK = 64
#: While something is under way, the watch observes it this often without a reason.
UNDER_WAY = timedelta(seconds=2)

_ABSENT = Observed(phase="absent")
_LONGEST_PAUSE = 5.0  # seconds after which the store is asked for what is due, whatever was notified
_END_SECONDS = 5.0


class Reconciler:
    """Works on sessions. `on_saved` is called with each row that was saved, `on_gone` with the id of each that was deleted."""

    def __init__(
        self,
        *,
        store: Store,
        backend: Backend,
        catalog: Catalog,
        settings: Settings,
        holder: Holder,
        share: Share,
        steps: Steps,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._backend = backend
        self._catalog = catalog
        self._settings = settings
        self._holder = holder
        self._share = share
        self._steps = steps
        self._clock = clock
        self._work = WorkQueue(self._pass, most=MOST_AT_WORK, on_free_slot=self._check_due)
        self._admissions: Batch[tuple[Claimed, Session], Claimed | None] = Batch(self._admit)
        self._claims: dict[str, Claimed] = {}
        self._rows_may_differ: set[str] = set()
        self._sooner = asyncio.Event()
        self.watch = Watch(
            backend=backend,
            share=share,
            enqueue=self._enqueue_unless_at_work,
            limits=self.limits,
            clock=clock,
            every=settings.look_every,
            every_under_way=min(UNDER_WAY, settings.look_every),
        )
        self.on_saved: list[Callable[[Session], None]] = [self.watch.saved]
        self.on_gone: list[Callable[[str], None]] = [self.watch.gone]

    def enqueue(self, session_id: str) -> None:
        """Have a session worked on: its row may say something new."""
        self._rows_may_differ.add(session_id)
        self._work.enqueue(session_id)

    def _enqueue_unless_at_work(self, session_id: str) -> None:
        """Have a session worked on of which the watch saw something new: not where that comes of the work under way."""
        if session_id not in self._work:
            self.enqueue(session_id)

    async def close(self) -> None:
        """Begin nothing more, and give back the leases."""
        await self._work.close(within=_END_SECONDS)

    async def follow_requests(self) -> None:
        """Enqueue each session of which the store says that somebody asked something."""
        async for session_id in self._store.notifier.subscribe("controller", about=("look",)):
            self.enqueue(session_id)

    async def follow_backend(self) -> None:
        """Enqueue each session of which the backend says that something has changed, for the controller that watches it."""
        async for ref in self._backend.changes():
            if self.watch.row(ref.id) is not None:
                self._work.enqueue(ref.id, under_way=True)
            elif ref.id in self._share:
                self.enqueue(ref.id)

    async def reconcile_when_due(self) -> None:
        """Enqueue each session at the time that its row says."""
        while True:
            self._sooner.clear()
            try:
                pause = await self.enqueue_due()
            except RsparkhubError as error:
                log.error("What is due could not be read: %s", error)
                pause = _LONGEST_PAUSE
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):  # `wait_for` of Python 3.11 may lose a cancellation
                    await self._sooner.wait()

    async def enqueue_due(self) -> float | None:
        """Enqueue what is due.

        Returns
        -------
        The seconds until the next is due; None when this controller can work on no more: then `on_free_slot` wakes it.
        """
        while slots := self._work.free_slots:
            due = await self._store.leases.next_claimable_at()
            if due is None:
                return _LONGEST_PAUSE
            if due > self._clock():
                return min((due - self._clock()).total_seconds(), _LONGEST_PAUSE)
            claimed_now = await self._claim_due(slots)
            for claimed in claimed_now:
                self._claims[claimed.session.id] = claimed
                if not self._work.enqueue(claimed.session.id):
                    await self._give_back(self._claims.pop(claimed.session.id))
            if not claimed_now:  # another controller was faster
                return _LONGEST_PAUSE
        return None

    async def idle(self) -> None:
        """Wait until nothing is at work, and nothing waits for it."""
        await self._work.idle()

    def _check_due(self) -> None:
        self._sooner.set()

    async def _claim_due(self, slots: int) -> list[Claimed]:
        """Take leases; when cancelled in between, give back those that were taken and would be nobody's."""
        claiming = asyncio.ensure_future(self._holder.claim_due(slots))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            for claimed in await claiming:
                await self._give_back(claimed)
            raise

    async def _pass(self, session_id: str) -> None:
        """Do what there is to do for a session; ask the store nothing where it only waits for what was observed before."""
        claimed, watched, observed = self._claims.pop(session_id, None), self.watch.row(session_id), None
        row_may_differ = session_id in self._rows_may_differ
        self._rows_may_differ.discard(session_id)
        try:
            if claimed is None and watched is not None and not row_may_differ:
                observed = await self._observe(watched)
                if not self.watch.differs(watched, observed):
                    return
            claimed = claimed or await self._holder.claim(session_id)
            if claimed is not None:
                await self._reconcile(claimed, observed if claimed.session == watched else None)
        except BaseException:
            if row_may_differ:
                self._rows_may_differ.add(session_id)
            raise

    async def _reconcile(self, claimed: Claimed, observed: Observed | None) -> None:
        log_context.bind(user=claimed.session.owner, session=claimed.session.id)  # for the task of this pass
        try:
            async with self._holder.renewed(claimed):
                observed = observed or await self._observe(claimed.session)
                step = self._plan(claimed.session, observed)
                if isinstance(step, Admit):
                    admitted = await self._admissions.add((claimed, with_secret(step.after)))
                    if admitted is None:  # the queue makes it due when there is a slot for it
                        return
                    claimed, observed = admitted, _ABSENT
                    self._call_saved(claimed.session)
                    step = self._plan(claimed.session, observed)
                done = await self._steps.do(step, claimed.session, observed, grace=self.lifecycle(claimed.session).grace)
        except LeaseLost:
            log.warning("The lease of %s was lost; another controller goes on from here.", claimed.session.id)
            return
        except BaseException:
            await self._give_back(claimed)
            raise
        if done.row is None:
            for callback in self.on_gone:
                callback(claimed.session.id)
        else:
            await self._save(claimed, done.row, done)

    async def _observe(self, session: Session) -> Observed:
        if not session.generation:
            return _ABSENT
        return await self._backend.observe(EnsembleRef(session.id, session.generation))

    def _plan(self, session: Session, observed: Observed) -> Step:
        step = plan(session, observed, now=self._clock(), limits=self.limits(session))
        log.debug("%s.%s %s: %s", session.id, session.generation, session.state, type(step).__name__)
        return step

    async def _admit(self, starts: list[tuple[Claimed, Session]]) -> list[Claimed | None]:
        admitted = await self._store.queue.admit(
            starts,
            holder=self._holder.holder,
            now=self._clock(),
            most_running=self._settings.most_running,
            most_starting=self._settings.starting_slots,
        )
        return [admitted.get(claimed.session.id) for claimed, _ in starts]

    async def _save(self, claimed: Claimed, after: Session, done: Done) -> None:
        if not is_significant(claimed.session, after):
            after = claimed.session
        now = self._clock()
        if not await self._store.leases.save(
            claimed,
            after,
            holder=self._holder.holder,
            next_reconcile_at=None if done.requeue_after is None else now + done.requeue_after,
            now=now,
            wanted=done.wanted,
            sleep=done.sleep,
            reason=done.reason,
        ):
            log.warning("The lease of %s was lost before it was saved; another controller goes on from here.", after.id)
            return
        self._call_saved(after)
        if done.requeue_after == NOW:
            self.enqueue(after.id)
        elif done.requeue_after is not None and done.requeue_after.total_seconds() < _LONGEST_PAUSE:
            self._sooner.set()

    async def _give_back(self, claimed: Claimed) -> None:
        """Give back the lease after a failure, so that the next try need not wait for its end."""
        now = self._clock()
        try:
            await self._store.leases.save(
                claimed, claimed.session, holder=self._holder.holder, next_reconcile_at=now + self._holder.lease, now=now
            )
        except RsparkhubError as error:  # then it runs out by itself
            log.warning("The lease of %s could not be given back: %s", claimed.session.id, error)

    def _call_saved(self, row: Session) -> None:
        for callback in self.on_saved:
            callback(row)

    def limits(self, session: Session) -> Limits:
        """Return how long things may take for a session."""
        return Limits(
            start_deadline=self._settings.start_deadline,
            lifecycle=self.lifecycle(session),
            poll=self._settings.lease,
            resync=self._settings.sweep_every,
        )

    def lifecycle(self, session: Session) -> Lifecycle:
        """Return the lifecycle of a session's environment; the usual one when the catalog has lost it."""
        if session.is_service:
            return Lifecycle()
        try:
            return self._catalog.get(session.environment).spec.lifecycle
        except RsparkhubError:
            return Lifecycle()
