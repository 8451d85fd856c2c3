"""All that people have on the server, in one file and back: on the same server, on one of a later major version."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.postgres_server import PostgresServer

from rsparkhub.controller import backup
from rsparkhub.domain.errors import InvalidInput
from rsparkhub.services.base import Account, Credential
from rsparkhub.services.postgres import Postgres, PostgresSettings
from rsparkhub.store import Store

Endpoint = dict[str, Any]
SERVICE = Postgres()


@pytest.fixture
def database_kind() -> str:
    """The statements are tried on both databases in hub/tests/store."""
    return "sqlite"


def account(user: str, *, session: str = "sess", groups: tuple[str, ...] = ()) -> Account:
    return Account(
        user=user, password="", groups=groups, credential=Credential(session=session, generation=1, secret=f"pw of {session}")
    )


async def let_in(endpoint: Endpoint, user: str, **more: Any) -> None:
    await SERVICE.ensure_account(endpoint, account(user, **more))
    await SERVICE.issue(endpoint, account(user, **more))


def connected(endpoint: Endpoint, user: str, *, session: str = "sess", database: str = "") -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=endpoint["host"], port=endpoint["port"], user=f"{user}~{session}.1", password=f"pw of {session}",
        dbname=database or user, autocommit=True,
    )  # fmt: skip


async def test_a_backup_has_everybodys_data_and_roles_and_a_restore_brings_back_no_login(
    endpoint: Endpoint, store: Store, noon: datetime, tmp_path: Path
) -> None:
    await let_in(endpoint, "bud", groups=("backed",))
    with connected(endpoint, "bud") as bud, connected(endpoint, "bud", database="group.backed") as group:
        bud.execute("CREATE TABLE mine AS SELECT n, 'ünïcode ' || n AS t FROM generate_series(1, 1000) n")
        bud.execute('CREATE DATABASE "of bud"')
        bud.execute("ALTER ROLE bud SET work_mem = '9MB'")
        group.execute("CREATE TABLE ours AS SELECT 1 AS n")
    file = tmp_path / "postgres.tar.gz"
    await backup.back_up(SERVICE, endpoint, file, now=noon)
    assert file.stat().st_mode & 0o777 == 0o600
    with connected(endpoint, "bud") as bud, connected(endpoint, "bud", database="group.backed") as group:
        bud.execute("DELETE FROM mine WHERE n > 3")
        bud.execute('DROP DATABASE "of bud"')
        group.execute("DROP TABLE ours")
    await let_in(endpoint, "late")  # who has come since, and is not in the backup
    await store.users.add("bud", now=noon)
    await store.accounts.get("bud", "postgres")
    await backup.restore(store, SERVICE, endpoint, file, services={})
    [behind] = await store.accounts.behind()  # a controller brings about whatever the store says of everybody
    assert behind.owner == "bud"
    for user in ("bud", "late"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connected(endpoint, user)
    await let_in(endpoint, "bud", session="next", groups=("backed",))
    with connected(endpoint, "bud", session="next") as bud:
        assert bud.execute("SELECT count(*), max(t) FROM mine").fetchone() == (1000, "ünïcode 999")
        assert bud.execute("SELECT current_user, current_setting('work_mem')").fetchone() == ("bud", "9MB")
        bud.execute("ALTER TABLE mine ADD COLUMN more int")
    with connected(endpoint, "bud", session="next", database="of bud") as other:
        other.execute("CREATE TABLE t (n int)")
    with connected(endpoint, "bud", session="next", database="group.backed") as group:
        assert group.execute("SELECT n FROM ours").fetchone() == (1,)
    with connected(endpoint, "bud", session="next", database="flights") as flights:
        assert flights.execute("SELECT count(*) FROM flights").fetchone() == (336776,)
    await let_in(endpoint, "stranger")
    for database in ("bud", "group.backed"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            connected(endpoint, "stranger", database=database)


async def test_templates_are_backed_up_and_neither_they_nor_what_is_closed_keeps_a_restore_from_being_done(
    endpoint: Endpoint, store: Store, noon: datetime, tmp_path: Path
) -> None:
    await let_in(endpoint, "potter", groups=("pots",))
    with connected(endpoint, "potter") as potter:
        potter.execute("CREATE TABLE mine AS SELECT 7 AS n")
        potter.execute("ALTER DATABASE potter IS_TEMPLATE true")
        potter.execute('ALTER DATABASE "group.pots" IS_TEMPLATE true')
    file = tmp_path / "postgres.tar.gz"
    await backup.back_up(SERVICE, endpoint, file, now=noon)
    with connected(endpoint, "potter") as potter:
        potter.execute("CREATE DATABASE shut ALLOW_CONNECTIONS false")
    await backup.restore(store, SERVICE, endpoint, file, services={})
    await let_in(endpoint, "potter", session="next", groups=("pots",))
    with connected(endpoint, "potter", session="next") as potter:
        assert potter.execute("SELECT n FROM mine").fetchone() == (7,)
        found = potter.execute("SELECT datname, datistemplate FROM pg_database WHERE datname IN ('group.pots', 'shut')")
        assert found.fetchall() == [("group.pots", False)]


async def test_what_is_no_backup_changes_nothing(endpoint: Endpoint, store: Store, noon: datetime, tmp_path: Path) -> None:
    await let_in(endpoint, "safe")
    with connected(endpoint, "safe") as safe:
        safe.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS n")
        (tmp_path / "text").write_text("no backup")
        with pytest.raises(InvalidInput, match="no backup of RSparkHub, or is damaged"):
            await backup.restore(store, SERVICE, endpoint, tmp_path / "text", services={})
        file = tmp_path / "whole.tar.gz"
        await backup.back_up(SERVICE, endpoint, file, now=noon)
        (tmp_path / "half").write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        with pytest.raises(InvalidInput, match="damaged"):
            await backup.restore(store, SERVICE, endpoint, tmp_path / "half", services={})
        assert safe.execute("SELECT n FROM kept").fetchone() == (7,)
    assert not list(tmp_path.glob(".*"))


@pytest.fixture
def elsewhere() -> Iterator[Endpoint]:
    """The endpoint of a server that others run, PostgreSQL 16, as the settings say it.

    Its administrator is no superuser, as that of a database service is none, and others have databases there.
    """
    server = PostgresServer(of_the_wheel=True)
    server.start()
    with psycopg.connect(server.url("postgres"), autocommit=True) as root:
        root.execute("CREATE ROLE boss LOGIN CREATEROLE CREATEDB PASSWORD 'pw'")
        root.execute("CREATE ROLE other LOGIN")
        root.execute("CREATE DATABASE theirs OWNER other")
    settings = PostgresSettings(url="postgresql://boss:pw@localhost/postgres", programs=server.programs)
    service = SERVICE.configured(settings)
    try:
        yield {**(service.external() or {}), "host": conninfo_to_dict(server.url("postgres"))["host"]}
    finally:
        server.remove()


async def test_what_another_server_has_is_moved_to_ours_of_a_later_major_version(
    endpoint: Endpoint, elsewhere: Endpoint, store: Store, noon: datetime, tmp_path: Path
) -> None:
    await let_in(elsewhere, "mover", groups=("movers",))
    with connected(elsewhere, "mover") as before, connected(elsewhere, "mover", database="group.movers") as group:
        assert before.info.server_version // 10000 == 16
        assert before.execute("SELECT current_user").fetchone() == ("mover",)
        before.execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 100) n")
        before.execute("CREATE VIEW v AS SELECT sum(n) FROM t")
        group.execute("CREATE TABLE ours AS SELECT 1 AS n")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            before.execute("CREATE DATABASE more")
    file = tmp_path / "postgres.tar.gz"
    await backup.back_up(SERVICE, elsewhere, file, now=noon)
    await backup.restore(store, SERVICE, endpoint, file, services={})
    await let_in(endpoint, "mover", session="next", groups=("movers",))
    with connected(endpoint, "mover", session="next") as after:
        assert after.info.server_version // 10000 == 18
        assert after.execute("SELECT * FROM v").fetchone() == (5050,)
    with connected(endpoint, "mover", session="next", database="group.movers") as group:
        group.execute("DROP TABLE ours")
    # And everything there can be done there: also back into the server that others run, of which only ours is touched.
    await backup.restore(store, SERVICE, elsewhere, file, services={})
    await let_in(elsewhere, "mover", session="back", groups=())
    with connected(elsewhere, "mover", session="back") as back:
        assert back.execute("SELECT * FROM v").fetchone() == (5050,)
        assert back.execute("SELECT count(*) FROM pg_database WHERE datname = 'theirs'").fetchone() == (1,)
    await SERVICE.revoke(elsewhere, account("mover", session="back"))
    await SERVICE.remove_account(elsewhere, user="mover", archive=tmp_path / "archive")
    assert (tmp_path / "archive/mover.dump").exists()
