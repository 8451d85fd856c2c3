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
from rsparkhub.services.postgres.dump import GROUP, LOGIN, LONGEST_LOCK_WAIT, dump

log = logging.getLogger(__name__)

#: Since this version a role may get the roles that it makes.
_SELF_GRANT = 160000
#: What a role owns, templates too: who owns a database may make it one.
_DATABASES = "SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE rolname = %s ORDER BY 1"
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
#: Groups in whose databases a person, or a login of theirs, is set to act as the group. It is the mark of a membership of which
#: something is left to be done.
_MARKED_IN = (
    "SELECT DISTINCT datname FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase "
    "JOIN pg_roles ON pg_roles.oid = setrole "
    "WHERE (rolname = %s OR starts_with(rolname, %s)) AND starts_with(datname, %s) ORDER BY 1"
)
#: Rights on a database that its owner does not have of their own; where nothing is said, everybody has some.
_OF_OTHERS = (
    "FROM pg_database CROSS JOIN aclexplode(coalesce(datacl, acldefault('d', datdba))) "
    "LEFT JOIN pg_roles giver ON giver.oid = grantor LEFT JOIN pg_roles other ON other.oid = grantee "
    "WHERE datname = %s AND "
)
#: Who but its owner has given some, and to whom some are given; None is everybody.
_GIVERS = f"SELECT DISTINCT giver.rolname {_OF_OTHERS} grantor <> datdba ORDER BY 1"
_GIVEN = f"SELECT DISTINCT other.rolname {_OF_OTHERS} grantee <> datdba ORDER BY 1"
#: End who is connected to a group's database and is none of its members. A superuser is a member of every role; on a server that
#: others run, those whom the administrator may not end are none of ours.
_END_OTHERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND usename <> current_user "
    "AND pg_has_role(usesysid, 'USAGE') AND NOT pg_has_role(usesysid, %s::name, 'MEMBER')"
)
#: A group's database that has been made for it, and not been handed over yet.
_HALF_MADE = (
    "SELECT FROM pg_database WHERE datname = %s AND starts_with(datname, %s) "
    "AND pg_get_userbyid(datdba) = current_user AND NOT datallowconn"
)
_OWNER = "SELECT pg_get_userbyid(datdba), datistemplate FROM pg_database WHERE datname = %s"
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
            if (await connection.execute(_HALF_MADE, [role, GROUP])).rowcount:
                await _execute(connection, "DROP DATABASE {} WITH (FORCE)", role)
            return
        if role.startswith(GROUP):
            await _give_back(connection, role)  # a member may have made it theirs
        own = await connection.execute(_DATABASES, [role])
        for (database,) in await own.fetchall():
            if database != role and database.startswith(GROUP) and await _exists(connection, database):
                async with _administrator(endpoint, doing="remove") as other:  # its lock is not held while something is dumped
                    await _lock(other, database)
                    await _give_back(other, database)
                continue
            # Neither a template can be dropped nor what is closed be dumped, and who owns it may have made it either.
            await _execute(connection, "ALTER DATABASE {} IS_TEMPLATE false ALLOW_CONNECTIONS true", database)
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
            await connection.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(LONGEST_LOCK_WAIT)))
            yield connection
    except psycopg.errors.LockNotAvailable as problem:
        raise Unavailable(
            f"PostgreSQL could not {doing} the account, as another transaction has held what it needs for {LONGEST_LOCK_WAIT}: "
            "it is tried again."
        ) from problem
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
    found = await connection.execute(_MARKED_IN, [role, role + LOGIN, GROUP])
    left = {group for (group,) in await found.fetchall()} | set(await _groups_of(connection, role))
    for group in sorted(left | wanted):  # all of them first, and in one order: two that wait for each other get nowhere
        await _lock(connection, group)
    for group in sorted(left - wanted):
        await _leave(connection, role=role, logins=logins, group=group)
    for group in sorted(wanted):
        if not await _exists(connection, group):
            # Its database is there before it: from here on one of this name is the group's, and nobody else can have made it.
            await _make_database(connection, group)
            await _execute(connection, "CREATE ROLE {}", group)
        await _mark(connection, group)
        await _give_back(connection, group)
        await _ensure_database(connection, group, title=f"Of the group {group.removeprefix(GROUP)}")
        await _execute(connection, "GRANT {} TO {}", group, role)
        for login in logins:
            await _act_as(connection, login, group)


async def _leave(connection: psycopg.AsyncConnection[Any], *, role: str, logins: Sequence[str], group: str) -> None:
    """End a membership and whatever acts by it; a mark in the group's database stays until all is done, for the next try."""
    marked = [role, *logins] if (await connection.execute(_OWNER, [group])).rowcount else []
    for each in marked:
        await _act_as(connection, each, group)
    if await _exists(connection, group):
        await _execute(connection, "REVOKE {} FROM {}", group, role)
        # Wherever they are connected: who took the group's role there keeps it for as long as the connection lasts.
        await connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = ANY(%s)", [logins])
        await _give_back(connection, group)
    for each in marked:
        await _execute(connection, "ALTER ROLE {} IN DATABASE {} RESET role", each, group)


async def _give_back(connection: psycopg.AsyncConnection[Any], group: str) -> None:
    """See to it that a group's database is the group's alone, whatever its members have typed: each may act as its owner."""
    found = await connection.execute(_OWNER, [group])
    if (row := await found.fetchone()) is None:
        return
    if row != (group, False) or await _names(connection, _GIVERS, group) or await _names(connection, _GIVEN, group):
        async with connection.transaction():  # in between it may be somebody's who is to have nothing of it
            # First, as others who change something of it wait from here on. Anybody may make a copy of a template.
            await _execute(connection, "ALTER DATABASE {} IS_TEMPLATE false", group)
            # A revocation stops at whoever has the right in another way as well, and members have each by the group: CASCADE
            # would not do. But what an owner has given, and what they had been given, is the next owner's.
            for owner in [*await _names(connection, _GIVERS, group), group]:
                await _execute(connection, "ALTER DATABASE {} OWNER TO {}", group, owner or group)
            for other in await _names(connection, _GIVEN, group):
                whom = sql.SQL("PUBLIC") if other is None else sql.Identifier(other)
                await connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM {}").format(sql.Identifier(group), whom))
    # Rights are looked at when somebody connects: who has done so by what they were given stays otherwise.
    await connection.execute(_END_OTHERS, [group, group])


async def _names(connection: psycopg.AsyncConnection[Any], query: str, database: str) -> list[str | None]:
    found = await connection.execute(query, [database])
    return [name for (name,) in await found.fetchall()]


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
    if await _exists(connection, role):
        # What it has handed on goes with what it was given only if it has that in no other way: by the person's role it has all.
        await _execute(connection, "REVOKE {} FROM {}", role, login)
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
    await _make_database(connection, role)
    for step in (
        "ALTER DATABASE {0} OWNER TO {0}",
        "REVOKE ALL ON DATABASE {0} FROM PUBLIC",
        "COMMENT ON DATABASE {0} IS {1}",
        "ALTER DATABASE {0} ALLOW_CONNECTIONS true",
    ):
        await connection.execute(sql.SQL(step).format(sql.Identifier(role), sql.Literal(title)))


async def _make_database(connection: psycopg.AsyncConnection[Any], role: str) -> None:
    """Make the database of this name where there is none yet: the role's, or the administrator's until there is such a role.

    It is closed until it is its owner's alone: by default everybody may connect to a new database.
    """
    await _move_aside(connection, role)
    if (await connection.execute(_OWNER, [role])).rowcount:
        return
    if await _exists(connection, role):
        await _execute(connection, "CREATE DATABASE {} OWNER {} ALLOW_CONNECTIONS false", role, role)
    else:
        await _execute(connection, "CREATE DATABASE {} ALLOW_CONNECTIONS false", role)


async def _move_aside(connection: psycopg.AsyncConnection[Any], role: str) -> None:
    """Rename a database of this name that another person made before this one came: neither may get into the other's."""
    if (await connection.execute(_HALF_MADE, [role, GROUP])).rowcount:
        return
    found = await connection.execute(
        "SELECT rolname, pg_database.oid FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba "
        "WHERE datname = %s AND NOT rolsuper AND rolname <> %s",
        [role, role],
    )
    if (row := await found.fetchone()) is None:
        return
    owner, number = row
    aside = f"{owner}.{role}"[:63]
    if (await connection.execute(_OWNER, [aside])).rowcount:  # of the last time, or made so that this one can't be moved
        aside = f"{number}.{aside}"[:63]
    await _execute(connection, "ALTER DATABASE {} ALLOW_CONNECTIONS false", role)
    await connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [role])
    async with connection.transaction():  # under the new name it is looked for no more
        await _execute(connection, "ALTER DATABASE {} RENAME TO {}", role, aside)
        await _execute(connection, "REVOKE ALL ON DATABASE {} FROM PUBLIC", aside)  # it may be younger than a sweep
        await _execute(connection, "ALTER DATABASE {} ALLOW_CONNECTIONS true", aside)
