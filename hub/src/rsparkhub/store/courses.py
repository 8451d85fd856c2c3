"""Groups with instructors: who teaches whom, under which rule, and what a group is told."""

import builtins
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable
from rsparkhub.domain.course import LONGEST_LINK, Announcement, Course, MemberRole, Membership
from rsparkhub.domain.errors import Conflict, NotAllowed, NotFound
from rsparkhub.domain.event import GroupData, PersonData
from rsparkhub.domain.roster import RosterProblem, RosterRow
from rsparkhub.domain.session import Session, Wanted
from rsparkhub.domain.user import User
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.events import By, insert_of_people
from rsparkhub.store.left_groups import group_event
from rsparkhub.store.notifier import Notifier, key_of_group
from rsparkhub.store.rows import SESSION_COLUMNS, to_session
from rsparkhub.store.tables import groups, members, sessions, users
from rsparkhub.store.users import (
    PEOPLE,
    insert_user,
    join,
    keys_of_users,
    members_of,
    set_role,
    to_users,
)

_TAUGHT = sa.and_(sa.not_(users.c.admin), members.c.role != MemberRole.INSTRUCTOR.value)
_MEMBERSHIPS = users.join(members, members.c.user_name == users.c.name).join(groups, groups.c.name == members.c.group)
_OF_SESSION = (
    sa.select(groups.c.name, groups.c.instructors_view)
    .select_from(sessions.join(users, users.c.id == sessions.c.owner).join(members).join(groups))
    .where(sessions.c.id == sa.bindparam("b_session"), _TAUGHT)
)
_OF_USER = (
    sa.select(groups.c.name, members.c.role, groups.c.instructors_view, groups.c.announcement, users.c.admin)
    .select_from(_MEMBERSHIPS)
    .where(users.c.name == sa.bindparam("b_name"))
    .order_by(groups.c.name)
)
_GROUP = sa.select(groups.c.name, groups.c.instructors_view, groups.c.announcement, groups.c.course_folder, groups.c.due).where(
    groups.c.name == sa.bindparam("b_name")
)
_GROUP_FOR_UPDATE = _GROUP.with_for_update()
_IN_GROUP = PEOPLE.where(
    users.c.name.in_(sa.select(members.c.user_name).where(members.c.group == sa.bindparam("b_name")))
).order_by(members.c.group)
_OF_TAUGHT = (
    sa.select(*SESSION_COLUMNS)
    .where(
        sessions.c.kind == "session",
        sessions.c.wanted != Wanted.DELETED.value,
        sessions.c.owner.in_(
            sa.select(users.c.id).select_from(_MEMBERSHIPS).where(groups.c.name == sa.bindparam("b_name"), _TAUGHT)
        ),
    )
    .order_by(sessions.c.created.desc(), sessions.c.id.desc())
)
_SET_VIEW = (
    sa.update(groups)
    .where(groups.c.name == sa.bindparam("b_name"), groups.c.instructors_view != sa.bindparam("b_view"))
    .values(instructors_view=sa.bindparam("b_view"))
    .returning(groups.c.name)
)
_ANNOUNCE = sa.update(groups).where(groups.c.name == sa.bindparam("b_name"))
_INSTRUCTORS = sa.select(members.c.user_name).where(
    members.c.group == sa.bindparam("b_name"), members.c.role == MemberRole.INSTRUCTOR.value
)
_ADMINISTRATORS = sa.select(users.c.name).where(users.c.admin, users.c.name.in_(sa.bindparam("b_names", expanding=True)))
_THERE = sa.select(users.c.name, users.c.admin).where(users.c.name.in_(sa.bindparam("b_names", expanding=True)))
_MAY = (
    sa.select(users.c.id)
    .select_from(
        users.outerjoin(members, sa.and_(members.c.user_name == users.c.name, members.c.group == sa.bindparam("b_name")))
    )
    .where(
        users.c.id == sa.bindparam("b_person"),
        users.c.disabled.is_(None),
        sa.or_(users.c.admin, members.c.role == MemberRole.INSTRUCTOR.value),
    )
)
_AT_ONCE = 500  # a statement has so many parameters
_MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class TaughtGroup:
    """A group as its instructors see it; `people` are those in it, its instructors too."""

    name: str
    instructors_view: bool
    announcement: Announcement | None
    course_folder: bool
    due: datetime | None
    people: tuple[User, ...]


class Courses:
    """Reads and writes what instructors deal with; what is changed stands in the audit, and whom it concerns is notified."""

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    async def of_session(self, session_id: str) -> tuple[Course, ...]:
        """Return the groups in which the owner of a session is taught."""
        found = await self._database.read(_OF_SESSION, {"b_session": session_id})
        return tuple(Course(group=name, instructors_view=view) for name, view in found)

    async def of_user(self, name: str) -> list[Membership]:
        """Return the groups that a user is in, by name. Nobody looks into the sessions of administrators and instructors."""
        found = await self._database.read(_OF_USER, {"b_name": name})
        return [
            Membership(
                group=group,
                role=_role(role),
                instructors_view=view and not admin and _role(role) is MemberRole.MEMBER,
                announcement=_announcement(said),
            )
            for group, role, view, said, admin in found
        ]

    async def get(self, name: str) -> TaughtGroup:
        """Return a group with who is in it; NotFound when there is none of this name."""
        found = await self._database.read(_GROUP, {"b_name": name})
        if not found:
            raise _no_group(name)
        people = to_users(await self._database.read(_IN_GROUP, {"b_name": name}))
        _, view, said, course_folder, due = found[0]
        return TaughtGroup(
            name=name, instructors_view=view, announcement=_announcement(said), course_folder=course_folder, due=due,
            people=tuple(people),
        )  # fmt: skip

    async def sessions(self, name: str, *, limit: int, after: Session | None = None) -> builtins.list[Session]:
        """Return the sessions of those who are taught in a group, newest first; `after` is the last one of the page before."""
        query = _OF_TAUGHT.limit(limit)
        if after is not None:
            query = query.where(sa.tuple_(sessions.c.created, sessions.c.id) < sa.tuple_(after.created, after.id))
        return [to_session(row) for row in await self._database.read(query, {"b_name": name})]

    async def set_instructors(self, name: str, chosen: Iterable[str], *, by: By) -> None:
        """Write who a group's instructors are; whoever is not in the group comes into it, and whoever was one stays as a member.

        Raises
        ------
        NotFound
            When there is no such group, or one of them does not exist.
        """
        wanted = frozenset(chosen)

        async def work(connection: Connection) -> list[str]:
            await _lock(connection, name)
            joined = wanted - await members_of(connection, name)
            await join(connection, name, joined)
            before = frozenset(str(row[0]) for row in await connection.rows(_INSTRUCTORS, {"b_name": name}))
            made = await set_role(connection, name, wanted - before, MemberRole.INSTRUCTOR)
            ended = await set_role(connection, name, before - wanted, MemberRole.MEMBER)
            if joined:
                await self._note(connection, group_event("members", name, joined=joined), by=by)
            if made or ended:
                await self._note(connection, group_event("instructors", name, joined=made, left=ended), by=by)
            return [*await keys_of_users(connection, [*made, *ended]), key_of_group(name)] if made or ended else []

        await self._notifier.notify(*await self._database.write(work), about="revoked")

    async def set_rule(self, name: str, *, instructors_view: bool, by: By) -> None:
        """Write whether a group's instructors look into the sessions of those whom they teach; NotFound for no such group."""

        async def work(connection: Connection) -> bool:
            await _lock(connection, name)
            changed = await connection.rows(_SET_VIEW, {"b_name": name, "b_view": instructors_view})
            if changed:
                said = group_event("rule", name)
                said["view"] = instructors_view
                await self._note(connection, said, by=by)
            return bool(changed)

        if await self._database.write(work):
            await self._notifier.notify(key_of_group(name), about="revoked")

    async def announce(self, name: str, announcement: Announcement | None, *, by: By) -> None:
        """Tell a group something in the place of what it was told before, or nothing any more.

        Raises
        ------
        NotFound
            When there is no such group.
        NotAllowed
            When whoever does it is neither its instructor nor an administrator by now.
        """

        async def work(connection: Connection) -> None:
            await lock_group_for(connection, name, by)
            value = None if announcement is None else _written(announcement)
            await connection.rows(_ANNOUNCE.values(announcement=value), {"b_name": name})
            said = group_event("announced", name)
            said["text"] = "" if announcement is None else announcement.text
            await self._note(connection, said, by=by)

        await self._database.write(work)

    async def add(self, name: str, people: Iterable[str], *, up_to: int | None = None, by: By) -> None:
        """Put people who are there into a group.

        Raises
        ------
        NotFound
            When there is no such group, or one of them does not exist.
        NotAllowed
            When whoever does it is neither its instructor nor an administrator by now.
        Conflict
            When one of them is an administrator, or there would be more than `up_to` people in the group.
        """

        async def work(connection: Connection) -> None:
            await lock_group_for(connection, name, by)
            await self._take_in(connection, name, frozenset(people), up_to=up_to, by=by)

        await self._database.write(work)

    async def problems(
        self, name: str, rows: Sequence[RosterRow], *, take_in: bool, up_to: int | None
    ) -> builtins.list[RosterProblem]:
        """Return for which lines of a list `add_all` would refuse it as things are now."""
        there = dict[str, bool]()
        for first in range(0, len(rows), _AT_ONCE):
            names = [row.name for row in rows[first : first + _AT_ONCE]]
            there |= {str(row[0]): bool(row[1]) for row in await self._database.read(_THERE, {"b_names": names})}
        inside = {user.name for user in (await self.get(name)).people}
        found, room = list[RosterProblem](), None if up_to is None else up_to - len(inside)
        for row in rows:
            if row.name in inside:
                continue
            if there.get(row.name):
                found.append(RosterProblem(row.line, _administrators([row.name])))
            elif row.name in there and not take_in:
                found.append(RosterProblem(row.line, _strangers([row.name], name)))
            elif room is not None:
                room -= 1
                if room == -1:  # told once, where it is full
                    found.append(RosterProblem(row.line, _full(name, up_to)))
        return found

    async def add_all(
        self, name: str, rows: Sequence[RosterRow], *, take_in: bool, up_to: int | None = None, by: By
    ) -> tuple[builtins.list[str], builtins.list[str]]:
        """Add the people of a list, who are in this group; all or nothing. Nothing of whoever is there already is changed.

        Parameters
        ----------
        take_in
            Whether whoever is there already and not in the group is put into it.
        up_to
            How many people may be in the group then; None for any number.

        Returns
        -------
        The names of those who were added, and of those who were there already.

        Raises
        ------
        NotFound
            When there is no such group.
        NotAllowed
            When whoever does it is neither its instructor nor an administrator by now.
        Conflict
            When somebody is there already and may not be taken in, or there would be more than `up_to` people in the group.
        """

        async def work(connection: Connection) -> tuple[list[str], list[str]]:
            await lock_group_for(connection, name, by)
            added, there = list[str](), list[str]()
            for row in rows:
                person_id = await insert_user(connection, self._database, row.name, now=by.at)
                if person_id is None:
                    there.append(row.name)
                    continue
                added.append(row.name)
                said = {"full_name": row.full_name, "email": row.email}
                await connection.rows(sa.update(users).where(users.c.name == row.name).values(**said))
                note = PersonData(change="added", admin=False)
                insert_of_people(connection, "person", note, by=by, owner=person_id)
            strangers = frozenset(there) - await members_of(connection, name)
            if strangers and not take_in:
                raise Conflict(_strangers(strangers, name))
            await self._take_in(connection, name, strangers | set(added), up_to=up_to, by=by)
            return added, there

        return await self._database.write(work)

    async def _take_in(self, connection: Connection, name: str, people: frozenset[str], *, up_to: int | None, by: By) -> None:
        asked, administrators = sorted(people), list[str]()
        for first in range(0, len(asked), _AT_ONCE):
            found = await connection.rows(_ADMINISTRATORS, {"b_names": asked[first : first + _AT_ONCE]})
            administrators += [str(row[0]) for row in found]
        if administrators:
            raise Conflict(_administrators(administrators))
        inside = await members_of(connection, name)
        joined = people - inside
        if joined and up_to is not None and len(inside) + len(joined) > up_to:
            raise Conflict(_full(name, up_to))
        await join(connection, name, joined)
        if joined:
            await self._note(connection, group_event("members", name, joined=joined), by=by)

    async def _note(self, connection: Connection, data: GroupData, *, by: By) -> None:
        insert_of_people(connection, "group", data, by=by, owner=None)


async def _lock(connection: Connection, name: str) -> None:
    if not await connection.rows(_GROUP_FOR_UPDATE, {"b_name": name}):
        raise _no_group(name)


async def lock_group_for(connection: Connection, name: str, by: By) -> None:
    """Lock a group for its instructor or an administrator, who may have become one no longer since the request was let in."""
    await _lock(connection, name)
    if not await connection.rows(_MAY, {"b_name": name, "b_person": by.person}):
        raise NotAllowed("Only instructors of this group, and administrators, may do this. Ask one of them.")


def _strangers(names: Iterable[str], group: str) -> str:
    several = len(every := sorted(names)) > 1
    return (
        f"{_named(every)} {'are' if several else 'is'} here already, and only an administrator puts people who are here into "
        f"{group}. Leave them out of the list, and ask one."
    )


def _administrators(names: Iterable[str]) -> str:
    return f"{_named(names)}: administrators are put into a group by administrators alone. Leave them out."


def _full(group: str, up_to: int | None) -> str:
    return (
        f"Instructors add people up to {up_to} in a group, and {group} would have more. Ask an administrator to add the others."
    )


def _no_group(name: str) -> NotFound:
    return NotFound(f"There is no group called {name}.")


def _named(names: Iterable[str]) -> str:
    every = sorted(names)
    more = len(every) - _MOST_NAMED
    return ", ".join(every[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _role(word: object) -> MemberRole:
    """Return the role of a name; where it is the name of none, that which gives nothing."""
    return MemberRole.INSTRUCTOR if word == MemberRole.INSTRUCTOR else MemberRole.MEMBER


def _written(announcement: Announcement) -> dict[str, str | None]:
    at = announcement.at.isoformat()
    return {"text": announcement.text, "link": announcement.link, "by": announcement.by, "at": at}


def _announcement(value: object) -> Announcement | None:
    """Read an announcement; one that can't be read is none."""
    if value is None:
        return None
    try:
        fields = Fields(value)
        return Announcement(
            text=fields.required("text", reading.text(2000)),
            link=fields.get("link", reading.text(LONGEST_LINK), None),
            by=fields.required("by", reading.text(64)),
            at=fields.required("at", reading.instant),
        )
    except Unreadable:
        return None
