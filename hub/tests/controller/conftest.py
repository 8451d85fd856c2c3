"""A controller on a store and a process backend of its own, whose sessions run the stand-in agent."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "backends"))
sys.path.insert(0, str(Path(__file__).parent))

from session_sandbox import backend, data, notify_dir, session_python

from rsparkhub.backends.process.backend import ProcessBackend
from rsparkhub.builder import Builder
from rsparkhub.catalog import Catalog, Schema
from rsparkhub.controller.app import Controller
from rsparkhub.domain.backend import BackendTraits
from rsparkhub.domain.errors import NotFound
from rsparkhub.domain.session import Session, Sleep, State, Wanted
from rsparkhub.installed.extensions import interfaces, services
from rsparkhub.services.base import AnyService
from rsparkhub.settings import Settings
from rsparkhub.store import Store

__all__ = ["backend", "data", "notify_dir", "session_python"]

ENVIRONMENT = """
apiVersion: rsparkhub/v1
kind: Environment
metadata: {{name: {name}, title: {name}}}
spec:
  interface: terminal
  services: {services}
  lifecycle: {{idle: {idle}, suspended: {suspended}, longest: {longest}, grace: {grace}}}
"""


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    folder = tmp_path / "environments"
    folder.mkdir()
    add_environment(folder, "plain")
    return folder


@pytest.fixture
def write_environment(environments: Path) -> Callable[..., None]:
    """Write an environment file, by name and what is unlike the usual."""
    return partial(add_environment, environments)


def add_environment(folder: Path, name: str, **more: str) -> None:
    values = {"services": "{}", "idle": "2h", "suspended": "7d", "longest": "24h", "grace": "20s"} | more
    (folder / f"{name}.yaml").write_text(ENVIRONMENT.format(name=name, **values))


@pytest.fixture
def settings(data: Path, environments: Path, store_url: str) -> Settings:
    return Settings(
        data=data,
        store_url=store_url,
        environments=(environments,),
        lease=timedelta(seconds=3),
        look_every=timedelta(seconds=0.5),
        sweep_every=timedelta(seconds=2),
    )


@dataclass(kw_only=True)
class World:
    """All that a test of the controller acts upon."""

    store: Store
    backend: ProcessBackend
    settings: Settings
    data: Path
    environments: Path
    services: Mapping[str, AnyService] = field(default_factory=services)

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def person(self, name: str = "ada") -> str:
        await self.store.users.add(name, now=self.now())
        return name

    async def create(self, environment: str = "plain", owner: str = "ada") -> str:
        session, _ = await self.store.sessions.create(owner=owner, environment=environment, name="mine", now=self.now())
        return session.id

    async def set_wanted(self, session_id: str, wanted: Wanted, sleep: Sleep = Sleep.KEPT) -> None:
        await self.store.sessions.set_wanted(session_id, wanted, by="ada", sleep=sleep, now=self.now())

    async def until(self, session_id: str, *states: State, seconds: float = 40) -> Session:
        """Wait until the row says one of these states."""
        return await self.when(session_id, lambda row: row.state in states, seconds=seconds)

    async def when(self, session_id: str, good: Callable[[Session], bool], *, seconds: float = 40) -> Session:
        try:
            async with asyncio.timeout(seconds):
                while not good(row := await self.store.sessions.get(session_id)):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"after {seconds} s the row is {row}") from None
        return row

    async def until_gone(self, session_id: str) -> None:
        """Wait until there is no row any more."""
        with pytest.raises(NotFound):
            await self.when(session_id, lambda row: False)

    async def until_nothing_is_left(self) -> None:
        """Wait until the backend has nothing of any session; that comes after the row says that it has ended."""
        async with asyncio.timeout(40):
            while await self.backend.list():
                await asyncio.sleep(0.02)

    async def states(self, session_id: str) -> list[str]:
        """Give the states that a session has gone through."""
        events = await self.store.events.since(session_id, 0)
        return [event.data["state"] for event in events if event.kind == "state"]

    def with_settings(self, **more: object) -> None:
        self.settings = self.settings.model_copy(update=more)

    def add_environment(self, name: str, **more: str) -> str:
        add_environment(self.environments, name, **more)
        return name

    def schema(self) -> Schema:
        return Schema(interfaces=interfaces(), services=self.services, blocks={}, backend=BackendTraits(name="process"))

    @asynccontextmanager
    async def controller(self, **more: object) -> AsyncIterator[Controller]:
        """Run a controller inside of this."""
        controller = Controller(
            store=self.store,
            backend=self.backend,
            catalog=Catalog(self.settings.environment_folders, self.schema()),
            builder=Builder(interfaces=interfaces(), services=self.services, settings=self.settings),
            settings=self.settings,
            **more,  # type: ignore[arg-type]
        )
        stop = asyncio.Event()
        running = asyncio.create_task(controller.run(stop))
        try:
            yield controller
        finally:
            stop.set()
            await asyncio.wait_for(running, 20)


@pytest.fixture
async def world(store: Store, backend: ProcessBackend, settings: Settings, data: Path, environments: Path) -> World:
    world = World(store=store, backend=backend, settings=settings, data=data, environments=environments)
    await world.person()
    return world
