"""A person's role and database on the PostgreSQL server."""

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
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

_DATABASES = (
    "SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE rolname = %s AND NOT datistemplate ORDER BY 1"
)
#: Other databases in which a role owns something or has rights, each with its owner.
_HAS_SOMETHING_IN = (
    "SELECT DISTINCT datname, pg_get_userbyid(datdba) FROM pg_shdepend "
    "JOIN pg_database ON pg_database.oid = dbid JOIN pg_roles ON pg_roles.oid = refobjid "
    "WHERE refclassid = 'pg_authid'::regclass AND rolname = %s AND datallowconn ORDER BY 1"
)


async def ensure(endpoint: JsonObject, *, role: str, user: str, password: str) -> None:
    """Make the role and the database, or mend what is there, so that the password works.

    Every step may be done again, by two controllers at once, and after a crash in the middle of the last call.

    Raises
    ------
    Unavailable
        When the server can't be reached, or refuses.
    """
    async with _administrator(endpoint, doing="make") as connection:
        await _lock(connection, role)
        await _ensure_role(connection, role=role, password=password)
        await _ensure_database(connection, role=role, title=f"Of {user}")


async def close(endpoint: JsonObject, *, role: str) -> None:
    """Let a role sign in no more, and end its connections; its databases stay.

    Raises
    ------
    Unavailable
        When the server can't be reached, or refuses.
    """
    async with _administrator(endpoint, doing="close") as connection:
        await _lock(connection, role)
        await _close(connection, role)


async def remove(endpoint: JsonObject, *, role: str, archive: Path | None) -> None:
    """Drop a role and its own database, after a dump into the folder `archive` where one is given.

    What it owns in other databases goes to their owners. Every step may be done again.

    Raises
    ------
    Unavailable
        When the server can't be reached, or refuses, or the database can't be dumped; then it is kept.
    """
    async with _administrator(endpoint, doing="remove") as connection:
        await _lock(connection, role)
        if not await _close(connection, role):
            return
        own = await connection.execute(_DATABASES, [role])
        for (database,) in await own.fetchall():
            if archive is not None:
                await _dump(endpoint, database, archive / f"{database}.dump")
            await connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
        others = await connection.execute(_HAS_SOMETHING_IN, [role])
        for database, owner in await others.fetchall():
            async with _administrator(endpoint, doing="remove", database=database) as inside:
                names = {"role": sql.Identifier(role), "owner": sql.Identifier(owner)}
                await inside.execute(sql.SQL("REASSIGN OWNED BY {role} TO {owner}").format(**names))
                await inside.execute(sql.SQL("DROP OWNED BY {role}").format(**names))
        await connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
        await connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


async def _lock(connection: psycopg.AsyncConnection[Any], role: str) -> None:
    """Take the session's own lock: the second controller waits here, and then finds all done."""
    await connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", ["rsparkhub account " + role])


async def _close(connection: psycopg.AsyncConnection[Any], role: str) -> bool:
    """Return whether there is such a role, which now can't sign in and is connected nowhere."""
    found = await connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
    if not found.rowcount:
        return False
    await connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(role)))
    # Whoever signed in before the line above is here by now, also one who has taken another role since.
    await connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s AND pid <> pg_backend_pid()", [role]
    )
    return True


async def _dump(endpoint: JsonObject, database: str, file: Path) -> None:
    """Write a database into a file that `pg_restore` reads, whole or not at all."""
    program = _pg_dump(endpoint)
    fresh = file.with_name(f".{file.name}.new")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    environ = {
        "PATH": os.defpath, "PGHOST": str(endpoint["host"]), "PGPORT": str(endpoint["port"]), "PGUSER": str(endpoint["admin"]),
        "PGPASSWORD": str(endpoint["admin_password"]), "PGAPPNAME": "rsparkhub archive",
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        program, "--format=custom", f"--file={fresh}", f"--dbname={database}",
        env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    if process.returncode:
        fresh.unlink(missing_ok=True)
        raise Unavailable(f"The database {database} could not be dumped: {said.decode(errors='replace').strip()}")
    fresh.chmod(0o600)
    fresh.replace(file)


def _pg_dump(endpoint: JsonObject) -> str:
    """Return the program beside the server, else that of this machine; Unavailable where there is none."""
    beside = str(Path(str(endpoint["programs"])) / "pg_dump") if endpoint.get("programs") else None
    program = beside if beside and os.access(beside, os.X_OK) else shutil.which("pg_dump")
    if program is None:
        raise Unavailable("There is no pg_dump on this machine. Install PostgreSQL's client; it is tried again.")
    return program


@asynccontextmanager
async def _administrator(
    endpoint: JsonObject, *, doing: str, database: str = "postgres"
) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    if "admin_password" not in endpoint:
        raise Unavailable(
            "PostgreSQL still runs as an earlier version of RSparkHub started it. Run `make down`, then start again."
        )
    try:
        async with await psycopg.AsyncConnection.connect(
            host=str(endpoint["host"]),
            port=str(endpoint["port"]),
            user=str(endpoint["admin"]),
            dbname=database,
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
        raise Unavailable(f"PostgreSQL could not {doing} the account: {str(problem).strip()}") from problem


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
    await connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(aside))  # it may be younger than a sweep
    await connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(aside))
