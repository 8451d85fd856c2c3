"""What is said when the store can't be opened, and what is left behind then: nothing."""

import asyncio
import sqlite3
import stat
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from store_scene import WAITING, until_someone_waits
from tests.postgres_server import PostgresServer

from rsparkhub.domain.errors import InstallationProblem, Unavailable
from rsparkhub.store import open_store

BRIEFLY = timedelta(seconds=0.1)


async def open_and_close(url: str) -> None:
    async with open_store(url):
        pass


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://localhost/x", "sqlite://", "sqlite:///relative.sqlite", "sqlite+aiosqlite:////x.sqlite"]
)
async def test_an_address_that_is_no_database_is_refused(url: str) -> None:
    with pytest.raises(InstallationProblem, match="store_url"):
        await open_and_close(url)


async def test_the_file_is_for_its_owners_eyes(tmp_path: Path) -> None:
    await open_and_close(f"sqlite:///{tmp_path}/new/folder/rsparkhub.sqlite")
    file = tmp_path / "new/folder/rsparkhub.sqlite"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "rsparkhub.sqlite"
    file.write_bytes(b"These are my notes, and no database at all. " * 100)
    before = file.read_bytes()
    with pytest.raises(InstallationProblem, match="not a database"):
        await open_and_close(f"sqlite:///{file}")
    assert file.read_bytes() == before


async def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InstallationProblem, match="can't write its database"):
        await open_and_close(f"sqlite:///{tmp_path}/file/rsparkhub.sqlite")


async def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InstallationProblem, match=r"does not answer.*\(The database said: .*No such file"):
        await open_and_close(f"postgresql://postgres@/x?host={tmp_path}")


async def test_a_database_that_is_not_there_is_named(postgres_server: PostgresServer) -> None:
    with pytest.raises(InstallationProblem, match='database "nothing" does not exist'):
        await open_and_close(postgres_server.url("nothing"))


async def test_many_who_open_an_empty_database_at_once_find_it_ready(empty_url: str, noon: datetime) -> None:
    async def use(number: int) -> None:
        async with open_store(empty_url) as store:
            await store.users.add(f"person{number}", now=noon)

    await asyncio.gather(*(use(number) for number in range(6)))
    async with open_store(empty_url) as store:
        assert len(await store.users.list()) == 6


async def test_a_server_that_was_away_is_used_again_when_it_is_back(postgres_server: PostgresServer, noon: datetime) -> None:
    name = postgres_server.create_database()
    async with open_store(postgres_server.url(name)) as store:
        await asyncio.gather(*(store.users.list() for _ in range(5)))  # several connections are open
        postgres_server.stop()
        with pytest.raises(Unavailable, match="does not answer"):
            await store.users.add("ada", now=noon)
        postgres_server.run()
        await asyncio.gather(*(store.users.list() for _ in range(5)))
        await store.users.add("ada", now=noon)
    postgres_server.drop_database(name)


async def test_a_server_that_was_restarted_unseen_is_used_on(postgres_server: PostgresServer, noon: datetime) -> None:
    name = postgres_server.create_database()
    async with open_store(postgres_server.url(name)) as store:
        await asyncio.gather(*(store.users.list() for _ in range(5)))
        postgres_server.stop()
        postgres_server.run()
        await asyncio.gather(*(store.users.list() for _ in range(5)))
        await store.users.add("ada", now=noon)
    postgres_server.drop_database(name)


async def test_a_connection_that_the_server_ends_in_the_middle_writes_nothing(
    postgres_server: PostgresServer, noon: datetime
) -> None:
    name = postgres_server.create_database()
    async with open_store(postgres_server.url(name)) as store:
        await store.users.add("ada", now=noon)
        with psycopg.connect(postgres_server.url(name)) as holding:
            holding.execute("SELECT 1 FROM users WHERE name = 'ada' FOR UPDATE")
            making = asyncio.create_task(store.sessions.create(owner="ada", environment="r", name="R", now=noon))
            await until_someone_waits(postgres_server.url(name))
            with psycopg.connect(postgres_server.url(name), autocommit=True) as administrator:
                administrator.execute(f"SELECT pg_terminate_backend(({WAITING}))")
            with pytest.raises(Unavailable, match="does not answer"):
                await making
        assert await store.sessions.list() == []
        await store.sessions.create(owner="ada", environment="r", name="R", now=noon)
    postgres_server.drop_database(name)


async def test_a_new_file_into_which_another_begins_to_write_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "rsparkhub.sqlite"
    another = sqlite3.connect(file, isolation_level=None)
    another.execute("BEGIN IMMEDIATE")
    opening = asyncio.create_task(open_and_close(f"sqlite:///{file}"))
    await asyncio.sleep(0.3)
    assert not opening.done()
    another.execute("ROLLBACK")
    another.close()
    await opening


async def test_a_new_file_that_another_program_holds_is_waited_for_in_vain(
    tmp_path: Path,
) -> None:
    another = sqlite3.connect(tmp_path / "rsparkhub.sqlite", isolation_level=None)
    another.execute("BEGIN IMMEDIATE")
    with pytest.raises(InstallationProblem, match="in use by another program"):
        async with open_store(f"sqlite:///{tmp_path}/rsparkhub.sqlite", busy=BRIEFLY):
            pass
    another.close()


async def test_a_file_that_another_program_holds_is_waited_for_in_vain(tmp_path: Path, noon: datetime) -> None:
    async with open_store(f"sqlite:///{tmp_path}/rsparkhub.sqlite", busy=BRIEFLY) as store:
        holding = sqlite3.connect(tmp_path / "rsparkhub.sqlite", isolation_level=None)
        holding.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="in use by another program"):
            await store.users.add("ada", now=noon)
        holding.execute("ROLLBACK")
        holding.close()
        await store.users.add("ada", now=noon)
        assert [user.name for user in await store.users.list()] == ["ada"]


async def test_a_write_gets_its_turn_between_those_of_two_busy_programs(tmp_path: Path, noon: datetime) -> None:
    """Each of them leaves the file a thirtieth of its time, in which SQLite's own wait seldom looks."""
    written, ended = [0], threading.Event()

    def write_on() -> None:
        busy = sqlite3.connect(tmp_path / "rsparkhub.sqlite", isolation_level=None, timeout=60)
        while not ended.is_set():
            busy.execute("BEGIN IMMEDIATE")
            time.sleep(0.03)
            busy.execute("COMMIT")
            written[0] += 1
            time.sleep(0.001)
        busy.close()

    async with open_store(f"sqlite:///{tmp_path}/rsparkhub.sqlite") as store:
        busy = [threading.Thread(target=write_on) for _ in range(2)]
        for thread in busy:
            thread.start()
        try:
            for number in range(5):
                await store.users.add(f"user{number}", now=noon)
        finally:
            ended.set()
            for thread in busy:
                thread.join()
    assert written[0] < 75
