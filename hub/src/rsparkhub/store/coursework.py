"""Folders of courses: who has one, and the files there, stored in pieces so that none is ever in memory whole."""

import builtins
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime, timedelta
from types import EllipsisType
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rsparkhub.domain.course import MemberRole
from rsparkhub.domain.coursework import (
    MOST_ASSIGNMENTS,
    MOST_DATA,
    Assignment,
    CourseFile,
    CourseFolder,
    FileKind,
    Room,
    assignment_of,
    by_name,
)
from rsparkhub.domain.errors import Conflict, NotAllowed, NotFound
from rsparkhub.domain.event import GroupChange
from rsparkhub.domain.session import new_session_id
from rsparkhub.store.courses import lock_group_for
from rsparkhub.store.database import AnyRow, Connection, Database, Parameters
from rsparkhub.store.events import By, insert_of_people
from rsparkhub.store.left_groups import group_event
from rsparkhub.store.tables import course_assignments, course_files, course_pieces, group_ids, groups, members, users

_COLUMNS = tuple(
    course_files.c[name]
    for name in ("id", "group", "kind", "person", "by", "name", "size", "digest", "created", "due", "of", "assignment")
)
_HERE = sa.and_(group_ids.c.name == groups.c.name, group_ids.c.removed.is_(None))
_GROUP = (
    sa.select(group_ids.c.id, groups.c.course_folder, groups.c.due)
    .select_from(groups.join(group_ids, _HERE))
    .where(groups.c.name == sa.bindparam("b_name"))
)
_GROUP_FOR_UPDATE = _GROUP.with_for_update(of=groups)
#: Something that a course has for somebody: data, and what they handed in or got back.
_HAS_SOMETHING = sa.exists().where(
    course_files.c.group == group_ids.c.id,
    course_files.c.whole,
    sa.or_(course_files.c.kind == FileKind.DATA.value, course_files.c.person == users.c.id),
)
_OF_USER = (
    sa.select(group_ids.c.id, groups.c.name, members.c.role, groups.c.course_folder, groups.c.due)
    .select_from(users.join(members, members.c.user_name == users.c.name).join(groups).join(group_ids, _HERE))
    .where(users.c.name == sa.bindparam("b_name"), sa.or_(groups.c.course_folder, _HAS_SOMETHING))
    .order_by(groups.c.name)
)
_MEMBER = (
    sa.select(users.c.id)
    .select_from(users.join(members, members.c.user_name == users.c.name))
    .where(users.c.id == sa.bindparam("b_person"), members.c.group == sa.bindparam("b_name"), users.c.disabled.is_(None))
)
_WHOLE = sa.select(*_COLUMNS).where(course_files.c.whole)
_ONE = _WHOLE.where(course_files.c.id == sa.bindparam("b_id"), course_files.c.group == sa.bindparam("b_group"))
_DATA = _WHOLE.where(
    course_files.c.kind == FileKind.DATA.value, course_files.c.group.in_(sa.bindparam("b_groups", expanding=True))
).order_by(course_files.c.group, course_files.c.name)
_OF_KIND = (course_files.c.group == sa.bindparam("b_group"), course_files.c.kind == sa.bindparam("b_kind"))
_DATA_FILES = (
    sa.select(group_ids.c.name, sa.func.count())
    .select_from(course_files.join(group_ids, group_ids.c.id == course_files.c.group))
    .where(
        group_ids.c.name.in_(sa.bindparam("b_names", expanding=True)), group_ids.c.removed.is_(None),
        course_files.c.kind == FileKind.DATA.value, course_files.c.whole,
    )
    .group_by(group_ids.c.name)
)  # fmt: skip
_LIST = _WHOLE.where(*_OF_KIND).order_by(course_files.c.created, course_files.c.id)


def _in_the_way(*, on_postgres: bool) -> sa.Select[str]:
    """Return what asks for a file that is a folder of a path, or within it, as paths are letter by letter."""
    path = course_files.c.name
    above = path.in_(sa.bindparam("b_above", expanding=True))
    first, after = sa.bindparam("b_first", type_=path.type), sa.bindparam("b_after", type_=path.type)
    within = (path >= first, path < after)
    if on_postgres:  # whose own order is that of a language
        within = (path.op("~>=~", is_comparison=True)(first), path.op("~<~", is_comparison=True)(after))
    return sa.select(path).where(*_OF_KIND, course_files.c.whole, sa.or_(above, sa.and_(*within))).limit(1)


_IN_THE_WAY, _IN_THE_WAY_ON_POSTGRES = _in_the_way(on_postgres=False), _in_the_way(on_postgres=True)
_BYTES = sa.func.coalesce(sa.func.sum(course_files.c.size), 0)
_TAKEN = sa.select(sa.func.count(), _BYTES).where(*_OF_KIND)
_TAKEN_BY_ALL = sa.select(_BYTES)
#: What data of this path are there, whose place the next of it take.
_SAME_DATA = sa.select(sa.func.count(), _BYTES).where(
    *_OF_KIND, course_files.c.name == sa.bindparam("b_path"), course_files.c.whole
)
_HANDED_IN = (
    sa.select(course_files.c.person, sa.func.count()).where(*_OF_KIND, course_files.c.whole).group_by(course_files.c.person)
)
_SET = (
    sa.update(groups)
    .where(groups.c.name == sa.bindparam("b_name"))
    .values(course_folder=sa.bindparam("b_open"), due=sa.bindparam("b_due"))
)
_ASSIGNMENTS = sa.select(course_assignments.c.group, course_assignments.c.name, course_assignments.c.due).where(
    course_assignments.c.group.in_(sa.bindparam("b_groups", expanding=True))
)
_WRITE_ASSIGNMENT = sa.insert(course_assignments)
_DELETE_ASSIGNMENT = sa.delete(course_assignments).where(
    course_assignments.c.group == sa.bindparam("b_name"), course_assignments.c.name == sa.bindparam("b_assignment")
)
_NAME_SENT = sa.select(course_files.c.name).where(course_files.c.id == sa.bindparam("b_id"), sa.not_(course_files.c.whole))
_WRITE = sa.insert(course_files)
_WRITE_PIECE = sa.insert(course_pieces)
_FINISH = (
    sa.update(course_files)
    .where(course_files.c.id == sa.bindparam("b_id"), sa.not_(course_files.c.whole))
    .values(whole=True, digest=sa.bindparam("b_digest"), due=sa.bindparam("b_due"), assignment=sa.bindparam("b_assignment"))
    .returning(*_COLUMNS)
)
_REPLACED = sa.delete(course_files).where(
    *_OF_KIND, course_files.c.name == sa.bindparam("b_path"), course_files.c.id != sa.bindparam("b_id"), course_files.c.whole
)
_DROP = sa.delete(course_files).where(course_files.c.id == sa.bindparam("b_id"), sa.not_(course_files.c.whole))
_DROP_LEFT = sa.delete(course_files).where(sa.not_(course_files.c.whole), course_files.c.created < sa.bindparam("b_before"))
_DELETE = (
    sa.delete(course_files)
    .where(*_OF_KIND, course_files.c.id == sa.bindparam("b_id"), course_files.c.whole)
    .returning(course_files.c.name, course_files.c.person)
)
#: What was given back on a hand-in, also what is being sent just now.
_DELETE_RETURNED = sa.delete(course_files).where(
    course_files.c.kind == FileKind.RETURNED.value, course_files.c.of == sa.bindparam("b_id")
)
_PIECE = sa.select(course_pieces.c.content).where(
    course_pieces.c.file == sa.bindparam("b_file"), course_pieces.c.number == sa.bindparam("b_number")
)
#: Held until the transaction ends by whoever takes room of all courses, so that many at once don't take more than there is.
_ONE_AFTER_ANOTHER = sa.select(sa.func.pg_advisory_xact_lock(0x5253_7061_726E))
_AFTER_SLASH = chr(ord("/") + 1)
#: After which what was not sent to its end takes no room any more.
_LONGEST_SENDING = timedelta(hours=1)


class Coursework:
    """Reads and writes the files of courses.

    A file is sent by `begin`, a `write` for each piece, and `finish`: before that nobody sees it, and after that nothing changes
    it. What it needs is taken at the beginning, so that many at once don't take more than there is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_folder(
        self,
        name: str,
        *,
        is_open: bool | None = None,
        due: datetime | EllipsisType | None = ...,
        assignments: Mapping[str, datetime | None] | None = None,
        by: By,
    ) -> None:
        """Open or close the folder of a course for work, and set until when it is due. What is in it stays, and is given on.

        What is left out stays as it is. `assignments` are those whose own due times change; None takes one away. What was handed
        in before stays as it came.

        Raises
        ------
        Conflict
            When there would be too many assignments.
        NotFound
            When there is no such group.
        NotAllowed
            When whoever does it is neither its instructor nor an administrator by now.
        """

        async def work(connection: Connection) -> None:
            await lock_group_for(connection, name, by)
            _, was_open, was_due = (await connection.rows(_GROUP, {"b_name": name}))[0]
            now_open = was_open if is_open is None else is_open
            now_due = was_due if due is ... else due
            if (was_open, was_due) != (now_open, now_due):
                await connection.rows(_SET, {"b_name": name, "b_open": now_open, "b_due": now_due})
                until = None if now_due is None else now_due.isoformat()
                await self._note(connection, "course", name, text=until, view=now_open, by=by, session=None, owner=None)
            await self._set_assignments(connection, name, assignments or {}, by)

        await self._database.write(work)

    async def assignments(self, name: str) -> builtins.list[Assignment]:
        """Return the assignments of a course that have due times of their own."""
        return [Assignment(name=each, due=due) for _, each, due in await self._database.read(_ASSIGNMENTS, {"b_groups": [name]})]

    async def of_user(self, name: str, *, with_data: bool = True) -> builtins.list[CourseFolder]:
        """Return the folders of those courses that a user is in: of those that take work, or have something.

        Without their data, which may be thousands of files, where nobody asks for them.
        """
        found = await self._database.read(_OF_USER, {"b_name": name})
        if not found:
            return []
        data: dict[str, builtins.list[CourseFile]] = {row[0]: [] for row in found}
        for row in await self._database.read(_DATA, {"b_groups": list(data)}) if with_data else ():
            file = _to_file(row)
            data[file.group].append(file)
        own = await self._database.read(_ASSIGNMENTS, {"b_groups": [row[1] for row in found]})
        return [
            CourseFolder(
                group=group,
                instructor=role == MemberRole.INSTRUCTOR,
                is_open=is_open,
                due=due,
                data=tuple(data[group_id]),
                assignments=tuple(Assignment(name=each, due=until) for of, each, until in own if of == group),
            )
            for group_id, group, role, is_open, due in found
        ]

    async def count_data(self, names: Iterable[str]) -> dict[str, int]:
        """Return how many files the data of each of these courses are; none are left out."""
        return {str(name): int(files) for name, files in await self._database.read(_DATA_FILES, {"b_names": [*names]})}

    async def list(self, name: str, kind: FileKind, *, person: str | None = None) -> builtins.list[CourseFile]:
        """Return the files of a course, oldest first: of everybody, or of one person; NotFound for no such group."""
        query = _LIST if person is None else _LIST.where(course_files.c.person == person)
        return await self._list(await self._group_id(name), kind, query)

    async def of_removed_group(self, group_id: str, kind: FileKind) -> builtins.list[CourseFile]:
        """Return the files of a course whose group was removed, by its id."""
        return await self._list(group_id, kind, _LIST.where(~_is_there(group_id)))

    async def get(self, name: str, file_id: str) -> CourseFile:
        """Return a file of a course; NotFound when there is none of this id."""
        found = await self._database.read(_ONE, {"b_id": file_id, "b_group": await self._group_id(name)})
        if not found:
            raise NotFound("There is no such file in this course. It may have been taken away.")
        return _to_file(found[0])

    async def read(self, file: CourseFile) -> AsyncIterator[bytes]:
        """Yield a file piece by piece.

        Raises
        ------
        NotFound
            When it is taken away meanwhile.
        """
        number, left = 0, file.size
        while left > 0:
            found = await self._database.read(_PIECE, {"b_file": file.id, "b_number": number})
            if not found:
                raise NotFound(f"{file.name} was taken away while it was read.")
            content = bytes(found[0][0])
            yield content
            number, left = number + 1, left - len(content)

    async def begin(
        self, name: str, kind: FileKind, file_name: str, *, size: int, of: CourseFile | None = None, room: Room, by: By
    ) -> str:
        """Take the room for a file that is sent now, and return its id.

        Raises
        ------
        NotFound
            When there is no such group, or what a file is given back on was removed.
        NotAllowed
            When whoever does it may not, by now.
        Conflict
            When the course takes no work, or there is no room.
        """
        file_id = new_session_id()

        async def work(connection: Connection) -> None:
            group_id, _ = await self._lock(connection, name, kind, by)
            await connection.rows(_DROP_LEFT, {"b_before": by.at - _LONGEST_SENDING})
            if of is not None and not await connection.rows(_ONE, {"b_id": of.id, "b_group": group_id}):
                raise NotFound("What this is about was removed meanwhile.")
            person = {FileKind.DATA: None, FileKind.HAND_IN: by.person, FileKind.RETURNED: of.person if of else None}[kind]
            await self._check_room(connection, group_id, kind, file_name, size=size, person=person, room=room)
            values = {
                "id": file_id, "group": group_id, "kind": kind.value, "person": person, "by": by.person, "name": file_name,
                "size": size, "digest": "", "created": by.at, "due": None, "of": of.id if of else None, "whole": False,
            }  # fmt: skip
            await connection.rows(_WRITE, values)

        await self._database.write(work)
        return file_id

    async def write(self, file_id: str, number: int, content: bytes) -> None:
        """Store one piece of a file that is sent.

        Raises
        ------
        Conflict
            When it is given up by now: it was sent for too long, or its person's or group's data were deleted meanwhile.
        """
        try:
            await self._database.change(_WRITE_PIECE, {"file": file_id, "number": number, "content": content})
        except IntegrityError as error:
            raise _given_up() from error

    async def finish(
        self, name: str, kind: FileKind, file_id: str, *, digest: str, by: By, session: str | None = None
    ) -> CourseFile:
        """Have a file be seen; data take the place of what had the same path.

        Raises
        ------
        NotFound
            When there is no such group any more.
        NotAllowed
            When whoever does it may not, by now.
        Conflict
            When it was sent for too long, the folder was closed, or other data are in the way by now.
        """

        async def work(connection: Connection) -> CourseFile:
            group_id, due = await self._lock(connection, name, kind, by)
            of, sent = None, await connection.rows(_NAME_SENT, {"b_id": file_id})
            if kind is FileKind.HAND_IN and sent:
                own = await connection.rows(_ASSIGNMENTS, {"b_groups": [name]})
                of = assignment_of(sent[0][0], by_name(Assignment(name=each, due=until) for _, each, until in own))
            until = (of.due if of else due) if kind is FileKind.HAND_IN else None
            values = {"b_id": file_id, "b_digest": digest, "b_due": until, "b_assignment": of and of.name}
            found = await connection.rows(_FINISH, values)
            if not found:
                raise _given_up()
            file = _to_file(found[0])
            if kind is FileKind.DATA:
                await self._check_path(connection, group_id, file.name)
                same = {"b_group": group_id, "b_kind": kind.value, "b_path": file.name, "b_id": file.id}
                await connection.rows(_REPLACED, same)
            await self._note(connection, _DONE[kind], name, text=file.name, by=by, session=session, owner=file.person)
            return file

        return await self._database.write(work)

    async def drop(self, file_id: str) -> None:
        """Delete what was not sent to its end."""
        await self._database.change(_DROP, {"b_id": file_id})

    async def remove_data(self, name: str, file_id: str, *, by: By) -> None:
        """Delete a file of the data of a course; NotFound when there is none of this id."""

        async def work(connection: Connection) -> None:
            await lock_group_for(connection, name, by)
            group_id = str((await connection.rows(_GROUP, {"b_name": name}))[0][0])
            values = {"b_group": group_id, "b_kind": FileKind.DATA.value, "b_id": file_id}
            gone = await connection.rows(_DELETE, values)
            if not gone:
                raise NotFound("There is no such file among the data of this course. It may have been taken away.")
            await self._note(connection, "took-away", name, text=str(gone[0][0]), by=by, session=None, owner=None)

        await self._database.write(work)

    async def remove_hand_in(self, name: str, file_id: str, *, by: By) -> None:
        """Delete what somebody handed in, with what was given back on it, so that there is room for more.

        Raises
        ------
        NotFound
            When there is no such group, or nothing of this id was handed in there.
        NotAllowed
            When whoever does it is neither its instructor nor an administrator by now.
        """

        async def work(connection: Connection) -> None:
            await lock_group_for(connection, name, by)
            group_id = str((await connection.rows(_GROUP, {"b_name": name}))[0][0])
            values = {"b_group": group_id, "b_kind": FileKind.HAND_IN.value, "b_id": file_id}
            gone = await connection.rows(_DELETE, values)
            if not gone:
                raise NotFound("Nothing of this id was handed in to this course. It may have been removed.")
            await connection.rows(_DELETE_RETURNED, {"b_id": file_id})
            file, person = gone[0]
            await self._note(connection, "removed-hand-in", name, text=str(file), by=by, session=None, owner=person)

        await self._database.write(work)

    async def handed_in(self, name: str) -> dict[str, int]:
        """Return how many times each person has handed in to a course, by their id; NotFound for no such group."""
        values = {"b_group": await self._group_id(name), "b_kind": FileKind.HAND_IN.value}
        return {str(person): int(times) for person, times in await self._database.read(_HANDED_IN, values)}

    async def note_read(self, name: str, text: str, *, owner: str | None, by: By) -> None:
        """Write into the audit that somebody read what was handed in: of one person, or all."""

        async def work(connection: Connection) -> None:
            await self._note(connection, "read", name, text=text, by=by, session=None, owner=owner)

        await self._database.write(work)

    async def _list(self, group_id: str, kind: FileKind, query: sa.Select[*tuple[object, ...]]) -> builtins.list[CourseFile]:
        found = await self._database.read(query, {"b_group": group_id, "b_kind": kind.value})
        return [_to_file(row) for row in found]

    async def _group_id(self, name: str) -> str:
        found = await self._database.read(_GROUP, {"b_name": name})
        if not found:
            raise NotFound(f"There is no group called {name}.")
        return str(found[0][0])

    async def _lock(self, connection: Connection, name: str, kind: FileKind, by: By) -> tuple[str, datetime | None]:
        """Lock a group for whoever may put such a file there; return its id, and until when work is due."""
        found = await connection.rows(_GROUP_FOR_UPDATE, {"b_name": name})
        if not found:
            raise NotFound(f"There is no group called {name}.")
        group_id, is_open, due = found[0]
        if kind is not FileKind.HAND_IN:
            await lock_group_for(connection, name, by)
        elif not await connection.rows(_MEMBER, {"b_name": name, "b_person": by.person}):
            raise NotAllowed("Only who is in this group hands in work to it. Ask its instructor.")
        elif not is_open:
            raise Conflict(f"{name} takes no work now. Its instructors and administrators open its course folder.")
        return str(group_id), due

    async def _set_assignments(self, connection: Connection, name: str, wanted: Mapping[str, datetime | None], by: By) -> None:
        if not wanted:
            return
        rows = await connection.rows(_ASSIGNMENTS, {"b_groups": [name]})
        there = {each.casefold(): (each, due) for _, each, due in rows}
        for assignment, due in wanted.items():
            before, was_due = there.pop(assignment.casefold(), (assignment, None))
            if due is not None:
                there[assignment.casefold()] = (assignment, due)
            if (before, was_due) == (assignment, due):
                continue
            await connection.rows(_DELETE_ASSIGNMENT, {"b_name": name, "b_assignment": before})
            if due is not None:
                await connection.rows(_WRITE_ASSIGNMENT, {"group": name, "name": assignment, "due": due})
            until = None if due is None else due.isoformat()
            await self._note(connection, "due", name, text=until, assignment=assignment, by=by, session=None, owner=None)
        if len(there) > MOST_ASSIGNMENTS:
            raise Conflict(
                f"A course has up to {MOST_ASSIGNMENTS} assignments with due times of their own. Take those away that are over."
            )

    async def _check_room(
        self, connection: Connection, group_id: str, kind: FileKind, name: str, *, size: int, person: str | None, room: Room
    ) -> None:
        where = {"b_group": group_id, "b_kind": kind.value}
        same = 0
        if kind is FileKind.DATA:
            await self._check_path(connection, group_id, name)
            times, same = (await connection.rows(_SAME_DATA, {**where, "b_path": name}))[0]
            number, taken = (await connection.rows(_TAKEN, where))[0]
            if number - times >= MOST_DATA:
                raise Conflict(
                    f"The data of a course have up to {MOST_DATA} files. Put many small ones into one ZIP or tar file, or into "
                    "the group's bucket, folder or database."
                )
            if taken - same + size > room.data:
                raise Conflict(
                    f"The data of a course have up to {_mib(room.data)}, and this would be more. Take something away, or put "
                    "large data into the group's bucket, folder or database."
                )
        else:
            await self._check_room_of(connection, where, kind, size=size, person=person, room=room)
        if not self._database.is_sqlite:
            await connection.rows(_ONE_AFTER_ANOTHER)
        if (await connection.rows(_TAKEN_BY_ALL))[0][0] - same + size > room.all:
            raise Conflict(
                f"The files of all courses here have up to {_mib(room.all)}, and this would be more. Ask an administrator to "
                "make room: by the setting course_files_room, or by what is left of groups that were removed."
            )

    async def _check_room_of(
        self, connection: Connection, where: Parameters, kind: FileKind, *, size: int, person: str | None, room: Room
    ) -> None:
        taken = await connection.rows(_TAKEN.where(course_files.c.person == person), where)
        whose = "hand in" if kind is FileKind.HAND_IN else "get back"
        ask = "Ask an instructor of it to remove" if kind is FileKind.HAND_IN else "Remove"
        free = f"{ask} what isn't needed any more: `rsparkhub group remove-hand-in`."
        if taken[0][0] >= room.hand_ins:
            raise Conflict(f"A student can {whose} up to {room.hand_ins} times in a course. {free}")
        if taken[0][1] + size > room.of_person:
            raise Conflict(f"A student can {whose} up to {_mib(room.of_person)} in a course, and this would be more. {free}")

    async def _check_path(self, connection: Connection, group_id: str, path: str) -> None:
        """Raise `Conflict` where a file would be a folder too."""
        names = path.split("/")
        above = ["/".join(names[:depth]) for depth in range(1, len(names))]
        found = await connection.rows(
            _IN_THE_WAY if self._database.is_sqlite else _IN_THE_WAY_ON_POSTGRES,
            {"b_group": group_id, "b_kind": FileKind.DATA.value, "b_above": above or [""],  # no file is called so
             "b_first": f"{path}/", "b_after": f"{path}{_AFTER_SLASH}"},
        )  # fmt: skip
        if found:
            raise Conflict(f"{found[0][0]} is there, and a file is no folder. Choose another path, or take it away.")

    async def _note(
        self,
        connection: Connection,
        change: GroupChange,
        name: str,
        *,
        text: str | None,
        view: bool | None = None,
        assignment: str | None = None,
        by: By,
        session: str | None,
        owner: str | None,
    ) -> None:
        said = group_event(change, name)
        if text is not None:
            said["text"] = text
        if view is not None:
            said["view"] = view
        if assignment is not None:
            said["assignment"] = assignment
        insert_of_people(connection, "group", said, by=by, owner=owner, session=session or "")


_DONE: dict[FileKind, Literal["gave", "handed-in", "returned"]] = {
    FileKind.DATA: "gave",
    FileKind.HAND_IN: "handed-in",
    FileKind.RETURNED: "returned",
}


def _is_there(group_id: str) -> sa.Exists:
    return sa.exists().where(group_ids.c.id == group_id, group_ids.c.removed.is_(None))


def _to_file(row: AnyRow) -> CourseFile:
    file_id, group, kind, person, by, name, size, digest, created, due, of, assignment = row
    return CourseFile(
        id=file_id, group=group, kind=FileKind(kind), person=person, by=by, name=name, size=size, digest=digest, created=created,
        due=due, of=of, assignment=assignment,
    )  # fmt: skip


def _given_up() -> Conflict:
    return Conflict(
        "It is given up: it was sent for more than an hour, or what it belongs to was deleted meanwhile. Send it again."
    )


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
