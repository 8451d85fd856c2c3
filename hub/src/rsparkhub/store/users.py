"""People and the groups they are in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from rsparkhub.domain.course import MemberRole
from rsparkhub.domain.errors import Conflict, InvalidInput, NotFound
from rsparkhub.domain.event import GroupData, PersonData
from rsparkhub.domain.roster import RosterRow
from rsparkhub.domain.session import LIVE, Sleep, State, Wanted
from rsparkhub.domain.user import EVERYONE, USER_NAME, Data, User
from rsparkhub.store.admission_queue import lock_queue
from rsparkhub.store.database import AnyRow, Connection, Database
from rsparkhub.store.desired import set_wanted
from rsparkhub.store.events import By, insert_of_people
from rsparkhub.store.left_groups import group_event, insert_group, mark_group_removed
from rsparkhub.store.notifier import Notifier, key_of_group, key_of_secret, key_of_user
from rsparkhub.store.people import mark_removed, new_person
from rsparkhub.store.rows import SESSION_COLUMNS, to_session
from rsparkhub.store.service_accounts import members_changed, want_accounts
from rsparkhub.store.tables import groups, logins, members, sessions, shares, sign_in_links, tokens, users

#: How exactly it is known when somebody was last seen; a write for each request would cost too much.
SEEN_EVERY = timedelta(minutes=1)

USER_COLUMNS = (
    users.c.name,
    users.c.admin,
    users.c.created,
    users.c.last_seen,
    users.c.password_hash.is_not(None).label("has_password"),
    users.c.id,
    users.c.disabled,
    users.c.full_name,
    users.c.email,
    members.c.group,
    members.c.role,
)
PEOPLE = sa.select(*USER_COLUMNS).select_from(users.outerjoin(members)).order_by(users.c.name)
_ONE = PEOPLE.where(users.c.name == sa.bindparam("b_name"))
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
    .returning(users.c.id)
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
_REMOVE = sa.delete(users).where(users.c.name == sa.bindparam("b_name")).returning(users.c.id)
_ADMINS_FOR_UPDATE = (
    sa.select(users.c.name).where(users.c.admin, users.c.disabled.is_(None)).order_by(users.c.name).with_for_update()
)
_SET_ID = sa.update(users).where(users.c.name == sa.bindparam("b_name")).values(id=sa.bindparam("b_id"))
_SET_DISABLED = (
    sa.update(users)
    .where(users.c.name == sa.bindparam("b_name"))
    .values(disabled=sa.bindparam("b_disabled"))
    .returning(users.c.id)
)
_SESSIONS_FOR_UPDATE = (
    sa.select(*SESSION_COLUMNS)
    .where(sessions.c.owner == sa.bindparam("b_id"), sessions.c.wanted != Wanted.DELETED.value)
    .order_by(sessions.c.id)
    .with_for_update()
)
_END_LINKS = sa.delete(sign_in_links).where(sign_in_links.c.user_name == sa.bindparam("b_name"))
_END_LOGINS = sa.delete(logins).where(logins.c.user_name == sa.bindparam("b_name")).returning(logins.c.digest)
_END_TOKENS = sa.delete(tokens).where(tokens.c.user_name == sa.bindparam("b_name")).returning(tokens.c.digest)
_END_SHARES_WITH = sa.delete(shares).where(shares.c.person == sa.bindparam("b_id"))
_END_SHARES_WITH_GROUP = sa.delete(shares).where(shares.c.group == sa.bindparam("b_name"))
_IDS_OF = sa.select(users.c.id).where(users.c.name.in_(sa.bindparam("b_names", expanding=True)))
_GROUP_FOR_UPDATE = sa.select(groups.c.name).where(groups.c.name == sa.bindparam("b_name")).with_for_update()
_MEMBERS = sa.select(members.c.user_name).where(members.c.group == sa.bindparam("b_name"))
_LEAVE = sa.delete(members).where(
    members.c.group == sa.bindparam("b_name"), members.c.user_name.in_(sa.bindparam("b_names", expanding=True))
)
_SET_ROLE = (
    sa.update(members)
    .where(
        members.c.group == sa.bindparam("b_group"),
        members.c.user_name.in_(sa.bindparam("b_names", expanding=True)),
        members.c.role != sa.bindparam("b_role"),
    )
    .values(role=sa.bindparam("b_role"))
    .returning(members.c.user_name)
)
_REMOVE_GROUP = sa.delete(groups).where(groups.c.name == sa.bindparam("b_name")).returning(groups.c.name)
_GROUPS = (
    sa.select(groups.c.name, groups.c.created, groups.c.instructors_view, members.c.user_name, members.c.role)
    .select_from(groups.outerjoin(members))
    .order_by(groups.c.name, members.c.user_name)
)


@dataclass(frozen=True, kw_only=True)
class Group:
    name: str
    created: datetime
    members: frozenset[str] = frozenset()
    instructors: frozenset[str] = frozenset()
    instructors_view: bool = False


class Users:
    """Who may sign in, and in which groups they are.

    What is changed `by` somebody stands in the audit.
    """

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    async def add(
        self,
        name: str,
        *,
        admin: bool = False,
        password_hash: str | None = None,
        groups: Iterable[str] = (),
        by: By | None = None,
        now: datetime,
    ) -> User:
        """Add a user, who is in these groups from the first; a group that is not there is made.

        Raises
        ------
        InvalidInput
            When a name is not one that a database role and a folder may have, or the group is everybody's.
        Conflict
            When there is a user of this name.
        """
        check_name(name, "A user's name")
        chosen = frozenset(groups)
        for group in chosen:
            _check_group(group)

        async def work(connection: Connection) -> str:
            person_id = await insert_user(connection, self._database, name, admin=admin, password_hash=password_hash, now=now)
            if person_id is None:
                raise Conflict(f"There is a user called {name} already.")
            await self._note(connection, PersonData(change="added", admin=admin), by=by, owner=person_id)
            for group in sorted(chosen):
                await self._add_members(connection, group, frozenset({name}), by=by, now=now)
            return person_id

        person_id = await self._database.write(work)
        return User(id=person_id, name=name, admin=admin, created=now, groups=chosen, has_password=password_hash is not None)

    async def add_all(self, rows: Sequence[RosterRow], *, by: By) -> tuple[list[str], list[str]]:
        """Add the people of a list and put them into their groups, which are made where they are not there; all or nothing.

        Returns
        -------
        The names of those who were added, and of those who were there already: they get what the list says of them, and are in
        the group too.
        """
        of_group, teaching, learning = dict[str, set[str]](), dict[str, set[str]](), dict[str, set[str]]()
        for row in rows:
            if row.group is not None:
                of_group.setdefault(row.group, set()).add(row.name)
            if row.group is not None and row.instructor is not None:
                (teaching if row.instructor else learning).setdefault(row.group, set()).add(row.name)

        async def work(connection: Connection) -> tuple[list[str], list[str], list[str]]:
            added, there, keys = list[str](), list[str](), [key_of_group(group) for group in teaching]
            for row in rows:
                person_id = await insert_user(connection, self._database, row.name, now=by.at)
                (added if person_id is not None else there).append(row.name)
                said = {"full_name": row.full_name, "email": row.email}
                said = {column: value for column, value in said.items() if value is not None}
                if said:
                    await connection.rows(sa.update(users).where(users.c.name == row.name).values(**said))
                if person_id is not None:
                    await self._note(connection, PersonData(change="added", admin=False), by=by, owner=person_id)
            for group, chosen in sorted(of_group.items()):
                await self._add_members(connection, group, frozenset(chosen), by=by, now=by.at)
                await make_instructors(connection, self._database, group, teaching.get(group, set()), by=by)
                ended = await set_role(connection, group, learning.get(group, set()), MemberRole.MEMBER)
                if ended:
                    await self._note(connection, group_event("instructors", group, left=ended), by=by)
                    keys += [*await keys_of_users(connection, ended), key_of_group(group)]
            return added, there, keys

        added, there, keys = await self._database.write(work)
        await self._notifier.notify(*keys, about="revoked")
        return added, there

    async def _add_members(
        self, connection: Connection, group: str, chosen: frozenset[str], *, by: By | None, now: datetime
    ) -> None:
        made = await insert_group(connection, self._database, group, now=now)
        await connection.rows(_GROUP_FOR_UPDATE, {"b_name": group})
        joined = chosen - await members_of(connection, group)
        await join(connection, group, joined)
        if made or joined:
            await self._note(connection, group_event("added" if made else "members", group, joined=joined), by=by)

    async def get(self, name: str) -> User:
        """Return a user; NotFound when there is none of this name."""
        found = to_users(await self._database.read(_ONE, {"b_name": name}))
        if not found:
            raise NotFound(f"There is no user called {name}.")
        return found[0]

    async def remove(self, name: str, *, data: Data = Data.KEEP, by: str | None = None, now: datetime) -> None:
        """Delete a user with every way to sign in, and have their sessions deleted and their accounts on services closed.

        A controller does with their home and their databases what `data` says.

        Raises
        ------
        NotFound
            When there is none of this name.
        Conflict
            When nobody else is an administrator.
        """

        async def work(connection: Connection) -> list[str]:
            await lock_queue(connection, self._database)
            await _refuse_only_administrator(connection, name)
            # The user goes first: from here on nobody makes a session of theirs.
            gone = await connection.rows(_REMOVE, {"b_name": name})
            if not gone:
                raise NotFound(f"There is no user called {name}.")
            person_id = str(gone[0][0])
            await mark_removed(connection, person_id, data=data, now=now)
            await connection.rows(_END_SHARES_WITH, {"b_id": person_id})
            await want_accounts(connection, person_id, data)
            left = await self._want_sessions(connection, person_id, Wanted.DELETED, by=by, now=now)
            await self._note(connection, PersonData(change="removed", data=data.value), by=_by(by, now), owner=person_id)
            return [person_id, *left]

        person_id, *left = await self._database.write(work)
        await self._notifier.notify(*left)
        await self._notifier.notify(key_of_user(person_id), about="revoked")

    async def disable(self, name: str, *, by: str | None = None, now: datetime) -> None:
        """Let a user sign in no more, until `enable`.

        Their sign-ins and links end, their tokens rest, their sessions are put to sleep, and their accounts on services closed.

        Raises
        ------
        NotFound
            When there is none of this name.
        Conflict
            When nobody else is an administrator.
        """

        async def work(connection: Connection) -> list[str]:
            await lock_queue(connection, self._database)
            await _refuse_only_administrator(connection, name)
            person_id = await self._set_disabled(connection, name, now)
            await connection.rows(_END_LOGINS, {"b_name": name})
            await connection.rows(_END_LINKS, {"b_name": name})
            await want_accounts(connection, person_id, "closed")
            reason = "Whose session this is was disabled."
            put = await self._want_sessions(connection, person_id, Wanted.SUSPENDED, by=by, reason=reason, now=now)
            await self._note(connection, PersonData(change="disabled"), by=_by(by, now), owner=person_id)
            return [person_id, *put]

        person_id, *put_to_sleep = await self._database.write(work)
        await self._notifier.notify(*put_to_sleep)
        await self._notifier.notify(key_of_user(person_id), about="revoked")

    async def enable(self, name: str, *, by: By | None = None) -> None:
        """Let a user who was disabled sign in again; NotFound when there is none of this name."""

        async def work(connection: Connection) -> None:
            person_id = await self._set_disabled(connection, name, None)
            await want_accounts(connection, person_id, "open")
            await self._note(connection, PersonData(change="enabled"), by=by, owner=person_id)

        await self._database.write(work)

    async def set_password_hash(
        self, name: str, password_hash: str | None, *, end_tokens: bool = False, by: By | None = None
    ) -> None:
        """Write or delete the hash of a password, and end every sign-in and unused link of that user; NotFound for nobody.

        `end_tokens` ends the API tokens too.
        """

        async def work(connection: Connection) -> list[str]:
            changed = await connection.rows(_SET_HASH, {"b_name": name, "b_hash": password_hash})
            if not changed:
                raise NotFound(f"There is no user called {name}.")
            ended = [*await connection.rows(_END_LOGINS, {"b_name": name})]
            if end_tokens:
                ended += await connection.rows(_END_TOKENS, {"b_name": name})
            await connection.rows(_END_LINKS, {"b_name": name})
            await self._note(connection, PersonData(change="password"), by=by, owner=str(changed[0][0]))
            return [key_of_secret(row[0]) for row in ended]

        await self._notifier.notify(*await self._database.write(work), about="revoked")

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

    async def add_group(self, name: str, *, members: Iterable[str] = (), by: By | None = None, now: datetime) -> Group:
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
        _check_group(name)
        chosen = frozenset(members)

        async def work(connection: Connection) -> None:
            if not await insert_group(connection, self._database, name, now=now):
                raise Conflict(f"There is a group called {name} already.")
            await join(connection, name, chosen)
            await self._note(connection, group_event("added", name, joined=chosen), by=by)

        await self._database.write(work)
        return Group(name=name, created=now, members=chosen)

    async def remove_group(self, name: str, *, data: Data = Data.KEEP, by: By | None = None, now: datetime) -> None:
        """Remove a group; the users stay. A controller does with what it has on services what `data` says.

        Raises
        ------
        NotFound
            When there is none of this name.
        """

        async def work(connection: Connection) -> list[str]:
            before = await members_of(connection, name)
            keys = [*await keys_of_users(connection, before), key_of_group(name)]
            await members_changed(connection, name)
            if not await connection.rows(_REMOVE_GROUP, {"b_name": name}):
                raise NotFound(f"There is no group called {name}.")
            await connection.rows(_END_SHARES_WITH_GROUP, {"b_name": name})
            await mark_group_removed(connection, self._database, name, data=data, now=now)
            await self._note(connection, group_event("removed", name, left=before, data=data), by=by)
            return keys

        await self._notifier.notify(*await self._database.write(work), about="revoked")

    async def set_members(self, name: str, members: Iterable[str], *, by: By | None = None) -> None:
        """Write who is in a group; NotFound when the group or one of the users does not exist.

        Whoever stays is what they were in it; whoever comes is a member.
        """
        chosen = frozenset(members)

        async def work(connection: Connection) -> list[str]:
            if not await connection.rows(_GROUP_FOR_UPDATE, {"b_name": name}):
                raise NotFound(f"There is no group called {name}.")
            before = await members_of(connection, name)
            await members_changed(connection, name)
            left = sorted(before - chosen)
            for first in range(0, len(left), 500):  # a statement has so many parameters
                await connection.rows(_LEAVE, {"b_name": name, "b_names": left[first : first + 500]})
            await join(connection, name, chosen - before)
            change = group_event("members", name, joined=chosen - before, left=left)
            await self._note(connection, change, by=by)
            return [*await keys_of_users(connection, left), key_of_group(name)] if left else []

        await self._notifier.notify(*await self._database.write(work), about="revoked")

    async def list_groups(self) -> list[Group]:
        """Return the groups, by name; the group of everybody is not among them."""
        found: dict[str, Group] = {}
        for name, created, view, user_name, role in await self._database.read(_GROUPS):
            known = found.get(name, Group(name=name, created=created, instructors_view=view))
            teaching = {user_name} if role == MemberRole.INSTRUCTOR else set()
            joined = {user_name} if user_name else set()
            found[name] = replace(known, members=known.members | joined, instructors=known.instructors | teaching)
        return list(found.values())

    async def list(self) -> list[User]:
        """Return all users, by name."""
        return to_users(await self._database.read(PEOPLE))

    async def _note(
        self, connection: Connection, data: PersonData | GroupData, *, by: By | None, owner: str | None = None
    ) -> None:
        """Write into the audit what somebody did, at the end of a transaction."""
        if by is not None:
            kind: Literal["person", "group"] = "group" if "group" in data else "person"
            insert_of_people(connection, kind, data, by=by, owner=owner)

    async def _set_disabled(self, connection: Connection, name: str, disabled: datetime | None) -> str:
        found = await connection.rows(_SET_DISABLED, {"b_name": name, "b_disabled": disabled})
        if not found:
            raise NotFound(f"There is no user called {name}.")
        return str(found[0][0])

    async def _want_sessions(
        self, connection: Connection, owner: str, wanted: Wanted, *, by: str | None, reason: str | None = None, now: datetime
    ) -> Sequence[str]:
        """Write what is wanted of all sessions of a person that are or may become awake; return their ids."""
        found = [to_session(row) for row in await connection.rows(_SESSIONS_FOR_UPDATE, {"b_id": owner})]
        if wanted is Wanted.SUSPENDED:
            awake = LIVE | {State.QUEUED}
            found = [each for each in found if each.state in awake and each.wanted in {Wanted.RUNNING, Wanted.SUSPENDED}]
        for session in found:
            await set_wanted(connection, self._database, session, wanted, by=by, sleep=Sleep.FORCED, reason=reason, now=now)
        return [session.id for session in found]


async def insert_user(
    connection: Connection, database: Database, name: str, *, admin: bool = False, password_hash: str | None = None, now: datetime
) -> str | None:
    """Write down a user in a transaction, and return their id; None where there is one of this name."""
    statement = database.insert(users).on_conflict_do_nothing().returning(users.c.name)
    values = {"name": name, "admin": admin, "created": now, "password_hash": password_hash}
    if not await connection.rows(statement, values):
        return None
    # The row is ours until the end of the transaction: nobody else gives an id of this name.
    person_id = await new_person(connection, name, now=now)
    await connection.rows(_SET_ID, {"b_name": name, "b_id": person_id})
    return person_id


async def make_instructors(connection: Connection, database: Database, group: str, chosen: Iterable[str], *, by: By) -> None:
    """Make members of a group its instructors, in a transaction."""
    made = await set_role(connection, group, chosen, MemberRole.INSTRUCTOR)
    if made:
        said = group_event("instructors", group, joined=made)
        insert_of_people(connection, "group", said, by=by, owner=None)


async def set_role(connection: Connection, group: str, chosen: Iterable[str], role: MemberRole) -> list[str]:
    """Write what members of a group are in it, in a transaction; return those who were something else."""
    asked, changed = sorted(chosen), list[str]()
    for first in range(0, len(asked), 500):  # a statement has so many parameters
        values = {"b_group": group, "b_names": asked[first : first + 500], "b_role": role.value}
        changed += [str(row[0]) for row in await connection.rows(_SET_ROLE, values)]
    return sorted(changed)


def _by(person: str | None, now: datetime) -> By | None:
    return None if person is None else By(person, now)


async def members_of(connection: Connection, group: str) -> frozenset[str]:
    """Return the names of those who are in a group, in a transaction."""
    return frozenset(row[0] for row in await connection.rows(_MEMBERS, {"b_name": group}))


async def keys_of_users(connection: Connection, names: Iterable[str]) -> list[str]:
    """Return the keys of users: what is shared with a group lets in no longer who has left it."""
    asked, keys = sorted(names), list[str]()
    for first in range(0, len(asked), 500):  # a statement has so many parameters
        keys += [key_of_user(row[0]) for row in await connection.rows(_IDS_OF, {"b_names": asked[first : first + 500]})]
    return keys


async def _refuse_only_administrator(connection: Connection, name: str) -> None:
    admins = {row[0] for row in await connection.rows(_ADMINS_FOR_UPDATE)}
    if admins == {name}:
        raise Conflict(f"{name} is the only administrator. Add another administrator first.")


def to_users(found: Iterable[AnyRow], *, skip: int = 0) -> list[User]:
    """Read users from rows whose columns after `skip` are `USER_COLUMNS`, one row for each group that somebody is in."""
    users: dict[str, User] = {}
    for row in found:
        name, admin, created, last_seen, has_password, person_id, disabled, full_name, email, group, role = row[
            skip : skip + len(USER_COLUMNS)
        ]
        user = users.get(name) or User(
            id=person_id or name, name=name, admin=admin, created=created, last_seen=last_seen,
            has_password=bool(has_password), disabled=disabled, full_name=full_name, email=email,
        )  # fmt: skip
        if group:
            teaches = user.teaches | ({group} if role == MemberRole.INSTRUCTOR else set())
            user = replace(user, groups=user.groups | {group}, teaches=teaches)
        users[name] = user
    return list(users.values())


def check_name(name: str, what: str) -> None:
    """Refuse a name that a folder, a database role or a label can't have."""
    if not USER_NAME.fullmatch(name):
        raise InvalidInput(
            f"{what} has at most 32 lower-case letters, digits, hyphens and underscores, and begins with a letter. "
            "Choose another one."
        )


def _check_group(name: str) -> None:
    check_name(name, "A group's name")
    if name == EVERYONE:
        raise InvalidInput("Everybody is in the group everyone. Choose another name.")


async def join(connection: Connection, group: str, chosen: frozenset[str]) -> None:
    """Put users into a group in which they are not, in a transaction; NotFound where one of them does not exist."""
    if not chosen:
        return
    known, asked = set[str](), sorted(chosen)
    for first in range(0, len(asked), 500):  # a statement has so many parameters
        some = sa.select(users.c.name).where(users.c.name.in_(asked[first : first + 500]))
        known |= {row[0] for row in await connection.rows(some)}
    if chosen - known:
        raise NotFound(f"There is no user called {min(chosen - known)}.")
    await connection.rows(sa.insert(members), [{"user_name": user_name, "group": group} for user_name in sorted(chosen)])
    await members_changed(connection, group)
