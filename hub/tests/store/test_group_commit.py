"""Transactions that wait for SQLite's writer are written together, and each is still one of its own."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from store_scene import MakeSession

from rsparkhub.domain.errors import NotFound, Unavailable
from rsparkhub.domain.session import Wanted
from rsparkhub.store import Store
from rsparkhub.store.database import Connection
from rsparkhub.store.tables import users


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


class Commits:
    """Counts the transactions of a store that were begun and written."""

    def __init__(self, store: Store) -> None:
        self.begun = self.written = 0
        sa.event.listen(store.database._engine, "before_cursor_execute", self._note)  # type: ignore[attr-defined]

    def _note(self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        self.begun += statement == "BEGIN IMMEDIATE"
        self.written += statement == "COMMIT"


async def while_the_writer_is_busy(store: Store, ask: Callable[[], list[Awaitable[Any]]]) -> list[Any]:
    """Ask for several transactions while another one is under way; return what came of each."""
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    async def wait(connection: Connection) -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(10)

    first = asyncio.create_task(store.database.write(wait))
    await begun.wait()
    others = [asyncio.ensure_future(each) for each in ask()]
    await asyncio.sleep(0)
    go_on.set()
    await first
    return await asyncio.gather(*others, return_exceptions=True)


def add(name: str, noon: datetime) -> Callable[[Connection], Awaitable[str]]:
    async def work(connection: Connection) -> str:
        await connection.rows(sa.insert(users), {"name": name, "admin": False, "created": noon})
        if name == "refused":
            raise NotFound("No.")
        return name

    return work


async def test_what_waits_is_written_in_one_transaction(store: Store, noon: datetime) -> None:
    commits = Commits(store)
    names = [f"u{number}" for number in range(50)]
    outcomes = await while_the_writer_is_busy(store, lambda: [store.database.write(add(name, noon)) for name in names])
    assert outcomes == names
    assert (commits.begun, commits.written) == (2, 2)
    assert len(await store.users.list()) == 50


async def test_one_that_is_taken_back_takes_none_of_the_others_with_it(store: Store, noon: datetime) -> None:
    commits = Commits(store)
    names = ["a", "refused", "b", "a", "c"]
    outcomes = await while_the_writer_is_busy(store, lambda: [store.database.write(add(name, noon)) for name in names])
    assert outcomes[0::2] == ["a", "b", "c"]
    assert isinstance(outcomes[1], NotFound)
    assert isinstance(outcomes[3], sa.exc.IntegrityError)
    assert commits.written == 2
    assert sorted(user.name for user in await store.users.list()) == ["a", "b", "c"]


async def test_where_the_database_fails_each_is_written_alone(store: Store, noon: datetime) -> None:
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL

    async def large(connection: Connection) -> None:
        raise sa.exc.OperationalError("INSERT", {}, full)

    commits = Commits(store)
    outcomes = await while_the_writer_is_busy(
        store,
        lambda: [store.database.write(add("a", noon)), store.database.write(large), store.database.write(add("b", noon))],
    )
    assert outcomes[0::2] == ["a", "b"]
    assert isinstance(outcomes[1], Unavailable)
    assert (commits.begun, commits.written) == (5, 3)  # the busy one, all together in vain, and each alone
    assert sorted(user.name for user in await store.users.list()) == ["a", "b"]


async def test_who_is_cancelled_before_is_not_written(store: Store, noon: datetime) -> None:
    def ask() -> list[Awaitable[Any]]:
        tasks = [asyncio.create_task(store.database.write(add(name, noon))) for name in ("a", "b")]
        asyncio.get_running_loop().call_soon(tasks[0].cancel)
        return list(tasks)

    outcomes = await while_the_writer_is_busy(store, ask)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert outcomes[1] == "b"
    assert [user.name for user in await store.users.list()] == ["b"]


async def test_later_ones_see_what_earlier_ones_wrote(make: MakeSession, store: Store, noon: datetime) -> None:
    session = await make()

    def ask() -> list[Awaitable[Any]]:
        wanted = (Wanted.STOPPED, Wanted.RUNNING, Wanted.SUSPENDED)
        return [store.sessions.set_wanted(session.id, each, by="ada", now=noon) for each in wanted]

    outcomes = await while_the_writer_is_busy(store, ask)
    assert [each.wanted for each in outcomes] == [Wanted.STOPPED, Wanted.RUNNING, Wanted.SUSPENDED]
    asked = [event.data["wanted"] for event in await store.events.since(session.id, 0) if event.kind == "wanted"]
    assert asked == ["stopped", "running", "suspended"]
