"""Runs all loops of the controller until it is asked to stop. Sessions go on without it."""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from rsparkhub.backends.base import Backend
from rsparkhub.builder import Builder
from rsparkhub.catalog import Catalog
from rsparkhub.controller.credentials import Credentials
from rsparkhub.controller.lease import Holder
from rsparkhub.controller.leaving import Leaving
from rsparkhub.controller.reconcile import Reconciler
from rsparkhub.controller.retention import Retention
from rsparkhub.controller.share import Share
from rsparkhub.controller.shared_services import SharedServices, Times
from rsparkhub.controller.steps import Steps
from rsparkhub.controller.sweep import Sweep
from rsparkhub.domain.session import Session
from rsparkhub.settings import Settings
from rsparkhub.store import Store

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 2.0


def utc_now() -> datetime:
    return datetime.now(UTC)


class Controller:
    """Makes what runs equal what is wanted. Any number of controllers may share a store and a backend."""

    def __init__(
        self,
        *,
        store: Store,
        backend: Backend,
        catalog: Catalog,
        builder: Builder,
        settings: Settings,
        clock: Callable[[], datetime] = utc_now,
        holder: str | None = None,
        service_times: Times = Times(),  # noqa: B008  frozen
    ) -> None:
        holder = holder or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        leases = Holder(store=store, holder=holder, lease=settings.lease, clock=clock)
        self.share = Share(store=store, holder=leases, clock=clock)
        self.services = SharedServices(store=store, services=builder.services, clock=clock, times=service_times)
        steps = Steps(
            store=store,
            backend=backend,
            catalog=catalog,
            services=self.services,
            builder=builder,
            settings=settings,
            clock=clock,
        )
        self.reconciler = Reconciler(
            store=store,
            backend=backend,
            catalog=catalog,
            settings=settings,
            holder=leases,
            share=self.share,
            steps=steps,
            clock=clock,
        )
        self.watch = self.reconciler.watch
        self.sweep = Sweep(
            store=store,
            backend=backend,
            enqueue=self.reconciler.enqueue,
            swept=self.watch.swept,
            differs=self.watch.differs,
            every=settings.sweep_every,
            most_starting=settings.starting_slots,
        )
        self.retention = Retention(store=store, events_kept=settings.events_kept, clock=clock)
        self.leaving = Leaving(
            store=store, backend=backend, services=builder.services, archives=settings.data.absolute() / "archive"
        )
        self.credentials = Credentials(store=store, services=builder.services, clock=clock)
        self.reconciler.on_saved.append(self._saved)

    def _saved(self, row: Session) -> None:
        for session_id in self.services.waiting_for(row):
            self.reconciler.enqueue(session_id)

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; then give back the leases and return."""
        loops = [
            asyncio.create_task(_restarted(loop), name=loop.__qualname__)
            for loop in (
                self.reconciler.follow_requests,
                self.reconciler.follow_backend,
                self.reconciler.reconcile_when_due,
                self.sweep.run,
                self.watch.run,
                self.watch.run_under_way,
                self.share.run,
                self.retention.run,
                self.services.run,
                self.leaving.run,
                self.credentials.run,
            )
        ]
        log.info("The controller runs.")
        try:
            await stop.wait()
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self.reconciler.close()
            await self.share.leave()
            log.info("The controller has stopped; sessions go on.")


async def _restarted(loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop, and begin again after a pause when it fails: one that is gone would be missed by nobody."""
    while True:
        try:
            await loop()
        except Exception:
            log.exception("%s failed and begins again.", loop.__qualname__)
        await asyncio.sleep(_PAUSE_SECONDS)
