"""Accounts on a real server: what a person gets, and what nobody else does."""

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rsparkhub.domain.environment import Resources, ServiceOptions
from rsparkhub.domain.errors import Unavailable
from rsparkhub.services.base import Account, SessionConfig
from rsparkhub.services.postgres import Postgres, role_of

Endpoint = dict[str, Any]
Connect = Callable[..., psycopg.Connection[Any]]
_run = itertools.count()


async def ensure_account(endpoint: Endpoint, *, user: str, password: str) -> None:
    await Postgres().ensure_account(endpoint, Account(user=user, password=password))


def access(endpoint: Endpoint, *, user: str, password: str) -> SessionConfig:
    account = Account(user=user, password=password)
    return Postgres().session_config(ServiceOptions(scope="shared"), resources=Resources(), endpoint=endpoint, account=account)


@pytest.fixture
def connect(endpoint: Endpoint, tmp_path: Path) -> Connect:
    """Connect as a session does: with the variables and the file it got, through libpq."""

    def connect(user: str, password: str, **more: str) -> psycopg.Connection[Any]:
        got = access(endpoint, user=user, password=password)
        run = tmp_path / str(next(_run))
        run.mkdir()
        for file in got.files:
            (run / file.path).write_text(file.content)
            (run / file.path).chmod(0o600)
        names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGDATABASE": "dbname", "PGPASSFILE": "passfile"}
        settings = {names[name]: value.format(run=run) for name, value in got.environ.items()} | more
        return psycopg.connect(**settings, autocommit=True)

    return connect


async def test_a_person_gets_a_role_and_a_database_of_the_same_name(endpoint: Endpoint, connect: Connect) -> None:
    await ensure_account(endpoint, user="ada", password="pw")
    with connect("ada", "pw") as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == ("ada", "ada")
        connection.execute("CREATE TABLE mine AS SELECT 1 AS n")
        connection.execute("CREATE SCHEMA more")


async def test_a_person_reads_the_sample_with_the_same_account(endpoint: Endpoint, connect: Connect) -> None:
    await ensure_account(endpoint, user="ada", password="pw")
    with connect("ada", "pw", dbname="flights") as connection:
        assert connection.execute("SELECT count(*) FROM flights").fetchone() == (336776,)


async def test_doing_it_again_keeps_what_the_person_made(endpoint: Endpoint, connect: Connect) -> None:
    await ensure_account(endpoint, user="again", password="first")
    with connect("again", "first") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    await ensure_account(endpoint, user="again", password="second")
    with connect("again", "second") as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect("again", "first")


async def test_two_controllers_may_do_it_at_once(endpoint: Endpoint, connect: Connect) -> None:
    await asyncio.gather(*(ensure_account(endpoint, user="twice", password="pw") for _ in range(5)))
    connect("twice", "pw").close()


@pytest.mark.parametrize("left", ["role", "closed database", "database of another"])
async def test_what_a_crash_left_half_made_is_finished(endpoint: Endpoint, connect: Connect, left: str) -> None:
    user = "half-" + left.replace(" ", "-")
    with psycopg.connect(
        host=endpoint["host"],
        port=endpoint["port"],
        user=endpoint["admin"],
        password=endpoint["admin_password"],
        dbname="postgres",
        autocommit=True,
    ) as admin:
        if left != "database of another":
            admin.execute(f'CREATE ROLE "{user}"')
        if left == "closed database":
            admin.execute(f'CREATE DATABASE "{user}" OWNER "{user}" ALLOW_CONNECTIONS false')
        if left == "database of another":
            admin.execute(f'CREATE DATABASE "{user}"')
    await ensure_account(endpoint, user=user, password="pw")
    with connect(user, "pw") as connection:
        connection.execute("CREATE TABLE mine (n integer)")


@pytest.mark.parametrize("database", ["bea", "template1"])
async def test_other_peoples_databases_cannot_be_reached(endpoint: Endpoint, connect: Connect, database: str) -> None:
    await ensure_account(endpoint, user="bea", password="hers")
    await ensure_account(endpoint, user="cleo", password="pw")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect("cleo", "pw", dbname=database)


@pytest.mark.parametrize(
    "attempt",
    [
        "CREATE ROLE more",
        'CREATE DATABASE "dora2" OWNER postgres',
        "DROP DATABASE flights",
        "ALTER ROLE dora SET temp_file_limit = -1",
        "SET temp_file_limit = -1",
        'ALTER ROLE "dora" SUPERUSER',
        'ALTER ROLE "dora" CONNECTION LIMIT 100',
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT * FROM pg_authid",
        "SET ROLE postgres",
    ],
)
async def test_a_person_has_no_rights_on_the_server(endpoint: Endpoint, connect: Connect, attempt: str) -> None:
    await ensure_account(endpoint, user="dora", password="pw")
    with connect("dora", "pw") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(attempt)


async def test_one_person_cannot_take_all_connections(endpoint: Endpoint, connect: Connect) -> None:
    await ensure_account(endpoint, user="eager", password="pw")
    opened = []
    try:
        opened.extend(connect("eager", "pw") for _ in range(20))
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            connect("eager", "pw")
    finally:
        for connection in opened:
            connection.close()


@pytest.mark.parametrize(
    "user",
    ["with-hyphen", "with_underscore", "trailing-", "user", "select", "flights", "postgres", "template1", "public", "pg_x"],
)
async def test_every_name_that_a_person_may_have_works(endpoint: Endpoint, connect: Connect, user: str) -> None:
    await ensure_account(endpoint, user=user, password="pw")
    with connect(user, "pw") as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == (role_of(user), role_of(user))
        connection.execute("CREATE TABLE mine (n integer)")


def test_a_name_that_is_taken_becomes_one_that_no_person_can_have() -> None:
    assert role_of("ada") == "ada"
    assert role_of("postgres") == "user.postgres"
    assert role_of("pg_monitor") == "user.pg_monitor"


@pytest.mark.parametrize("password", ["a:b", "back\\slash", "end\\", "quote'\"", "ünïcode", "*"])
async def test_any_password_survives_the_password_file(endpoint: Endpoint, connect: Connect, password: str) -> None:
    await ensure_account(endpoint, user="secretive", password=password)
    connect("secretive", password).close()


def test_a_session_learns_of_the_server_by_variables_and_one_file(endpoint: Endpoint) -> None:
    got = access(endpoint, user="ada", password="pw")
    assert got.environ == {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(endpoint["port"]),
        "PGUSER": "ada",
        "PGDATABASE": "ada",
        "PGPASSFILE": "{run}/pgpass",
    }
    assert [file.path for file in got.files] == ["pgpass"]
    assert got.files[0].content == f"127.0.0.1:{endpoint['port']}:*:ada:pw\n"


async def test_a_server_that_is_down_is_said_so() -> None:
    endpoint = {"host": "127.0.0.1", "port": 1, "admin": "postgres", "admin_password": "any"}
    with pytest.raises(Unavailable, match="PostgreSQL could not make the account"):
        await ensure_account(endpoint, user="ada", password="pw")
