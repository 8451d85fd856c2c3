"""What sessions share is started on first use, shown while it starts, and kept."""

import json
import signal
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from session_sandbox import agent_of, behave

from rspark_contract.reading import JsonObject
from rspark_contract.specs import ComponentSpec
from rsparkhub.catalog import Catalog
from rsparkhub.controller.shared_services import Times
from rsparkhub.domain.environment import Resources, Scope, ServiceOptions
from rsparkhub.domain.session import State, Wanted
from rsparkhub.services.base import Account, Instance, Service, SessionConfig


@pytest.fixture
def database_kind() -> str:
    """What sessions share knows no database, so one is enough."""
    return "sqlite"


class Directory(Service[ServiceOptions]):
    """A service that the stand-in agent runs: it makes accounts, and remembers for whom."""

    name, title, description = "postgres", "PostgreSQL", "For tests."
    scopes: ClassVar[Mapping[Scope, str]] = {"shared": "one for all"}

    def __init__(self) -> None:
        self.admitted: list[tuple[str, str]] = []

    def instances(self) -> tuple[Instance, ...]:
        return (
            Instance(id="postgres", components=(ComponentSpec(name="postgres", title="PostgreSQL", command=("sleep", "1000")),)),
        )

    async def ensure_account(self, endpoint: JsonObject, account: Account) -> None:
        assert endpoint == {"host": "127.0.0.1", "port": 1}
        self.admitted.append((account.user, account.password))

    def session_config(
        self, options: ServiceOptions, *, resources: Resources, endpoint: JsonObject | None = None, account: Account | None = None
    ) -> SessionConfig:
        assert account is not None
        return SessionConfig(environ={"PGUSER": account.user})


@pytest.fixture
def directory(world) -> Directory:
    directory = Directory()
    world.services = {"postgres": directory}
    return directory


@pytest.fixture
def shared(world, directory: Directory) -> str:
    return world.add_environment("shared", services="{postgres: {scope: shared}}")


async def test_the_first_session_starts_the_service_and_shows_it(world, shared: str, directory: Directory) -> None:
    async with world.controller():
        first = await world.create(shared)
        running = await world.until(first, State.RUNNING)
        assert [(part.name, part.state) for part in running.components] == [("postgres", "ready"), ("interface", "ready")]
        service = await world.store.sessions.get("postgres")
        assert (service.kind, service.owner, service.state) == ("service", None, State.RUNNING)
        second = await world.create(shared)
        await world.until(second, State.RUNNING)
        assert (await world.store.sessions.get("postgres")).generation == 1
    shown = [
        (event.data["part"], event.data["state"]) for event in await world.store.events.since(first, 0) if event.kind == "part"
    ]
    assert shown[:2] == [("postgres", "starting"), ("interface", "waiting")]
    assert ("postgres", "ready") in shown
    password = (await world.store.accounts.get("ada", "postgres")).password
    assert set(directory.admitted) == {("ada", password)}


async def test_a_session_shows_why_the_first_start_of_a_service_takes_longer(world, shared: str, directory: Directory) -> None:
    why = "At its first start PostgreSQL makes its database files."
    behave(world.data)
    home = world.data / "services" / "postgres"
    home.mkdir(parents=True)
    (home / "behaviour.json").write_text(json.dumps({"slow": why}))
    async with world.controller():
        session_id = await world.create(shared)
        waiting = await world.when(session_id, lambda row: any(part.reason for part in row.components))
        assert [(part.name, part.state, part.reason) for part in waiting.components] == [
            ("postgres", "starting", why),
            ("interface", "waiting", None),
        ]
        assert waiting.reason is None
        (home / "quick").touch()
        running = await world.until(session_id, State.RUNNING)
        assert [part.reason for part in running.components] == [None, None]
    told = [event.data for event in await world.store.events.since(session_id, 0) if event.kind == "part"]
    assert ("postgres", "starting", why) in [(each["part"], each["state"], each["reason"]) for each in told]


async def test_a_service_needs_no_place_in_the_queue(world, shared: str, directory: Directory) -> None:
    world.with_settings(most_starting=1, most_running=1)
    async with world.controller():
        await world.until(await world.create(shared), State.RUNNING)


async def test_a_service_that_cannot_start_is_the_reason_of_the_session(world, shared: str, directory: Directory) -> None:
    behave(world.data)
    home = world.data / "services" / "postgres"
    home.mkdir(parents=True)
    (home / "behaviour.json").write_text('{"exits": 1}')
    async with world.controller():
        session_id = await world.create(shared)
        failed = await world.until(session_id, State.FAILED)
        assert failed.reason.startswith("PostgreSQL could not be started.")
        (home / "behaviour.json").unlink()
        await world.set_wanted(session_id, Wanted.RUNNING)
        await world.until(session_id, State.RUNNING)


async def test_a_service_that_fails_while_sessions_run_is_started_again(world, shared: str, directory: Directory) -> None:
    soon = timedelta(seconds=0.2)
    async with world.controller(service_times=Times(look=soon, shortest=soon)):
        await world.until(await world.create(shared), State.RUNNING)
        agent_of(world.data, "postgres.1").signal(signal.SIGKILL)
        await world.when("postgres", lambda row: row.state is State.RUNNING and row.generation == 2)


class Cluster(Directory):
    """A service of two instances, of which one says where it listens."""

    name, title = "cluster", "Cluster"

    def instances(self) -> tuple[Instance, ...]:
        command = ("sleep", "1000")
        head = ComponentSpec(name="cluster", title="Cluster", command=command)
        worker = ComponentSpec(name="worker", title="Worker", command=command)
        return (Instance(id="cluster-worker", components=(worker,)), Instance(id="cluster", components=(head,), cpu=4.0))


async def test_a_service_of_several_instances_is_there_when_each_of_them_runs(world) -> None:
    world.services = {"cluster": Cluster()}
    world.add_environment("wide", services="{cluster: {}}")
    behave(world.data)
    home = world.data / "services" / "cluster-worker"
    home.mkdir(parents=True)
    (home / "behaviour.json").write_text('{"exits": 1}')
    async with world.controller():
        session_id = await world.create("wide")
        failed = await world.until(session_id, State.FAILED)
        assert failed.reason.startswith("Cluster could not be started.")
        (home / "behaviour.json").unlink()
        await world.set_wanted(session_id, Wanted.RUNNING)
        running = await world.until(session_id, State.RUNNING)
        assert [component.name for component in running.components] == ["cluster", "interface"]
        for name in ("cluster", "cluster-worker"):
            row = await world.store.sessions.get(name)
            assert (row.state, row.is_service, row.name) == (State.RUNNING, True, "Cluster")
        assert [user for user, _ in world.services["cluster"].admitted] == ["ada"]


class Ordered(Cluster):
    """A cluster whose worker needs to know where the head is."""

    def instances(self) -> tuple[Instance, ...]:
        worker, head = super().instances()
        return (head, replace(worker, after="cluster"))


async def test_an_instance_that_needs_another_starts_after_it_and_is_told_where_the_service_listens(world) -> None:
    world.services = {"cluster": Ordered()}
    world.add_environment("wide", services="{cluster: {}}")
    async with world.controller():
        await world.until(await world.create("wide"), State.RUNNING)
        head, worker = [await world.store.sessions.get(name) for name in ("cluster", "cluster-worker")]
        assert head.ready <= worker.started
    [document] = world.data.rglob("cluster-worker/**/ensemble.json")
    [file] = json.loads(document.read_text())["files"]
    assert (file["path"], json.loads(file["content"])) == ("cluster.json", {"host": "127.0.0.1", "port": 1})


async def test_an_instance_waits_for_the_one_that_it_needs(world) -> None:
    world.services = {"cluster": Ordered()}
    await world.store.sessions.create("cluster-worker", kind="service", owner=None, environment="", name="W", now=world.now())
    async with world.controller():
        await world.until("cluster-worker", State.STARTING)
        await world.store.sessions.create("cluster", kind="service", owner=None, environment="", name="C", now=world.now())
        await world.until("cluster-worker", State.RUNNING)


async def test_a_service_that_this_version_lacks_is_said(world) -> None:
    world.add_environment("big", services="{cassandra: {scope: shared}}")
    (problem,) = Catalog(world.settings.environment_folders, world.schema()).problems()
    assert "spec.services.cassandra is not in this version; choose one of hdfs, hive, mapreduce, postgres, s3, spark." in problem
    async with world.controller():
        failed = await world.until(await world.create("big"), State.FAILED)
        assert failed.reason == "The environment big is no longer in the catalog. Ask your administrator for it."


async def test_a_row_of_a_service_that_is_gone_is_said(world) -> None:
    await world.store.sessions.create("cassandra", kind="service", owner=None, environment="", name="Cassandra", now=world.now())
    async with world.controller():
        failed = await world.until("cassandra", State.FAILED)
        assert failed.reason == "There is no service cassandra in this version. Ask your administrator for it."


class Tables(Directory):
    """A service that stands on `postgres`."""

    name, title = "tables", "Tables"
    needs = ("postgres",)

    def __init__(self) -> None:
        super().__init__()
        self.needed: list[Mapping[str, JsonObject]] = []

    def instances(self) -> tuple[Instance, ...]:
        return (Instance(id="tables", components=(ComponentSpec(name="tables", title="Tables", command=("sleep", "1000")),)),)

    async def ensure_account(self, endpoint: JsonObject, account: Account) -> None:
        self.needed.append(account.needed)


async def test_a_service_is_told_where_those_listen_that_it_needs(world, directory: Directory) -> None:
    tables = world.services["tables"] = Tables()
    behave(world.data)
    world.add_environment("both", services="{postgres: {scope: shared}, tables: {scope: shared}}")
    async with world.controller():
        await world.until(await world.create("both"), State.RUNNING)
    assert {"host": "127.0.0.1", "port": 1} in [each["postgres"] for each in tables.needed]
    assert all(set(each) == {"postgres"} for each in tables.needed)
    assert directory.admitted
