"""A person's role and database on the PostgreSQL server, their groups' databases, and the logins of their sessions.

A person is a role that can't log in, and owns what is theirs. Each generation of a session has a login of its own, a member of
that role which acts as it from the first statement on: so `current_user` is the person, and a login can be ended by itself. A
group is a role too, with a database in which its members act as the group: what one makes there is everybody's.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from rspark_contract.reading import JsonObject
from rsparkhub.domain.errors import Unavailable
from rsparkhub.services.postgres.dump import LOGIN, dump

log = logging.getLogger(__name__)

#: Before the name of a group, of which the dot makes a name that no person's id is.
GROUP = "group."

#: Since this version a role may get the roles that it makes.
_SELF_GRANT = 160000
_DATABASES = (
    "SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE rolname = %s AND NOT datistemplate ORDER BY 1"
)
#: Other databases in which a role owns something or has rights, each with its owner.
_HAS_SOMETHING_IN = (
    "SELECT DISTINCT datname, pg_get_userbyid(datdba) FROM pg_shdepend "
    "JOIN pg_database ON pg_database.oid = dbid JOIN pg_roles ON pg_roles.oid = refobjid "
    "WHERE refclassid = 'pg_authid'::regclass AND rolname = %s AND datallowconn ORDER BY 1"
)
_MEMBER_OF = (
    "SELECT granted.rolname FROM pg_auth_members JOIN pg_roles granted ON granted.oid = roleid "
    "JOIN pg_roles member ON member.oid = member WHERE member.rolname = %s AND starts_with(granted.rolname, %s) ORDER BY 1"
)
#: Who has given rights on a database to whom, beside its owner; None is everybody.
_GIVEN = (
    "SELECT DISTINCT giver.rolname, other.rolname FROM pg_database CROSS JOIN aclexplode(datacl) "
    "JOIN pg_roles giver ON giver.oid = grantor LEFT JOIN pg_roles other ON other.oid = grantee "
    "WHERE datname = %s AND grantee <> datdba"
)
_LOGINS = "SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s) ORDER BY 1"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a session may use of the server.

    `connections` is how many it may have open at once; `settings` are set for each of them, and a session may change all but the
    limit of temporary files.
    """

    connections: int = 20
    settings: dict[str, str] = field(default_factory=dict)


async def ensure(endpoint: JsonObject, *, role: str, user: str, groups: Sequence[str], limits: Limits) -> None:
    """Make the role and the database, or mend what is there; the role is a member of these groups, and of no others.

    Every step may be done again, by two controllers at once, and after a crash in the middle of the last call.

    Raises
    ------
    Unavailable
        When the server can't be reached, or refuses.
    """
    async with _administrator(endpoint, doing="make") as connection:
        await _lock(connection, role)
        await _ensure_role(connection, role=role, may_make_databases=not endpoint.get("external"), limits=limits)
        await _ensure_database(connection, role, title=f"Of {user}")
        await _ensure_groups(connection, role=role, groups=groups)


async def open_login(endpoint: JsonObject, *, role: str, login: str, password: str, limits: Limits) -> None:
    """Let a session log in with this password, or mend what is there; there is an account.

    Raises
    ------
    Unavailable
        When the server can't be reached, or refuses.
    """
    async with _administrator(endpoint, doing="open") as connection:
        await _lock(connection, role)
        if not await _exists(connection, login):
            await _execute(connection, "CREATE ROLE {} IN ROLE {}", login, role)
            await _mark(connection, login)
        await _execute(connection, "GRANT {} TO {}", role, login)
        # Only the verifier travels, so that no log of the server can hold the password.
        verifier = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
        await connection.execute(
            sql.SQL("ALTER ROLE {} LOGIN CONNECTION LIMIT {} PASSWORD {}").format(
                sql.Identifier(login), sql.Literal(limits.connections), sql.Literal(verifier)
            )
        )
        # What is set for the role is not for its members; people set things for themselves there.
        found = await connection.execute("SELECT unnest(rolconfig) FROM pg_roles WHERE rolname = %s", [role])
        for (setting,) in await found.fetchall():
            name, _, value = setting.partition("=")
            await _set(connection, login, name, value)
        await _set(connection, login, "role", role)
        for group in await _groups_of(connection, role):
            await _act_as(connection, login, group)


async def close_login(endpoint: JsonObject, *, role: str, login: str) -> None:
    """End a login and its connections; what it made by itself is the person's. There may be none.

    Raises
    ------
    Unavailable
        When the server can't be reached, or refuses.
    """
    async with _administrator(endpoint, doing="close") as connection:
        await _lock(connection, role)
        await _remove_login(endpoint, connection, role=role, login=login)


async def close(endpoint: JsonObject, *, role: str) -> None:
    """Let a person sign in no more, and end their connections; their databases stay.

    Raises
    ------
    Unavailable
        When the server can't be reached, or refuses.
    """
    async with _administrator(endpoint, doing="close") as connection:
        await _lock(connection, role)
        found = await connection.execute(_LOGINS, [role + LOGIN])
        for (login,) in await found.fetchall():
            await _close(connection, login)
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
        found = await connection.execute(_LOGINS, [role + LOGIN])
        for (login,) in await found.fetchall():
            await _remove_login(endpoint, connection, role=role, login=login)
        if not await _close(connection, role):
            return
        own = await connection.execute(_DATABASES, [role])
        for (database,) in await own.fetchall():
            if database != role and database.startswith(GROUP) and await _exists(connection, database):
                await _give_back(connection, database)
                continue
            if archive is not None:
                await dump(endpoint, database, archive / f"{database}.dump")
            await _execute(connection, "DROP DATABASE {} WITH (FORCE)", database)
        others = await connection.execute(_HAS_SOMETHING_IN, [role])
        for database, owner in await others.fetchall():
            async with _administrator(endpoint, doing="remove", database=database) as inside:
                await _execute(inside, "REASSIGN OWNED BY {} TO {}", role, owner)
                await _execute(inside, "DROP OWNED BY {}", role)
        await _execute(connection, "DROP OWNED BY {}", role)
        await _execute(connection, "DROP ROLE {}", role)


async def _lock(connection: psycopg.AsyncConnection[Any], role: str) -> None:
    """Take the session's own lock: the second controller waits here, and then finds all done."""
    await connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", ["rsparkhub account " + role])


async def _close(connection: psycopg.AsyncConnection[Any], role: str) -> bool:
    """Return whether there is such a role, which now can't sign in and is connected nowhere."""
    if not await _exists(connection, role):
        return False
    await _execute(connection, "ALTER ROLE {} NOLOGIN", role)
    # Whoever signed in before the line above is here by now, also one who has taken another role since.
    await connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s AND pid <> pg_backend_pid()", [role]
    )
    return True


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
            dbname=str(endpoint.get("database", database)) if database == "postgres" else database,
            password=str(endpoint["admin_password"]),
            sslmode=str(endpoint.get("sslmode", "prefer")),
            connect_timeout=10,
            application_name="rsparkhub",
            autocommit=True,  # CREATE DATABASE allows no transaction around it
        ) as connection:
            # A database service's administrator is no superuser; it gets what it makes.
            if not await _is_superuser(connection) and connection.info.server_version >= _SELF_GRANT:
                await connection.execute("SET createrole_self_grant = 'set, inherit'")
            yield connection
    except psycopg.OperationalError as problem:  # it is away, or ending, or full: what it says is for the log
        log.warning("PostgreSQL could not make an account: %s", str(problem).strip())
        raise Unavailable("PostgreSQL could not make the account: it does not answer at the moment.") from problem
    except psycopg.Error as problem:
        raise Unavailable(f"PostgreSQL could not {doing} the account: {str(problem).strip()}") from problem


async def _ensure_role(connection: psycopg.AsyncConnection[Any], *, role: str, may_make_databases: bool, limits: Limits) -> None:
    if not await _exists(connection, role):
        # How many databases they may have is limited by the server's own process
        # (`rspark_session.services.postgres.housekeeping`).
        await _execute(connection, f"CREATE ROLE {{}} {'CREATEDB' if may_make_databases else ''}", role)
    await _execute(connection, "ALTER ROLE {} NOLOGIN NOCREATEROLE PASSWORD NULL", role)
    await _mark(connection, role)
    for name, value in limits.settings.items():
        if name != "temp_file_limit" or await _is_superuser(connection):
            await _set(connection, role, name, value)


async def _ensure_groups(connection: psycopg.AsyncConnection[Any], *, role: str, groups: Sequence[str]) -> None:
    """Make the person a member of their groups, each with its database, and of no others; logins that are open follow."""
    wanted = {f"{GROUP}{group}" for group in groups}
    found = await connection.execute(_LOGINS, [role + LOGIN])
    logins = [login for (login,) in await found.fetchall()]
    for group in set(await _groups_of(connection, role)) - wanted:
        await _execute(connection, "REVOKE {} FROM {}", group, role)
        for login in logins:
            await _execute(connection, "ALTER ROLE {} IN DATABASE {} RESET role", login, group)
        # Wherever they are connected: who took the group's role there keeps it for as long as the connection lasts.
        await connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = ANY(%s)", [logins])
        await _give_back(connection, group)
    for group in sorted(wanted):
        await _lock(connection, group)
        if not await _exists(connection, group):
            await _move_aside(connection, group)  # from here on a database of this name is the group's
            await _execute(connection, "CREATE ROLE {}", group)
        await _mark(connection, group)
        await _give_back(connection, group)
        await _ensure_database(connection, group, title=f"Of the group {group.removeprefix(GROUP)}")
        await _execute(connection, "GRANT {} TO {}", group, role)
        for login in logins:
            await _act_as(connection, login, group)


async def _give_back(connection: psycopg.AsyncConnection[Any], group: str) -> None:
    """See to it that a group's database is the group's alone, whatever its members have typed: each may act as its owner."""
    found = await connection.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [group])
    owner = await found.fetchone()
    if owner is None:
        return
    if owner != (group,):
        await _execute(connection, "ALTER DATABASE {} OWNER TO {}", group, group)
    found = await connection.execute(_GIVEN, [group])
    given = {(giver, other) for giver, other in await found.fetchall()}
    while given:
        # What somebody has handed on goes before what they have: with that, nobody could take it back in their name any more.
        last = {each for each in given if each[1] not in {giver for giver, _ in given}} or given
        for giver, other in last:
            whom = sql.SQL("PUBLIC") if other is None else sql.Identifier(other)
            await _execute(connection, "SET ROLE {}", giver)
            await connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM {}").format(sql.Identifier(group), whom))
            await connection.execute("RESET ROLE")
        given -= last


async def _groups_of(connection: psycopg.AsyncConnection[Any], role: str) -> list[str]:
    found = await connection.execute(_MEMBER_OF, [role, GROUP])
    return [group for (group,) in await found.fetchall()]


async def _act_as(connection: psycopg.AsyncConnection[Any], login: str, group: str) -> None:
    """Have a login act as a group in the group's database: what it makes there is the group's."""
    await connection.execute(
        sql.SQL("ALTER ROLE {} IN DATABASE {} SET role = {}").format(
            sql.Identifier(login), sql.Identifier(group), sql.Literal(group)
        )
    )


async def _remove_login(endpoint: JsonObject, connection: psycopg.AsyncConnection[Any], *, role: str, login: str) -> None:
    if not await _close(connection, login):
        return
    others = await connection.execute(_HAS_SOMETHING_IN, [login])
    for database, _ in await others.fetchall():
        async with _administrator(endpoint, doing="close", database=database) as inside:
            await _execute(inside, "REASSIGN OWNED BY {} TO {}", login, role)
            await _execute(inside, "DROP OWNED BY {}", login)
    await _execute(connection, "REASSIGN OWNED BY {} TO {}", login, role)
    await _execute(connection, "DROP OWNED BY {}", login)
    await _execute(connection, "DROP ROLE {}", login)


async def _exists(connection: psycopg.AsyncConnection[Any], role: str) -> bool:
    return bool((await connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])).rowcount)


async def _is_superuser(connection: psycopg.AsyncConnection[Any]) -> bool:
    return connection.info.parameter_status("is_superuser") == "on"


async def _execute(connection: psycopg.AsyncConnection[Any], statement: str, *names: str) -> None:
    """Execute a statement in which each pair of braces stands for a name."""
    await connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


async def _mark(connection: psycopg.AsyncConnection[Any], role: str) -> None:
    """Write of a role that it is ours: a server that others run has theirs beside it."""
    await _execute(connection, "COMMENT ON ROLE {} IS 'RSparkHub'", role)


async def _set(connection: psycopg.AsyncConnection[Any], role: str, name: str, value: str) -> None:
    await connection.execute(
        sql.SQL("ALTER ROLE {} SET {} = {}").format(sql.Identifier(role), sql.Identifier(name), sql.Literal(value))
    )


async def _ensure_database(connection: psycopg.AsyncConnection[Any], role: str, *, title: str) -> None:
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
