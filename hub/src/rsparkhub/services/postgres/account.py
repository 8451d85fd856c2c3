"""A person's role and database on the PostgreSQL server."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import sql

from rspark_contract.reading import JsonObject
from rsparkhub.domain.errors import Unavailable

log = logging.getLogger(__name__)

#: One person's open connections; the server has 200 for all.
CONNECTIONS = 20
#: What is set for everything that a person connects; they may set all but the last otherwise for themselves.
SETTINGS = {
    # Each INSERT by itself would wait for the disk. What the last half second committed may be lost when the server crashes, and
    # nothing else: the data stay sound.
    "synchronous_commit": "off",
    "idle_in_transaction_session_timeout": "2h",
    "statement_timeout": "4h",
    "temp_file_limit": "5GB",
}


async def ensure(endpoint: JsonObject, *, role: str, user: str, password: str) -> None:
    """Make the role and the database, or mend what is there, so that the password works.

    Every step may be done again, by two controllers at once, and after a crash in the middle of the last call.

    Raises
    ------
    Unavailable
        When the server can't be reached, or refuses.
    """
    async with _administrator(endpoint) as connection:
        # The session's own lock: the second controller waits here, and then finds all done.
        await connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", ["rsparkhub account " + role])
        await _ensure_role(connection, role=role, password=password)
        await _ensure_database(connection, role=role, title=f"Of {user}")


@asynccontextmanager
async def _administrator(endpoint: JsonObject) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    if "admin_password" not in endpoint:
        raise Unavailable(
            "PostgreSQL still runs as an earlier version of RSparkHub started it. Run `make down`, then start again."
        )
    try:
        async with await psycopg.AsyncConnection.connect(
            host=str(endpoint["host"]),
            port=str(endpoint["port"]),
            user=str(endpoint["admin"]),
            dbname="postgres",
            password=str(endpoint["admin_password"]),
            connect_timeout=10,
            application_name="rsparkhub",
            autocommit=True,  # CREATE DATABASE allows no transaction around it
        ) as connection:
            yield connection
    except psycopg.OperationalError as problem:  # it is away, or ending, or full: what it says is for the log
        log.warning("PostgreSQL could not make an account: %s", str(problem).strip())
        raise Unavailable("PostgreSQL could not make the account: it does not answer at the moment.") from problem
    except psycopg.Error as problem:
        raise Unavailable(f"PostgreSQL could not make the account: {str(problem).strip()}") from problem


async def _ensure_role(connection: psycopg.AsyncConnection[Any], *, role: str, password: str) -> None:
    found = await connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
    verb = sql.SQL("ALTER" if found.rowcount else "CREATE")
    # How many databases they may have is limited by the server's own process (`rspark_session.services.postgres.housekeeping`).
    # Only the verifier travels, so that no log of the server can hold the password.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    await connection.execute(
        sql.SQL(
            "{verb} ROLE {role} LOGIN NOSUPERUSER {databases} NOCREATEROLE NOREPLICATION NOBYPASSRLS "
            "CONNECTION LIMIT {most} PASSWORD {verifier}"
        ).format(
            verb=verb,
            role=sql.Identifier(role),
            databases=sql.SQL("" if found.rowcount else "CREATEDB"),
            most=sql.Literal(CONNECTIONS),
            verifier=sql.Literal(verifier),
        )
    )
    for name, value in SETTINGS.items():
        await connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(sql.Identifier(role), sql.Identifier(name), sql.Literal(value))
        )


async def _ensure_database(connection: psycopg.AsyncConnection[Any], *, role: str, title: str) -> None:
    name = sql.Identifier(role)
    await _move_aside(connection, role)
    found = await connection.execute("SELECT FROM pg_database WHERE datname = %s", [role])
    if not found.rowcount:
        # Closed until it is the owner's alone: by default everybody may connect to a new database.
        await connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0} ALLOW_CONNECTIONS false").format(name))
    for step in (
        "ALTER DATABASE {0} OWNER TO {0}",
        "REVOKE ALL ON DATABASE {0} FROM PUBLIC",
        "COMMENT ON DATABASE {0} IS {1}",
        "ALTER DATABASE {0} ALLOW_CONNECTIONS true",
    ):
        await connection.execute(sql.SQL(step).format(name, sql.Literal(title)))


async def _move_aside(connection: psycopg.AsyncConnection[Any], role: str) -> None:
    """Rename a database of this name that another person made before this one came: neither may get into the other's."""
    found = await connection.execute(
        "SELECT rolname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba "
        "WHERE datname = %s AND NOT rolsuper AND rolname <> %s",
        [role, role],
    )
    if (row := await found.fetchone()) is None:
        return
    name, aside = sql.Identifier(role), sql.Identifier(f"{row[0]}.{role}"[:63])
    await connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
    await connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [role])
    await connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(name, aside))
    await connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(aside))
