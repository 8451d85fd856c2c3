"""Who users are in other systems, which vouch for them when they sign in."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from rsparkhub.domain.errors import NotSignedIn
from rsparkhub.domain.event import GroupData, PersonData
from rsparkhub.domain.vouched import Vouched
from rsparkhub.store.credentials import DISABLED, insert_login
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.events import By, insert_of_people
from rsparkhub.store.left_groups import insert_group
from rsparkhub.store.notifier import Notifier, key_of_group, key_of_user
from rsparkhub.store.service_accounts import members_changed
from rsparkhub.store.tables import groups, identities, logins, members, sign_in_links, users
from rsparkhub.store.users import insert_user

#: Groups that are made for one person's sign-in; what more a system lists is made at a later one.
MOST_MADE = 50

_SUBJECT = (identities.c.source == sa.bindparam("b_source"), identities.c.subject == sa.bindparam("b_subject"))
_FIND = sa.select(identities.c.user_name, identities.c.groups).where(*_SUBJECT).with_for_update()
_USER = (
    sa.select(users.c.id, users.c.disabled, users.c.full_name, users.c.email)
    .where(users.c.name == sa.bindparam("b_name"))
    .with_for_update()
)
_BOUND = sa.exists().where(identities.c.user_name == users.c.name)
_UNUSED = (
    sa.select(users.c.name)
    .where(
        users.c.name == sa.bindparam("b_name"),
        users.c.password_hash.is_(None),
        users.c.last_seen.is_(None),
        sa.not_(users.c.admin),
        ~_BOUND,
    )
    .with_for_update()
)
_WAYS_IN = [sa.delete(table).where(table.c.user_name == sa.bindparam("b_name")) for table in (sign_in_links, logins)]
_SET_GROUPS = sa.update(identities).where(*_SUBJECT).values(groups=sa.bindparam("b_groups"))
_THEIR_GROUPS = sa.select(members.c.group).where(members.c.user_name == sa.bindparam("b_name"))
_LEAVE = sa.delete(members).where(members.c.user_name == sa.bindparam("b_name"), members.c.group == sa.bindparam("b_group"))


class NotVouched(NotSignedIn):
    """Somebody for whom another system vouches is nobody here: a `stranger`, the name is `taken`, or the user `disabled`."""

    def __init__(self, message: str, reason: Literal["stranger", "taken", "disabled"]) -> None:
        super().__init__(message)
        self.reason = reason


class Identities:
    """Stores who users are in other systems, and signs in those for whom one vouches.

    A user is bound to whoever first signed in as them, by what that system calls that person for ever. A user who was there
    before is never taken over: only one who was never here may be matched by their name, and only where that is wanted. Then
    whoever made the user, and has a link to sign in as them, gets in no longer.
    """

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    async def add_login(
        self,
        vouched: Vouched,
        *,
        site: str | None,
        digest: str,
        expires: datetime,
        make_people: bool,
        match_added: bool,
        make_groups: bool,
        now: datetime,
    ) -> str:
        """Store a browser's sign-in of somebody for whom another system vouches, with what it says of them; return their name.

        Parameters
        ----------
        site
            Where they signed in, `WAY:SITE`, if they can sign out there too.
        make_people
            Whether whoever is not there is added.
        match_added
            Whether a user of their name who was never here is theirs.
        make_groups
            Whether groups that are not there are made.

        Raises
        ------
        NotVouched
            When they are nobody here, the name is somebody else's, or the user is disabled.
        """

        async def work(connection: Connection) -> tuple[str, str, list[str], bool]:
            name, before, matched = await self._user_of(
                connection, vouched, make_people=make_people, match_added=match_added, now=now
            )
            person_id, disabled, full_name, email = (await connection.rows(_USER, {"b_name": name}))[0]
            if disabled is not None:
                raise NotVouched(DISABLED, "disabled")
            said = {"full_name": vouched.full_name or full_name, "email": vouched.email or email}
            if said != {"full_name": full_name, "email": email}:
                await connection.rows(sa.update(users).where(users.c.name == name).values(**said))
            left = list[str]()
            if vouched.groups is not None:
                by = By(str(person_id), now)
                left = await self._set_groups(connection, vouched, name, before, make_groups=make_groups, by=by)
            await insert_login(connection, name, digest=digest, expires=expires, site=site, now=now)
            return name, str(person_id), left, matched

        name, person_id, left, matched = await self._database.write(work)
        if (
            left or matched
        ):  # what is shared with a group lets in no longer who has left it, nor its instructors into their sessions
            await self._notifier.notify(key_of_user(person_id), *map(key_of_group, left), about="revoked")
        return name

    async def _user_of(
        self, connection: Connection, vouched: Vouched, *, make_people: bool, match_added: bool, now: datetime
    ) -> tuple[str, frozenset[str], bool]:
        """Return the user that somebody is, the groups that their system put them in, and whether the user was there and is
        theirs from now on; bind or add one if wanted.
        """
        key = {"b_source": vouched.source, "b_subject": vouched.subject}
        found = await connection.rows(_FIND, key)
        if found:
            return str(found[0][0]), _texts(found[0][1]), False
        person_id = None
        if make_people:
            person_id = await insert_user(connection, self._database, vouched.name, now=now)
        if person_id is not None:
            note = PersonData(change="added", admin=False)
            insert_of_people(connection, "person", note, by=By(person_id, now), owner=person_id)
        elif not await connection.rows(_USER, {"b_name": vouched.name}):
            raise NotVouched(f"There is no user called {vouched.name}, and nobody is added by signing in.", "stranger")
        elif not (match_added and await connection.rows(_UNUSED, {"b_name": vouched.name})):
            again = await connection.rows(_FIND, key)  # they sign in twice at this very moment
            if again:
                return str(again[0][0]), _texts(again[0][1]), False
            raise NotVouched(f"The name {vouched.name} is that of a user who was here before.", "taken")
        values = {"source": vouched.source, "subject": vouched.subject, "user_name": vouched.name, "groups": [], "created": now}
        await connection.rows(sa.insert(identities), values)
        matched = person_id is None
        for end in _WAYS_IN if matched else ():
            await connection.rows(end, {"b_name": vouched.name})
        return vouched.name, frozenset(), matched

    async def _set_groups(
        self, connection: Connection, vouched: Vouched, name: str, before: frozenset[str], *, make_groups: bool, by: By
    ) -> list[str]:
        """Put somebody into the groups that their system lists, and take them out of those it put them in; return these.

        Groups in which somebody here put them are left as they are.
        """
        wanted = vouched.groups or frozenset()
        there = await _existing(connection, wanted)
        for group in sorted(wanted - there)[:MOST_MADE] if make_groups else ():
            if await insert_group(connection, self._database, group, now=by.at):
                await self._note(connection, "added", group, by=by)
            there |= {group}
        current = {str(row[0]) for row in await connection.rows(_THEIR_GROUPS, {"b_name": name})}
        joined, left = there - current, (before - wanted) & current
        for group in sorted(left):
            await members_changed(connection, group)
            await connection.rows(_LEAVE, {"b_name": name, "b_group": group})
            await self._note(connection, "members", group, left=[name], by=by)
        for group in sorted(joined):
            await connection.rows(sa.insert(members), {"user_name": name, "group": group})
            await members_changed(connection, group)
            await self._note(connection, "members", group, joined=[name], by=by)
        put = sorted((before & wanted & current) | joined)
        if put != sorted(before):
            values = {"b_source": vouched.source, "b_subject": vouched.subject, "b_groups": put}
            await connection.rows(_SET_GROUPS, values)
        return sorted(left)

    async def _note(
        self,
        connection: Connection,
        change: Literal["added", "members"],
        group: str,
        *,
        joined: Sequence[str] = (),
        left: Sequence[str] = (),
        by: By,
    ) -> None:
        data = GroupData(change=change, group=group, joined=list(joined), left=list(left))
        insert_of_people(connection, "group", data, by=by, owner=None)


async def _existing(connection: Connection, names: Iterable[str]) -> set[str]:
    asked, found = sorted(names), set[str]()
    for first in range(0, len(asked), 500):  # a statement has so many parameters
        some = sa.select(groups.c.name).where(groups.c.name.in_(asked[first : first + 500]))
        found |= {str(row[0]) for row in await connection.rows(some.with_for_update(read=True))}
    return found


def _texts(value: object) -> frozenset[str]:
    return frozenset(each for each in value if isinstance(each, str)) if isinstance(value, list) else frozenset()
