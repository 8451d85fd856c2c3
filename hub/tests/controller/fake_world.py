"""A controller on a clock that the test moves, and a backend in memory: days pass in milliseconds."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rspark_contract.http import Ending
from rspark_contract.record import How, Record
from rspark_contract.saved import Saved, SavedKernel
from rspark_contract.status import AgentState, AgentStatus, ComponentState, ComponentStatus
from rsparkhub.backends.base import Backend, EnsembleRef
from rsparkhub.builder import Builder
from rsparkhub.catalog import Catalog, Schema
from rsparkhub.controller.app import Controller
from rsparkhub.domain.backend import BackendTraits
from rsparkhub.domain.ensemble import EnsembleSpec, Observed
from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.session import Session, Wanted
from rsparkhub.installed.extensions import interfaces, services
from rsparkhub.services.base import AnyService
from rsparkhub.settings import Settings
from rsparkhub.store import Store

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SAVED = Saved(kernels=(SavedKernel(id="1", name="ir", language="R", objects=3),))
ABSENT = Observed(phase="absent")


class FakeClock:
    """A time that stands until the test moves it."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time


class FakeBackend(Backend):
    """Ensembles that are ready at once, and end when they are asked to."""

    def __init__(self) -> None:
        self.there: dict[EnsembleRef, Observed] = {}
        self.lost: set[str] = set()  # ids of sessions whose node doesn't answer
        self.changed: list[str] = []  # what a watch of the backend would say
        self.unstartable: dict[str, int] = {}  # id of a session → how many starts of it fail from now on

    def report(self, session_id: str, **status: object) -> None:
        """Have the agent of a session report this from now on, besides what it reports already."""
        for ref, observed in self.there.items():
            if ref.id == session_id and observed.status is not None:
                self.there[ref] = replace(observed, status=replace(observed.status, **status))  # type: ignore[arg-type]

    async def apply(self, spec: EnsembleSpec) -> None:
        ready = AgentStatus(state=AgentState.READY, address="127.0.0.1:4000", components=_endpoints(spec))
        started = Observed(phase="up", status=ready)
        if self.unstartable.get(spec.id, 0):
            self.unstartable[spec.id] -= 1
            started = Observed(phase="ended", code=1, reason="The disk is full.")
        self.there.setdefault(EnsembleRef(spec.id, spec.generation), started)
        self.changed.append(spec.id)

    def crash(self, session_id: str) -> None:
        """End a session or a service by force, as when its machine has no memory left."""
        for ref, observed in self.there.items():
            if ref.id == session_id and observed.phase == "up":
                self.there[ref] = Observed(phase="ended", signal=9)
                self.changed.append(ref.id)

    async def observe(self, ref: EnsembleRef) -> Observed:
        if ref.id in self.lost:
            await asyncio.sleep(0.2)
            raise Unavailable("The node does not answer.")
        return self.there.get(ref, ABSENT)

    async def list(self, *, session_id: str | None = None) -> list[EnsembleRef]:
        return sorted(ref for ref in self.there if session_id in (None, ref.id))

    async def end(self, ref: EnsembleRef, ending: Ending, grace: timedelta) -> None:
        how, saved = (How.SUSPENDED, SAVED) if ending == "suspend" else (How.STOPPED, None)
        self.there[ref] = Observed(phase="ended", code=0, record=Record(how=how, saved=saved, code=0))
        self.changed.append(ref.id)

    async def kill(self, ref: EnsembleRef) -> None:
        if ref in self.there and self.there[ref].phase != "ended":
            self.there[ref] = Observed(phase="ended", signal=9)

    async def remove(self, ref: EnsembleRef) -> None:
        self.there.pop(ref, None)

    async def log_tails(self, ref: EnsembleRef, *, most: int = 64 * 1024) -> dict[str, str]:
        return {}

    async def changes(self) -> AsyncIterator[EnsembleRef]:
        for ref in ():
            yield ref

    async def forget_session(self, session_id: str, *, user: str | None) -> None:
        pass

    async def remove_home(self, user: str, *, archive: Path | None) -> None:
        pass


def _endpoints(spec: EnsembleSpec) -> tuple[ComponentStatus, ...]:
    if not spec.is_service:
        return ()
    endpoint = {"host": "127.0.0.1", "port": 1}
    return (ComponentStatus(name=spec.service_name or spec.id, title="", state=ComponentState.READY, endpoint=endpoint),)


@dataclass(kw_only=True)
class FakeWorld:
    """A store, a clock, a backend, and one controller whose loops the test stands for."""

    store: Store
    settings: Settings
    clock: FakeClock = field(default_factory=FakeClock)
    backend: FakeBackend = field(default_factory=FakeBackend)
    services: Mapping[str, AnyService] = field(default_factory=services)

    def __post_init__(self) -> None:
        self.controller = self.another("one")

    def another(self, holder: str) -> Controller:
        """Return one more controller, as after a restart."""
        schema = Schema(interfaces=interfaces(), services=self.services, blocks={}, backend=BackendTraits(name="process"))
        catalog = Catalog(self.settings.environment_folders, schema)
        builder = Builder(interfaces=interfaces(), services=self.services, settings=self.settings)
        return Controller(
            store=self.store,
            backend=self.backend,
            catalog=catalog,
            builder=builder,
            settings=self.settings,
            clock=self.clock,
            holder=holder,
        )

    async def create(self, environment: str = "plain") -> str:
        session, _ = await self.store.sessions.create(owner="ada", environment=environment, name="mine", now=self.clock())
        return session.id

    async def get(self, session_id: str) -> Session:
        return await self.store.sessions.get(session_id)

    async def set_wanted(self, session_id: str, wanted: Wanted) -> None:
        await self.store.sessions.set_wanted(session_id, wanted, by="ada", now=self.clock())

    async def settle(self) -> None:
        """Do all that is due now."""
        for _ in range(100):
            await self.controller.reconciler.enqueue_due()
            await self.controller.reconciler.idle()
            changed, self.backend.changed = self.backend.changed, []
            for session_id in changed:
                self.controller.reconciler.enqueue(session_id)
            await self.controller.reconciler.idle()
            due = await self.store.leases.next_claimable_at()
            if not changed and (due is None or due > self.clock()):
                return
        raise AssertionError("there is no end to what is due")

    async def observe(self) -> None:
        """Observe what runs, as the watch does every few seconds, and do what that makes due."""
        rows = await self.store.sessions.list(live_only=True)
        self.controller.watch.swept(rows)
        await self.controller.watch.observe(rows)
        await self.controller.reconciler.idle()
        await self.settle()

    async def advance(self, **by: float) -> None:
        """Let time pass, and do each thing at the time that it is due."""
        until = self.clock() + timedelta(**by)
        while True:
            await self.settle()
            due = await self.store.leases.next_claimable_at()
            if due is None or due > until:
                self.clock.time = until
                return
            self.clock.time = due
