"""What is asked of people who leave is brought about, whenever that becomes possible."""

import asyncio
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rspark_contract.reading import JsonObject
from rsparkhub.backends.process import homes
from rsparkhub.controller.leaving import Leaving
from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.session import State
from rsparkhub.domain.user import Data
from rsparkhub.services.base import Account, Instance, Service
from rsparkhub.store import Store

ENDPOINT: JsonObject = {"host": "127.0.0.1", "port": 1}


class Server(Service[Any]):
    """A stand-in for a service with accounts, which is up or down; it follows `Service` and remembers what it was asked."""

    name, title, description = "postgres", "PostgreSQL", "For tests."

    def __init__(self) -> None:
        self.up = True
        self.held: dict[str, asyncio.Event] = {}  # what goes on until its event is set
        self.did: list[tuple[str, ...]] = []

    async def _hold(self, what: str) -> None:
        if what in self.held:
            await self.held[what].wait()

    def instances(self) -> tuple[Instance, ...]:
        return (Instance(id="postgres", components=()),)

    def _do(self, *what: str) -> None:
        if not self.up:
            raise Unavailable("PostgreSQL is down.")
        self.did.append(what)

    async def ensure_account(self, endpoint: JsonObject, account: Account) -> None:
        self._do("open", account.user, account.password)

    async def close_account(self, endpoint: JsonObject, *, user: str) -> None:
        self._do("close", user)
        await self._hold(f"close {user}")

    async def remove_account(self, endpoint: JsonObject, *, user: str, archive: Path | None) -> None:
        self._do("remove", user, archive.name if archive else "")
        await self._hold(f"remove {user}")

    async def remove_group(self, endpoint: JsonObject, *, group: str, archive: Path | None) -> None:
        self._do("remove group", group, archive.name if archive else "")


class Backend:
    """The part of a backend that is asked here, on real folders."""

    def __init__(self, data: Path) -> None:
        self._data = data

    async def remove_home(self, user: str, *, archive: Path | None) -> None:
        homes.remove(self._data / "homes" / user, archive=archive, trash=self._data / "trash")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def leaving(store: Store, server: Server, tmp_path: Path) -> Leaving:
    backend: Any = Backend(tmp_path)
    return Leaving(store=store, backend=backend, services={"postgres": server}, archives=tmp_path / "archive")


@pytest.fixture
async def ada(store: Store, tmp_path: Path, noon: datetime) -> str:
    """Ada's account, and a file in her home."""
    await store.users.add("root", admin=True, now=noon)
    person_id = (await store.users.add("ada", now=noon)).id
    home = tmp_path / "homes" / person_id
    home.mkdir(parents=True)
    (home / "work.R").write_text("1 + 1")
    (home / "link").symlink_to("/etc/passwd")
    return (await store.accounts.get(person_id, "postgres")).password


async def service_is(store: Store, state: State, now: datetime) -> None:
    await store.sessions.create("postgres", kind="service", owner=None, environment="", name="PostgreSQL", now=now)
    claimed = await store.leases.claim_one("postgres", holder="test", now=now, lease=timedelta(seconds=15))
    assert claimed is not None
    after = replace(claimed.session, state=state, endpoints={"postgres": ENDPOINT} if state is State.RUNNING else {})
    assert await store.leases.save(claimed, after, holder="test", next_reconcile_at=None, now=now)


@pytest.mark.parametrize(
    ("data", "did"),
    [
        (Data.KEEP, [("close", "ada")]),
        (Data.DELETE, [("close", "ada"), ("remove", "ada", "")]),
        (Data.ARCHIVE, [("close", "ada"), ("remove", "ada", "ada")]),
    ],
)
async def test_a_removed_person_s_account_is_seen_to_when_the_service_is_back(
    store: Store, leaving: Leaving, server: Server, ada: str, noon: datetime, data: Data, did: list[tuple[str, ...]]
) -> None:
    await store.users.remove("ada", data=data, now=noon)
    await leaving.look()  # the service was never started: nobody signs in there
    await service_is(store, State.STARTING, noon)
    await leaving.look()
    assert server.did == []
    await service_is(store, State.RUNNING, noon)
    server.up = False
    await leaving.look()
    assert server.did == []
    server.up = True
    await leaving.look()
    await leaving.look()
    assert server.did == did
    assert await store.accounts.behind() == []


@pytest.mark.parametrize(
    ("data", "did"),
    [
        (Data.KEEP, []),
        (Data.DELETE, [("remove group", "lab.2", "")]),
        (Data.ARCHIVE, [("remove group", "lab.2", "group.lab.2")]),
    ],
)
async def test_what_a_removed_group_has_is_seen_to_when_the_service_is_back(
    store: Store, leaving: Leaving, server: Server, ada: str, noon: datetime, data: Data, did: list[tuple[str, ...]]
) -> None:
    await store.users.add_group("lab", now=noon)
    await store.users.remove_group("lab", now=noon)
    await store.users.add_group("lab", now=noon)
    await store.users.remove_group("lab", data=data, now=noon)
    await service_is(store, State.RUNNING, noon)
    server.up = False
    await leaving.look()
    server.up = True
    await leaving.look()
    await leaving.look()
    assert server.did == did
    assert await store.accounts.behind() == []
    await store.left_groups.discard("lab", Data.DELETE)  # that of before is another one, and was kept
    await leaving.look()
    assert server.did == [*did, ("remove group", "lab", "")]


async def test_who_is_disabled_and_enabled_is_let_out_and_in(
    store: Store, leaving: Leaving, server: Server, ada: str, noon: datetime
) -> None:
    await service_is(store, State.RUNNING, noon)
    await store.users.disable("ada", now=noon)
    await leaving.look()
    await store.users.enable("ada")
    await leaving.look()
    assert server.did == [("close", "ada"), ("open", "ada", ada)]


@pytest.mark.parametrize("data", list(Data))
async def test_the_home_is_kept_archived_or_deleted(
    store: Store, leaving: Leaving, tmp_path: Path, ada: str, noon: datetime, data: Data
) -> None:
    await store.users.remove("ada", data=data, now=noon)
    await leaving.look()
    await leaving.look()
    home, archive = tmp_path / "homes" / "ada", tmp_path / "archive" / "ada" / "home.tar.gz"
    assert home.exists() is (data is Data.KEEP)
    assert archive.exists() is (data is Data.ARCHIVE)
    if data is Data.ARCHIVE:
        assert archive.stat().st_mode & 0o777 == 0o600
        with tarfile.open(archive) as tar:
            assert sorted(tar.getnames()) == ["home", "home/link", "home/work.R"]
            assert tar.getmember("home/link").issym()  # and not what it leads to
    assert await store.people.left_homes() == []


async def test_what_was_kept_is_archived_when_somebody_asks_for_that_later(
    store: Store, leaving: Leaving, server: Server, tmp_path: Path, ada: str, noon: datetime
) -> None:
    await service_is(store, State.RUNNING, noon)
    await store.users.remove("ada", now=noon)
    await leaving.look()
    await store.people.discard("ada", Data.ARCHIVE)
    await leaving.look()
    assert server.did == [("close", "ada"), ("remove", "ada", "ada")]
    assert (tmp_path / "archive" / "ada" / "home.tar.gz").exists()
    assert not (tmp_path / "homes" / "ada").exists()
    assert await store.people.left_data() == []


async def test_a_later_person_of_the_name_has_an_account_and_a_home_of_their_own(
    store: Store, leaving: Leaving, server: Server, ada: str, noon: datetime
) -> None:
    await service_is(store, State.RUNNING, noon)
    await store.users.remove("ada", now=noon)
    second = await store.users.add("ada", now=noon)
    account = await store.accounts.get(second.id, "postgres")
    assert (account.owner, account.wanted) == ("ada.2", "open")
    assert account.password != ada
    await leaving.look()
    assert server.did == [("close", "ada")]


async def test_what_fails_is_tried_again_later_and_holds_up_nothing_else(
    store: Store, leaving: Leaving, server: Server, ada: str, tmp_path: Path, noon: datetime
) -> None:
    await service_is(store, State.RUNNING, noon)
    await store.users.remove("ada", data=Data.DELETE, now=noon)
    server.up = False
    for number in range(8):
        await leaving.look(number)
    assert not (tmp_path / "homes" / "ada").exists()
    server.up = True
    for number in range(8, 80):
        await leaving.look(number)
    assert server.did == [("close", "ada"), ("remove", "ada", "")]


@asynccontextmanager
async def running(leaving: Leaving) -> AsyncIterator[None]:
    """Let it look every second, as a controller does."""
    task = asyncio.create_task(leaving.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def comes_to(server: Server, *did: tuple[str, ...]) -> None:
    async with asyncio.timeout(60):
        while not set(did) <= set(server.did):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("held", ["remove bob", "close bob"])
async def test_nobody_s_right_outlives_what_takes_long_for_somebody_else(
    store: Store, leaving: Leaving, server: Server, ada: str, noon: datetime, held: str
) -> None:
    """A home of gigabytes that is archived, or a role that PostgreSQL can't close while something is locked."""
    await service_is(store, State.RUNNING, noon)
    bob = await store.users.add("bob", now=noon)
    await store.accounts.get(bob.id, "postgres")
    server.held[held] = asyncio.Event()
    async with running(leaving):
        await store.users.remove("bob", data=Data.ARCHIVE, now=noon)
        await comes_to(server, ("remove", "bob", "bob") if held == "remove bob" else ("close", "bob"))
        await store.users.disable("ada", now=noon)
        await comes_to(server, ("close", "ada"))
        assert ("close", "bob") in server.did, "who is removed is let out before what they have is archived"
        server.held[held].set()
        await comes_to(server, ("remove", "bob", "bob"))
    assert len(server.did) == len(set(server.did)), "what is under way is not begun again"


async def test_who_is_let_out_waits_for_no_failure_of_before(
    store: Store, leaving: Leaving, server: Server, ada: str, noon: datetime
) -> None:
    await service_is(store, State.RUNNING, noon)
    await store.users.add_group("lab", members=["ada"], now=noon)
    server.up = False
    for _ in range(6):
        await leaving.look()
    server.up = True
    await store.users.disable("ada", now=noon)
    await leaving.look(1)
    assert server.did == [("close", "ada")]


async def test_a_service_of_another_package_that_breaks_holds_up_nobody(
    store: Store, leaving: Leaving, server: Server, ada: str, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service_is(store, State.RUNNING, noon)
    bob = await store.users.add("bob", now=noon)
    await store.accounts.get(bob.id, "postgres")
    close = server.close_account

    async def breaks(endpoint: JsonObject, *, user: str) -> None:
        if user == "ada":
            raise KeyError("port")
        await close(endpoint, user=user)

    monkeypatch.setattr(server, "close_account", breaks)
    for name in ("ada", "bob"):
        await store.users.disable(name, now=noon)
    await leaving.look()
    assert server.did == [("close", "bob")]
