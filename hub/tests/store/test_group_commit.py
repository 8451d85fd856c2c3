"""Transactions that wait for a writer are written together, and each is still one of its own."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from store_scene import MakeSession

from rsparkhub.domain.errors import NotFound, Unavailable
from rsparkhub.domain.session import Wanted
from rsparkhub.store import Store
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.tables import users


class Commits:
    """Counts the transactions of a store that were begun and written."""

    def __init__(self, store: Store) -> None:
        self.begun = self.written = 0
        sa.event.listen(store.database._engine, "before_cursor_execute", self._note)  # type: ignore[attr-defined]

    def _note(self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        self.begun += statement in {"BEGIN", "BEGIN IMMEDIATE"}
        self.written += statement == "COMMIT"


async def while_the_writers_are_busy(store: Store, ask: Callable[[], list[Awaitable[Any]]]) -> list[Any]:
    """Ask for several transactions while each writer has one under way, end one of these, and return what came of each."""
    loop = asyncio.get_running_loop()
    busy = []
    for _ in range(writers(store)):
        begun, go_on = asyncio.Event(), threading.Event()

        async def wait(connection: Connection, begun: asyncio.Event = begun, go_on: threading.Event = go_on) -> None:
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(10)

        busy.append((asyncio.create_task(store.database.write(wait)), go_on))
        await begun.wait()
    others = [asyncio.ensure_future(each) for each in ask()]
    await asyncio.sleep(0)
    for task, go_on in busy:
        go_on.set()
        await task
        await asyncio.wait(others)
    return await asyncio.gather(*others, return_exceptions=True)


def writers(store: Store) -> int:
    return 1 if store.database.is_sqlite else 2


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
    outcomes = await while_the_writers_are_busy(store, lambda: [store.database.write(add(name, noon)) for name in names])
    assert outcomes == names
    assert commits.begun == commits.written == writers(store) + 1
    assert len(await store.users.list()) == 50


async def test_one_that_is_taken_back_takes_none_of_the_others_with_it(store: Store, noon: datetime) -> None:
    commits = Commits(store)
    names = ["a", "refused", "b", "a", "c"]
    outcomes = await while_the_writers_are_busy(store, lambda: [store.database.write(add(name, noon)) for name in names])
    assert outcomes[0::2] == ["a", "b", "c"]
    assert isinstance(outcomes[1], NotFound)
    assert isinstance(outcomes[3], sa.exc.IntegrityError)
    assert commits.written == writers(store) + 1
    assert sorted(user.name for user in await store.users.list()) == ["a", "b", "c"]


async def test_where_the_database_fails_each_is_written_alone(store: Store, noon: datetime) -> None:
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL

    async def large(connection: Connection) -> None:
        raise sa.exc.OperationalError("INSERT", {}, full)

    commits = Commits(store)
    outcomes = await while_the_writers_are_busy(
        store,
        lambda: [store.database.write(add("a", noon)), store.database.write(large), store.database.write(add("b", noon))],
    )
    assert outcomes[0::2] == ["a", "b"]
    assert isinstance(outcomes[1], Unavailable)
    assert commits.begun == writers(store) + 4  # the busy ones, all together in vain, and each alone
    assert commits.written == writers(store) + 2
    assert sorted(user.name for user in await store.users.list()) == ["a", "b"]


async def test_who_is_cancelled_before_is_not_written(store: Store, noon: datetime) -> None:
    def ask() -> list[Awaitable[Any]]:
        tasks = [asyncio.create_task(store.database.write(add(name, noon))) for name in ("a", "b")]
        asyncio.get_running_loop().call_soon(tasks[0].cancel)
        return list(tasks)

    outcomes = await while_the_writers_are_busy(store, ask)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert outcomes[1] == "b"
    assert [user.name for user in await store.users.list()] == ["b"]


async def test_later_ones_see_what_earlier_ones_wrote(make: MakeSession, store: Store, noon: datetime) -> None:
    session = await make()

    def ask() -> list[Awaitable[Any]]:
        wanted = (Wanted.STOPPED, Wanted.RUNNING, Wanted.SUSPENDED)
        return [store.sessions.set_wanted(session.id, each, by="ada", now=noon) for each in wanted]

    outcomes = await while_the_writers_are_busy(store, ask)
    assert [each.wanted for each in outcomes] == [Wanted.STOPPED, Wanted.RUNNING, Wanted.SUSPENDED]
    asked = [event.data["wanted"] for event in await store.events.since(session.id, 0) if event.kind == "wanted"]
    assert asked == ["stopped", "running", "suspended"]


async def test_what_is_written_last_is_written_once_for_all(make: MakeSession, store: Store, noon: datetime) -> None:
    """Events of many who ask at once are one statement, and their order is held for no longer than that takes."""
    made = [await make() for _ in range(3)]
    statements = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        statements.append(statement.split()[:3])

    sa.event.listen(store.database._engine, "before_cursor_execute", note)  # type: ignore[attr-defined]
    rename = store.sessions.rename
    outcomes = await while_the_writers_are_busy(
        store,
        lambda: [
            rename(made[0].id, "A", by="ada", now=noon),
            rename("gone", "B", by="ada", now=noon),
            rename(made[2].id, "C", by="ada", now=noon),
        ],
    )
    assert [getattr(each, "name", type(each)) for each in outcomes] == ["A", NotFound, "C"]
    assert statements.count(["INSERT", "INTO", "events"]) == 1
    written = [(event.session, event.data["name"]) for event in await store.events.since(None, 0) if event.kind == "renamed"]
    assert written == [(made[0].id, "A"), (made[2].id, "C")]


@pytest.mark.parametrize("together", [True, False])
async def test_what_can_not_be_written_last_takes_back_its_own_alone(store: Store, noon: datetime, together: bool) -> None:
    async def wrong(connection: Connection, database: Database, rows: Sequence[str]) -> None:
        raise NotFound(" ".join(rows))

    async def work(connection: Connection) -> None:
        await add("a", noon)(connection)
        connection.before_commit(wrong, ["a", "b"])

    def ask() -> list[Awaitable[Any]]:
        return [store.database.write(work), *([store.database.write(add("c", noon))] if together else [])]

    outcomes = await while_the_writers_are_busy(store, ask)
    assert isinstance(outcomes[0], NotFound)
    assert str(outcomes[0]) == "a b"
    assert [user.name for user in await store.users.list()] == (["c"] if together else [])


@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_together_they_give_way_to_what_another_process_holds(store: Store, noon: datetime, store_url: str) -> None:
    """Two processes that write many rows each, in any order, would wait for each other until the server ends one of them."""
    for name in ("free", "held"):
        await store.users.add(name, now=noon)

    def see(name: str) -> Callable[[Connection], Awaitable[None]]:
        async def work(connection: Connection) -> None:
            await connection.rows(sa.update(users).where(users.c.name == name).values(last_seen=noon))

        return work

    async def seen() -> list[str]:
        return [user.name for user in await store.users.list() if user.last_seen is not None]

    with psycopg.connect(store_url) as other:
        other.execute("UPDATE users SET admin = admin WHERE name = 'held'")
        asking = asyncio.create_task(
            while_the_writers_are_busy(store, lambda: [store.database.write(see(name)) for name in ("free", "held")])
        )
        while await seen() != ["free"]:
            await asyncio.sleep(0.01)
        assert not asking.done()
        other.commit()
        await asking
    assert await seen() == ["free", "held"]


@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_together_they_do_not_give_way_to_each_other(store: Store, noon: datetime) -> None:
    """Many who write the same row, such as a class that wakes its sessions and passes the lock of the queue."""
    await store.users.add("ada", now=noon)

    async def see(connection: Connection) -> None:
        await connection.rows(sa.update(users).where(users.c.name == "ada").values(last_seen=noon))
        time.sleep(0.004)  # a hundred of them hold the row for longer than one that is written together waits

    commits = Commits(store)
    await asyncio.gather(*(store.database.write(see) for _ in range(300)))
    assert commits.begun == commits.written <= 10


@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_after_the_server_was_away_nobody_sees_an_error(store: Store, noon: datetime, store_url: str) -> None:
    await store.database.write(add("a", noon))
    await store.users.list()
    with psycopg.connect(store_url, autocommit=True) as administrator:
        for _ in range(2):
            administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert [user.name for user in await store.users.list()] == ["a"]
    await store.database.write(add("b", noon))
    outcomes = await while_the_writers_are_busy(store, lambda: [store.database.write(add(name, noon)) for name in ("c", "d")])
    assert outcomes == ["c", "d"]
