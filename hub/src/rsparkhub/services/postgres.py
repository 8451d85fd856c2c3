"""The shared PostgreSQL server: how it starts, and how a person gets a role and a database of their own on it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import sql

from rspark_contract.ensemble import ComponentSpec, SecretFile
from rsparkhub.domain.errors import Unavailable
from rsparkhub.services.access import ServiceAccess

#: Names that a person may have, and that PostgreSQL or the sample database has already taken.
TAKEN = frozenset({"postgres", "flights", "template0", "template1", "public", "none"})
#: One person's open connections; the server has 200 for all.
CONNECTIONS = 20


def server_parts() -> tuple[ComponentSpec, ...]:
    """Give the parts of the ensemble that is the shared server."""
    endpoint = "{run}/postgres.json"
    command = (
        "{python}",
        "-m",
        "rspark_session.services.postgres",
        "--data",
        "{data}",
        "--endpoint",
        endpoint,
        "--host",
        "{host}",
    )
    return (ComponentSpec(name="postgres", title="PostgreSQL", command=command, ready={"file": endpoint}, stop_timeout=30.0),)


def role_of(user: str) -> str:
    """Name a person's role and database: the person's own name, or one that no person can have where it is taken."""
    taken = user in TAKEN or user.startswith("pg_")
    return f"user.{user}" if taken else user


async def ensure_account(endpoint: Mapping[str, Any], *, user: str, password: str) -> None:
    """Make the person's role and database, or mend what is there, so that the password works.

    Every step may be done again, by two controllers at once, and after a crash in the middle of the last call.

    Raises
    ------
    Unavailable
        When the server can't be reached, or refuses.
    """
    role = role_of(user)
    async with _administrator(endpoint) as connection:
        # The session's own lock: the second controller waits here, and then finds all done.
        await connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", ["rsparkhub account " + role])
        await _ensure_role(connection, role=role, password=password)
        await _ensure_database(connection, role=role, title=f"Of {user}")


def access(endpoint: Mapping[str, Any], *, user: str, password: str) -> ServiceAccess:
    """Give what a person's session needs to connect without a password or an address in code."""
    role, host, port = role_of(user), str(endpoint["host"]), str(endpoint["port"])
    # The wildcard: the same account also opens the sample database. Where services have names, it has that of the first RSpark.
    hosts = [host] if host == "127.0.0.1" else [host, "postgres"]
    lines = [":".join([_escaped(known), port, "*", _escaped(role), _escaped(password)]) for known in hosts]
    return ServiceAccess(
        environ={"PGHOST": host, "PGPORT": port, "PGUSER": role, "PGDATABASE": role, "PGPASSFILE": "{run}/pgpass"},
        files=(SecretFile(path="pgpass", content="".join(f"{line}\n" for line in lines)),),
    )


def _escaped(field: str) -> str:
    """Write a field of a password file, in which colons and backslashes have a meaning."""
    return field.replace("\\", "\\\\").replace(":", "\\:")


@asynccontextmanager
async def _administrator(endpoint: Mapping[str, Any]) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    if "admin_password" not in endpoint:
        raise Unavailable(
            "PostgreSQL still runs as an earlier version of RSparkHub started it. Run `make down`, then start again."
        )
    try:
        async with await psycopg.AsyncConnection.connect(
            host=endpoint["host"],
            port=endpoint["port"],
            user=endpoint["admin"],
            dbname="postgres",
            password=endpoint["admin_password"],
            connect_timeout=10,
            application_name="rsparkhub",
            autocommit=True,  # CREATE DATABASE allows no transaction around it
        ) as connection:
            yield connection
    except psycopg.Error as problem:
        raise Unavailable(f"PostgreSQL could not make the account: {str(problem).strip()}") from problem


async def _ensure_role(connection: psycopg.AsyncConnection[Any], *, role: str, password: str) -> None:
    found = await connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
    verb = sql.SQL("ALTER" if found.rowcount else "CREATE")
    # Only the verifier travels, so that no log of the server can hold the password.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    await connection.execute(
        sql.SQL(
            "{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS "
            "CONNECTION LIMIT {most} PASSWORD {verifier}"
        ).format(verb=verb, role=sql.Identifier(role), most=sql.Literal(CONNECTIONS), verifier=sql.Literal(verifier))
    )


async def _ensure_database(connection: psycopg.AsyncConnection[Any], *, role: str, title: str) -> None:
    name = sql.Identifier(role)
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
