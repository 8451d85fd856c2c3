"""People and the groups they are in."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from rsparkhub.domain.errors import Conflict, InvalidInput, NotFound
from rsparkhub.domain.session import Wanted
from rsparkhub.domain.user import USER_NAME, User
from rsparkhub.store.admission_queue import lock_queue
from rsparkhub.store.database import AnyRow, Connection, Database
from rsparkhub.store.desired import set_wanted
from rsparkhub.store.notifier import Notifier
from rsparkhub.store.rows import SESSION_COLUMNS, to_session
from rsparkhub.store.tables import groups, logins, members, service_accounts, sessions, sign_in_links, users

#: Everybody is in it without being written down.
EVERYONE = "everyone"
#: How exactly it is known when somebody was last seen; a write for each request would cost too much.
SEEN_EVERY = timedelta(minutes=1)

USER_COLUMNS = (
    users.c.name,
    users.c.admin,
    users.c.created,
    users.c.last_seen,
    users.c.password_hash.is_not(None).label("has_password"),
    members.c.group,
)
_PEOPLE = sa.select(*USER_COLUMNS).select_from(users.outerjoin(members)).order_by(users.c.name)
_ONE = _PEOPLE.where(users.c.name == sa.bindparam("b_name"))
_HASHES = sa.select(sa.func.count(users.c.password_hash))
_SOME_HASH = (
    sa.select(users.c.password_hash)
    .where(users.c.password_hash.is_not(None))
    .order_by(users.c.name)
    .limit(1)
    .offset(sa.bindparam("b_number"))
)
_HASH = sa.select(users.c.password_hash).where(users.c.name == sa.bindparam("b_name"))
_SET_HASH = (
    sa.update(users)
    .where(users.c.name == sa.bindparam("b_name"))
    .values(password_hash=sa.bindparam("b_hash"))
    .returning(users.c.name)
)
_RENEW_HASH = (
    sa.update(users)
    .where(users.c.name == sa.bindparam("b_name"), users.c.password_hash == sa.bindparam("b_old"))
    .values(password_hash=sa.bindparam("b_hash"))
    .returning(users.c.name)
)
_SEEN = (
    sa.update(users)
    .where(
        users.c.name == sa.bindparam("b_name"),
        sa.or_(users.c.last_seen.is_(None), users.c.last_seen < sa.bindparam("b_before")),
    )
    .values(last_seen=sa.bindparam("b_now"))
    .returning(users.c.name)
)
_REMOVE = sa.delete(users).where(users.c.name == sa.bindparam("b_name")).returning(users.c.name)
_ADMINS_FOR_UPDATE = sa.select(users.c.name).where(users.c.admin).order_by(users.c.name).with_for_update()
_REMOVE_ACCOUNTS = sa.delete(service_accounts).where(service_accounts.c.user_name == sa.bindparam("b_name"))
_SESSIONS_FOR_UPDATE = (
    sa.select(*SESSION_COLUMNS)
    .where(sessions.c.owner == sa.bindparam("b_name"), sessions.c.wanted != Wanted.DELETED.value)
    .order_by(sessions.c.id)
    .with_for_update()
)
_END_LINKS = sa.delete(sign_in_links).where(sign_in_links.c.user_name == sa.bindparam("b_name"))
_END_LOGINS = sa.delete(logins).where(logins.c.user_name == sa.bindparam("b_name"))
_GROUP_FOR_UPDATE = sa.select(groups.c.name).where(groups.c.name == sa.bindparam("b_name")).with_for_update()
_EMPTY_GROUP = sa.delete(members).where(members.c.group == sa.bindparam("b_name"))
_REMOVE_GROUP = sa.delete(groups).where(groups.c.name == sa.bindparam("b_name")).returning(groups.c.name)
_GROUPS = (
    sa.select(groups.c.name, groups.c.created, members.c.user_name)
    .select_from(groups.outerjoin(members))
    .order_by(groups.c.name, members.c.user_name)
)


@dataclass(frozen=True, kw_only=True)
class Group:
    name: str
    created: datetime
    members: frozenset[str] = frozenset()


class Users:
    """Who may sign in, and in which groups they are."""

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    async def add(self, name: str, *, admin: bool = False, password_hash: str | None = None, now: datetime) -> User:
        """Add a user.

        Raises
        ------
        InvalidInput
            When the name is not one that a database role and a folder may have.
        Conflict
            When there is a user of this name.
        """
        check_name(name, "A user's name")
        statement = self._database.insert(users).on_conflict_do_nothing().returning(users.c.name)
        values = {"name": name, "admin": admin, "created": now, "password_hash": password_hash}
        if not await self._database.change(statement, values):
            raise Conflict(f"There is a user called {name} already.")
        return User(name=name, admin=admin, created=now, has_password=password_hash is not None)

    async def get(self, name: str) -> User:
        """Return a user; NotFound when there is none of this name."""
        found = to_users(await self._database.read(_ONE, {"b_name": name}))
        if not found:
            raise NotFound(f"There is no user called {name}.")
        return found[0]

    async def remove(self, name: str, *, by: str | None = None, now: datetime) -> None:
        """Delete a user with every way to sign in, and have their sessions deleted; the home stays.

        Raises
        ------
        NotFound
            When there is none of this name.
        Conflict
            When nobody else is an administrator.
        """

        async def work(connection: Connection) -> list[str]:
            await lock_queue(connection, self._database)
            admins = {row[0] for row in await connection.rows(_ADMINS_FOR_UPDATE)}
            if admins == {name}:
                raise Conflict(f"{name} is the only administrator. Add another administrator first.")
            # The user goes first: from here on nobody makes a session of theirs.
            if not await connection.rows(_REMOVE, {"b_name": name}):
                raise NotFound(f"There is no user called {name}.")
            await connection.rows(_REMOVE_ACCOUNTS, {"b_name": name})
            left = [to_session(row) for row in await connection.rows(_SESSIONS_FOR_UPDATE, {"b_name": name})]
            for session in left:
                await set_wanted(connection, self._database, session, Wanted.DELETED, by=by, now=now)
            return [session.id for session in left]

        await self._notifier.notify(*await self._database.write(work))

    async def set_password_hash(self, name: str, password_hash: str | None) -> None:
        """Write or delete the hash of a password, and end every sign-in and unused link of that user; NotFound for nobody."""

        async def work(connection: Connection) -> None:
            if not await connection.rows(_SET_HASH, {"b_name": name, "b_hash": password_hash}):
                raise NotFound(f"There is no user called {name}.")
            await connection.rows(_END_LOGINS, {"b_name": name})
            await connection.rows(_END_LINKS, {"b_name": name})

        await self._database.write(work)

    async def renew_password_hash(self, name: str, *, old: str, new: str) -> None:
        """Write a hash of the same password in place of `old`, if that is still there; nobody is signed out."""
        await self._database.change(_RENEW_HASH, {"b_name": name, "b_old": old, "b_hash": new})

    async def some_password_hash(self, number: int) -> str | None:
        """Return the hash of somebody's password, the same for a number while nobody's changes; None where nobody has one."""
        count = (await self._database.read(_HASHES))[0][0]
        if not count:
            return None
        found = await self._database.read(_SOME_HASH, {"b_number": number % count})
        return found[0][0] if found else None

    async def password_hash(self, name: str) -> str | None:
        """Return the hash of a password; None when there is none, or no such user."""
        found = await self._database.read(_HASH, {"b_name": name})
        return found[0][0] if found else None

    async def seen(self, name: str, now: datetime) -> None:
        """Write that a user was here; to the minute."""
        await self._database.change(_SEEN, {"b_name": name, "b_now": now, "b_before": now - SEEN_EVERY})

    async def add_group(self, name: str, *, members: Iterable[str] = (), now: datetime) -> Group:
        """Add a group.

        Raises
        ------
        InvalidInput
            When it is not a name for a group, or everybody's.
        Conflict
            When there is one of this name.
        NotFound
            When somebody who is to be in it does not exist.
        """
        check_name(name, "A group's name")
        if name == EVERYONE:
            raise InvalidInput("Everybody is in the group everyone. Choose another name.")
        chosen = frozenset(members)

        async def work(connection: Connection) -> None:
            statement = self._database.insert(groups).on_conflict_do_nothing().returning(groups.c.name)
            if not await connection.rows(statement, {"name": name, "created": now}):
                raise Conflict(f"There is a group called {name} already.")
            await _join(connection, name, chosen)

        await self._database.write(work)
        return Group(name=name, created=now, members=chosen)

    async def remove_group(self, name: str) -> None:
        """Remove a group; the users stay. NotFound when there is none."""
        if not await self._database.change(_REMOVE_GROUP, {"b_name": name}):
            raise NotFound(f"There is no group called {name}.")

    async def set_members(self, name: str, members: Iterable[str]) -> None:
        """Write who is in a group; NotFound when the group or one of the users does not exist."""
        chosen = frozenset(members)

        async def work(connection: Connection) -> None:
            if not await connection.rows(_GROUP_FOR_UPDATE, {"b_name": name}):
                raise NotFound(f"There is no group called {name}.")
            await connection.rows(_EMPTY_GROUP, {"b_name": name})
            await _join(connection, name, chosen)

        await self._database.write(work)

    async def list_groups(self) -> list[Group]:
        """Return the groups, by name; the group of everybody is not among them."""
        found: dict[str, Group] = {}
        for name, created, user_name in await self._database.read(_GROUPS):
            known = found.get(name, Group(name=name, created=created))
            found[name] = replace(known, members=known.members | {user_name}) if user_name else known
        return list(found.values())

    async def list(self) -> list[User]:
        """Return all users, by name."""
        return to_users(await self._database.read(_PEOPLE))


def to_users(found: Iterable[AnyRow], *, skip: int = 0) -> list[User]:
    """Read users from rows whose columns after `skip` are `USER_COLUMNS`, one row for each group that somebody is in."""
    users: dict[str, User] = {}
    for row in found:
        name, admin, created, last_seen, has_password, group = row[skip : skip + len(USER_COLUMNS)]
        user = users.get(name) or User(
            name=name, admin=admin, created=created, last_seen=last_seen, has_password=bool(has_password)
        )
        users[name] = replace(user, groups=user.groups | {group}) if group else user
    return list(users.values())


def check_name(name: str, what: str) -> None:
    """Refuse a name that a folder, a database role or a label can't have."""
    if not USER_NAME.fullmatch(name):
        raise InvalidInput(
            f"{what} has at most 32 lower-case letters, digits, hyphens and underscores, and begins with a letter. "
            "Choose another one."
        )


async def _join(connection: Connection, group: str, chosen: frozenset[str]) -> None:
    if not chosen:
        return
    known = {row[0] for row in await connection.rows(sa.select(users.c.name).where(users.c.name.in_(sorted(chosen))))}
    if chosen - known:
        raise NotFound(f"There is no user called {min(chosen - known)}.")
    await connection.rows(sa.insert(members), [{"user_name": user_name, "group": group} for user_name in sorted(chosen)])
