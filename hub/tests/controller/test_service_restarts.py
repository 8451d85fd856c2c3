"""A shared service that ends is waited for, on a clock that the test moves; one that can't be started is the reason."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import ClassVar

import pytest
from fake_world import FakeWorld

from rspark_contract.reading import JsonObject
from rspark_contract.specs import ComponentSpec
from rsparkhub.domain.environment import Resources, Scope, ServiceOptions
from rsparkhub.domain.errors import CannotStart, Unavailable
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.services.base import Account, Instance, Service, SessionConfig
from rsparkhub.settings import Settings
from rsparkhub.store import Store


class Directory(Service[ServiceOptions]):
    """A service whose accounts fail as the test says."""

    name, title, description = "directory", "Directory", "For tests."
    scopes: ClassVar[Mapping[Scope, str]] = {"shared": "one for all"}

    def __init__(self) -> None:
        self.fails: list[Exception] = []
        self.asked = 0

    def instances(self) -> tuple[Instance, ...]:
        command = ComponentSpec(name="directory", title="Directory", command=("sleep", "1000"))
        return (Instance(id="directory", components=(command,)),)

    async def ensure_account(self, endpoint: JsonObject, account: Account) -> None:
        self.asked += 1
        if self.fails:
            raise self.fails.pop(0)

    def session_config(
        self, options: ServiceOptions, *, resources: Resources, endpoint: JsonObject | None = None, account: Account | None = None
    ) -> SessionConfig:
        return SessionConfig()


@pytest.fixture
def database_kind() -> str:
    """What sessions share knows no database, so one is enough."""
    return "sqlite"


@pytest.fixture
def directory() -> Directory:
    return Directory()


@pytest.fixture
async def fake(store: Store, settings: Settings, directory: Directory, write_environment: Callable[..., None]) -> FakeWorld:
    write_environment("shared", services="{directory: {scope: shared}}", idle="7d", longest="30d")
    world = FakeWorld(store=store, settings=settings, services={"directory": directory})
    await store.users.add("ada", now=world.clock())
    return world


async def running(fake: FakeWorld) -> str:
    session_id = await fake.create("shared")
    await fake.settle()
    assert (await fake.get(session_id)).state is State.RUNNING
    return session_id


def service_of(session: Session) -> tuple[str, str | None]:
    (found,) = [component for component in session.components if component.name == "directory"]
    return found.state.value, found.reason


async def test_a_session_that_starts_while_the_service_ends_waits_until_it_is_back(fake: FakeWorld) -> None:
    await running(fake)
    fake.backend.lost.add("directory")  # nothing is observed of it yet
    fake.backend.crash("directory")
    starting = await fake.create("shared")
    directory = fake.controller.services._services["directory"]
    directory.fails = [Unavailable("Directory does not answer at the moment.")] * 2
    await fake.controller.reconciler.enqueue_due()
    await fake.controller.reconciler.idle()
    waiting = await fake.get(starting)
    assert (waiting.state, waiting.reason) == (State.STARTING, "Directory does not answer at the moment.")
    fake.backend.lost.clear()
    await fake.advance(seconds=10)
    assert (await fake.get(starting)).state is State.RUNNING
    assert (await fake.get(starting)).reason is None
    assert (await fake.get("directory")).generation == 2


@pytest.mark.parametrize("asked", ["started", "resumed"])
async def test_a_service_that_fails_after_a_session_asked_for_it_is_restarted_for_it(fake: FakeWorld, asked: str) -> None:
    session_id = await running(fake)
    await fake.set_wanted(session_id, Wanted.SUSPENDED)
    await fake.settle()
    directory = fake.controller.services._services["directory"]
    directory.fails = [ConnectionRefusedError("it is ending")] * 3
    if asked == "resumed":
        await fake.set_wanted(session_id, Wanted.RUNNING)
    else:
        session_id = await fake.create("shared")
    await fake.settle()
    assert service_of(await fake.get(session_id)) == ("starting", "Directory does not answer at the moment.")
    fake.backend.crash("directory")
    await fake.settle()
    row = await fake.get(session_id)
    assert row.state in (State.STARTING, State.RESUMING)
    assert row.reason in (
        "Directory is restarting. This session starts as soon as it is back.",
        "Directory does not answer at the moment.",
    )
    await fake.advance(seconds=10)
    row = await fake.get(session_id)
    assert (row.state, row.reason) == (State.RUNNING, None)
    assert service_of(row)[0] == "ready"
    assert "failed" not in [
        event.data["state"] for event in await fake.store.events.since(session_id, 0) if event.kind == "state"
    ]


async def test_a_service_whose_first_start_fails_is_tried_once_more(fake: FakeWorld) -> None:
    fake.backend.unstartable["directory"] = 1
    session_id = await fake.create("shared")
    await fake.settle()
    assert (await fake.get(session_id)).reason == "Directory is restarting. This session starts as soon as it is back."
    await fake.advance(seconds=5)
    assert (await fake.get(session_id)).state is State.RUNNING


async def test_a_service_that_cant_be_started_is_the_reason_before_the_start_takes_too_long(fake: FakeWorld) -> None:
    fake.backend.unstartable["directory"] = 99
    session_id = await fake.create("shared")
    await fake.advance(seconds=20)
    row = await fake.get(session_id)
    assert row.state is State.FAILED
    assert (row.reason or "").startswith("Directory could not be started. The disk is full.")
    assert fake.backend.unstartable["directory"] == 97


@pytest.mark.long
async def test_an_account_that_fails_for_a_while_is_waited_for_until_the_start_takes_too_long(
    fake: FakeWorld, directory: Directory
) -> None:
    directory.fails = [Unavailable("Directory has no room for an account.")] * 10**6
    session_id = await fake.create("shared")
    await fake.advance(seconds=30)
    waiting = await fake.get(session_id)
    assert (waiting.state, waiting.reason) == (State.STARTING, "Directory has no room for an account.")
    await fake.advance(seconds=fake.settings.start_deadline.total_seconds())
    failed = await fake.get(session_id)
    assert failed.state is State.FAILED
    assert (failed.reason or "").startswith("Directory has no room for an account.")


async def test_an_account_that_there_can_never_be_fails_the_session_at_once(fake: FakeWorld, directory: Directory) -> None:
    directory.fails = [CannotStart("Directory takes nobody of this name.")]
    session_id = await fake.create("shared")
    await fake.settle()
    failed = await fake.get(session_id)
    assert (failed.state, failed.reason, directory.asked) == (State.FAILED, "Directory takes nobody of this name.", 1)


async def test_a_service_that_fails_while_sessions_run_is_started_again_after_a_pause_that_grows(fake: FakeWorld) -> None:
    await running(fake)
    times = fake.controller.services._times
    for number, pause in enumerate((times.shortest, 2 * times.shortest, 4 * times.shortest), start=1):
        fake.backend.unstartable["directory"] = 99
        fake.backend.crash("directory")
        await fake.settle()
        assert (await fake.get("directory")).state is State.FAILED
        await fake.controller.services.mend()
        fake.clock.time += pause - timedelta(seconds=1)
        await fake.controller.services.mend()
        assert (await fake.get("directory")).state is State.FAILED
        fake.clock.time += timedelta(seconds=1)
        await fake.controller.services.mend()
        await fake.settle()
        assert (await fake.get("directory")).generation == number + 1
