"""Dumps of databases by PostgreSQL's own programs, which are beside the server or on this machine: one, or all with their roles.

Each database is dumped as of one moment; PostgreSQL has no such moment for several. Roles come without passwords: logins are
those of sessions, and are made anew. What is dumped from one major version is restored into the same or a later one.
"""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from rspark_contract.reading import JsonObject
from rsparkhub.domain.errors import InvalidInput, Unavailable

#: Between the role of a person and what tells their logins apart; no person's id has it.
LOGIN = "~"
#: Before the name of a group, of which the dot makes a name that no person's id is.
GROUP = "group."
#: How long the administrator waits for what another transaction holds: longer than any step of another controller, but for a
#: dump.
LONGEST_LOCK_WAIT = "1min"
#: How long a dump waits for a table: longer than most statements that change one.
_LONGEST_TABLE_WAIT = "5min"
_ROLES, _CONTENT = "roles.sql", "databases.json"
#: Roles of people, their sessions and groups. On a server that others run they are those that are marked as ours.
_ROLES_OF_PEOPLE = (
    "SELECT rolname FROM pg_roles WHERE NOT rolsuper AND rolname !~ '^pg_' "
    "AND (NOT %s OR shobj_description(oid, 'pg_authid') = 'RSparkHub') ORDER BY 1"
)
#: What they have, templates and what they have closed too; the samples and the first templates are the server's own. A group's
#: database is the administrator's for a moment when it is made.
_DATABASES = (
    "SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba "
    "WHERE NOT rolsuper AND (NOT %s OR shobj_description(pg_roles.oid, 'pg_authid') = 'RSparkHub') "
    "OR starts_with(datname, 'group.') AND rolname = current_user AND NOT datallowconn ORDER BY 1"
)
#: What of it can be dumped.
_OPEN_DATABASES = (
    "SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE datallowconn AND NOT rolsuper "
    "AND (NOT %s OR shobj_description(pg_roles.oid, 'pg_authid') = 'RSparkHub') ORDER BY 1"
)


async def dump(endpoint: JsonObject, database: str, file: Path) -> None:
    """Write a database into a file that `pg_restore` reads, whole or not at all.

    Raises
    ------
    Unavailable
        When it can't be dumped.
    """
    fresh = file.with_name(f".{file.name}.new")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        await _run(
            endpoint,
            "pg_dump",
            "--format=custom",
            "--create",
            f"--lock-wait-timeout={_LONGEST_TABLE_WAIT}",
            f"--file={fresh}",
            f"--dbname={database}",
        )
        fresh.chmod(0o600)
        fresh.replace(file)
    except Unavailable as error:
        if "LOCK TABLE" in str(error) and "timeout" in str(error):
            raise Unavailable(
                f"The database {database} could not be dumped, as another transaction has held one of its tables for "
                f"{_LONGEST_TABLE_WAIT}: it is tried again."
            ) from error
        raise Unavailable(f"The database {database} could not be dumped: {error}") from error
    finally:
        fresh.unlink(missing_ok=True)


async def dump_all(endpoint: JsonObject, folder: Path) -> None:
    """Write all databases of people and groups into a folder, and all roles.

    Raises
    ------
    Unavailable
        When one can't be dumped.
    """
    async with await _connect(endpoint) as connection:
        databases = await _names(connection, _OPEN_DATABASES, endpoint)
    files = {f"{number:05}.dump": database for number, database in enumerate(databases)}
    for name, database in files.items():
        await dump(endpoint, database, folder / name)
    # After the databases: whoever came meanwhile has a role, too.
    await _run(
        endpoint,
        "pg_dumpall",
        "--roles-only",
        "--no-role-passwords",
        f"--file={folder / _ROLES}",
        f"--database={_first(endpoint)}",
    )
    await asyncio.to_thread((folder / _CONTENT).write_text, json.dumps(files))


async def restore_all(endpoint: JsonObject, folder: Path) -> list[str]:
    """Make the server have the databases and roles of a folder, and none of those of people and groups that it has now.

    Return the logins of sessions of when it was written, which have no password and are to be closed.

    Raises
    ------
    InvalidInput
        When the folder has no dump.
    Unavailable
        When the server refuses; calling it again begins anew.
    """
    try:
        content = json.loads(await asyncio.to_thread((folder / _CONTENT).read_text))
        files = {str(name): str(database) for name, database in content.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise InvalidInput(f"This is no backup of PostgreSQL: {error}.") from error
    async with await _connect(endpoint) as connection:
        try:
            await _clear(connection, endpoint)
        except psycopg.errors.LockNotAvailable as error:
            raise Unavailable(
                f"PostgreSQL could not be restored, as another transaction has held what it needs for {LONGEST_LOCK_WAIT}: "
                "restore it again."
            ) from error
        # The administrator's own line fails, as it is there already; whatever else does is found by what is then missing.
        await _run(endpoint, "psql", "--quiet", "--no-psqlrc", f"--file={folder / _ROLES}", f"--dbname={_first(endpoint)}")
    for name, database in files.items():
        await _restore(endpoint, database, folder / Path(name).name)
    async with await _connect(endpoint) as connection:
        return [role for role in await _names(connection, _ROLES_OF_PEOPLE, endpoint) if LOGIN in role]


async def _restore(endpoint: JsonObject, database: str, file: Path) -> None:
    for more in (True, True, False):
        try:
            await _run(endpoint, "pg_restore", "--create", "--exit-on-error", f"--dbname={_first(endpoint)}", str(file))
            return
        except Unavailable as error:
            # The server's own process closes a new database to others, in the same moment as this gives its rights.
            if not more or "tuple concurrently updated" not in str(error):
                raise
        async with await _connect(endpoint) as connection:
            await connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(sql.Identifier(database)))
            await connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))


async def _clear(connection: psycopg.AsyncConnection[Any], endpoint: JsonObject) -> None:
    """Drop all databases and roles of people and groups, and end who is connected."""
    for database in await _names(connection, _DATABASES, endpoint):
        await connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(sql.Identifier(database)))
        await connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
    roles = await _names(connection, _ROLES_OF_PEOPLE, endpoint)
    await connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = ANY(%s)", [roles])
    await _drop_roles(connection, roles)


async def _drop_roles(connection: psycopg.AsyncConnection[Any], roles: list[str]) -> None:
    for role in roles:
        await connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
        await connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


async def _names(connection: psycopg.AsyncConnection[Any], query: str, endpoint: JsonObject) -> list[str]:
    found = await connection.execute(query, [bool(endpoint.get("external"))])
    return [name for (name,) in await found.fetchall()]


async def _connect(endpoint: JsonObject) -> psycopg.AsyncConnection[Any]:
    try:
        connection = await psycopg.AsyncConnection.connect(
            host=str(endpoint["host"]), port=str(endpoint["port"]), user=str(endpoint["admin"]),
            password=str(endpoint["admin_password"]), dbname=_first(endpoint), sslmode=str(endpoint.get("sslmode", "prefer")),
            connect_timeout=10, application_name="rsparkhub backup", autocommit=True,
        )  # fmt: skip
        await connection.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(LONGEST_LOCK_WAIT)))
    except psycopg.Error as error:
        raise Unavailable(f"PostgreSQL can't be reached: {str(error).strip()}") from error
    return connection


def _first(endpoint: JsonObject) -> str:
    """Return the database that the administrator connects to."""
    return str(endpoint.get("database", "postgres"))


async def _run(endpoint: JsonObject, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs as the administrator; Unavailable with what it said when it fails."""
    environ = {
        "PATH": os.defpath, "PGHOST": str(endpoint["host"]), "PGPORT": str(endpoint["port"]), "PGUSER": str(endpoint["admin"]),
        "PGPASSWORD": str(endpoint["admin_password"]), "PGAPPNAME": "rsparkhub archive",
        "PGSSLMODE": str(endpoint.get("sslmode", "prefer")),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        _find(endpoint, program), *arguments,
        env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise Unavailable(said.decode(errors="replace").strip())


def _find(endpoint: JsonObject, name: str) -> str:
    """Return a program beside the server, else that of this machine; Unavailable where there is none."""
    beside = str(Path(str(endpoint["programs"])) / name) if endpoint.get("programs") else None
    program = beside if beside and os.access(beside, os.X_OK) else shutil.which(name)  # Debian's is that of its newest
    if program is None:
        raise Unavailable(f"There is no {name} on this machine. Install PostgreSQL's client; it is tried again.")
    return program
