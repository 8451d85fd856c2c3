"""Folders of courses: who has one, and the files there, stored in pieces so that none is ever in memory whole."""

import builtins
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from rsparkhub.domain.course import MemberRole
from rsparkhub.domain.coursework import CourseFile, CourseFolder, FileKind, Room
from rsparkhub.domain.errors import Conflict, NotAllowed, NotFound
from rsparkhub.domain.event import GroupChange
from rsparkhub.domain.session import new_session_id
from rsparkhub.store.courses import lock_group_for
from rsparkhub.store.database import AnyRow, Connection, Database
from rsparkhub.store.events import By, insert_of_people
from rsparkhub.store.left_groups import group_event
from rsparkhub.store.tables import course_files, course_pieces, group_ids, groups, members, users

_COLUMNS = tuple(
    course_files.c[name] for name in ("id", "group", "kind", "person", "by", "name", "size", "digest", "created", "due", "of")
)
_HERE = sa.and_(group_ids.c.name == groups.c.name, group_ids.c.removed.is_(None))
_GROUP = (
    sa.select(group_ids.c.id, groups.c.course_folder, groups.c.due)
    .select_from(groups.join(group_ids, _HERE))
    .where(groups.c.name == sa.bindparam("b_name"))
)
_GROUP_FOR_UPDATE = _GROUP.with_for_update(of=groups)
_OF_USER = (
    sa.select(group_ids.c.id, groups.c.name, members.c.role, groups.c.due)
    .select_from(users.join(members, members.c.user_name == users.c.name).join(groups).join(group_ids, _HERE))
    .where(users.c.name == sa.bindparam("b_name"), groups.c.course_folder)
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
_LIST = _WHOLE.where(*_OF_KIND).order_by(course_files.c.created, course_files.c.id)
_NAMES = sa.select(course_files.c.name).where(*_OF_KIND, course_files.c.whole)
_TAKEN = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(course_files.c.size), 0)).where(*_OF_KIND)
_SET = (
    sa.update(groups)
    .where(groups.c.name == sa.bindparam("b_name"))
    .values(course_folder=sa.bindparam("b_open"), due=sa.bindparam("b_due"))
)
_WRITE = sa.insert(course_files)
_WRITE_PIECE = sa.insert(course_pieces)
_FINISH = (
    sa.update(course_files)
    .where(course_files.c.id == sa.bindparam("b_id"), sa.not_(course_files.c.whole))
    .values(whole=True, digest=sa.bindparam("b_digest"), due=sa.bindparam("b_due"))
    .returning(*_COLUMNS)
)
_REPLACED = sa.delete(course_files).where(
    *_OF_KIND, course_files.c.name == sa.bindparam("b_path"), course_files.c.id != sa.bindparam("b_id"), course_files.c.whole
)
_DROP = sa.delete(course_files).where(course_files.c.id == sa.bindparam("b_id"), sa.not_(course_files.c.whole))
_DROP_LEFT = sa.delete(course_files).where(sa.not_(course_files.c.whole), course_files.c.created < sa.bindparam("b_before"))
_DELETE_DATA = (
    sa.delete(course_files)
    .where(*_OF_KIND, course_files.c.id == sa.bindparam("b_id"), course_files.c.whole)
    .returning(course_files.c.name)
)
_PIECE = sa.select(course_pieces.c.content).where(
    course_pieces.c.file == sa.bindparam("b_file"), course_pieces.c.number == sa.bindparam("b_number")
)
#: After which what was not sent to its end takes no room any more.
_LONGEST_SENDING = timedelta(hours=1)


class Coursework:
    """Reads and writes the files of courses.

    A file is sent by `begin`, a `write` for each piece, and `finish`: before that nobody sees it, and after that nothing changes
    it. What it needs is taken at the beginning, so that many at once don't take more than there is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_folder(self, name: str, *, is_open: bool, due: datetime | None, by: By) -> None:
        """Open or close the folder of a course, and set until when work is due. What is in it stays.

        Raises
        ------
        NotFound
            When there is no such group.
        NotAllowed
            When whoever does it is neither its instructor nor an administrator by now.
        """

        async def work(connection: Connection) -> None:
            await lock_group_for(connection, name, by)
            before = (await connection.rows(_GROUP, {"b_name": name}))[0]
            if (before[1], before[2]) != (is_open, due):
                await connection.rows(_SET, {"b_name": name, "b_open": is_open, "b_due": due})
                until = None if due is None else due.isoformat()
                await self._note(connection, "course", name, text=until, view=is_open, by=by, session=None, owner=None)

        await self._database.write(work)

    async def of_user(self, name: str) -> builtins.list[CourseFolder]:
        """Return the folders of those courses that a user is in, with their data."""
        found = await self._database.read(_OF_USER, {"b_name": name})
        if not found:
            return []
        data = [_to_file(row) for row in await self._database.read(_DATA, {"b_groups": [row[0] for row in found]})]
        return [
            CourseFolder(
                group=group,
                instructor=role == MemberRole.INSTRUCTOR,
                due=due,
                data=tuple(file for file in data if file.group == group_id),
            )
            for group_id, group, role, due in found
        ]

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
            When there is no such group.
        NotAllowed
            When whoever does it may not, by now.
        Conflict
            When the course has no folder, or no room.
        """
        file_id = new_session_id()

        async def work(connection: Connection) -> None:
            group_id, _ = await self._lock(connection, name, kind, by)
            await connection.rows(_DROP_LEFT, {"b_before": by.at - _LONGEST_SENDING})
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
        """Store one piece of a file that is sent."""
        await self._database.change(_WRITE_PIECE, {"file": file_id, "number": number, "content": content})

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
            When it was sent for too long, or the folder was closed.
        """

        async def work(connection: Connection) -> CourseFile:
            group_id, due = await self._lock(connection, name, kind, by)
            values = {"b_id": file_id, "b_digest": digest, "b_due": due if kind is FileKind.HAND_IN else None}
            found = await connection.rows(_FINISH, values)
            if not found:
                raise Conflict("It was sent for more than an hour, and is given up. Send it again.")
            file = _to_file(found[0])
            if kind is FileKind.DATA:
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
            gone = await connection.rows(_DELETE_DATA, values)
            if not gone:
                raise NotFound("There is no such file among the data of this course. It may have been taken away.")
            await self._note(connection, "took-away", name, text=str(gone[0][0]), by=by, session=None, owner=None)

        await self._database.write(work)

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
        if kind is FileKind.HAND_IN:
            if not await connection.rows(_MEMBER, {"b_name": name, "b_person": by.person}):
                raise NotAllowed("Only who is in this group hands in work to it. Ask its instructor.")
        else:
            await lock_group_for(connection, name, by)
        group_id, is_open, due = (await connection.rows(_GROUP_FOR_UPDATE, {"b_name": name}))[0]
        if not is_open:
            raise Conflict(f"{name} has no course folder. Its instructors and administrators open one.")
        return str(group_id), due

    async def _check_room(
        self, connection: Connection, group_id: str, kind: FileKind, name: str, *, size: int, person: str | None, room: Room
    ) -> None:
        where = {"b_group": group_id, "b_kind": kind.value}
        if kind is FileKind.DATA:
            names = [str(row[0]) for row in await connection.rows(_NAMES, where)]
            clash = next((each for each in names if each.startswith(f"{name}/") or name.startswith(f"{each}/")), None)
            if clash is not None:
                raise Conflict(f"{clash} is there, and a file is no folder. Choose another path, or take it away.")
            taken = await connection.rows(_TAKEN, where)
            if taken[0][1] + size > room.data:
                raise Conflict(
                    f"The data of a course have up to {_mib(room.data)}, and this would be more. Take something away, or put "
                    "large data into the group's bucket, folder or database."
                )
            return
        taken = await connection.rows(_TAKEN.where(course_files.c.person == person), where)
        whose = "hand in" if kind is FileKind.HAND_IN else "get back"
        if taken[0][0] >= room.hand_ins:
            raise Conflict(f"A student can {whose} up to {room.hand_ins} times in a course. Ask an instructor what counts.")
        if taken[0][1] + size > room.of_person:
            raise Conflict(f"A student can {whose} up to {_mib(room.of_person)} in a course, and this would be more.")

    async def _note(
        self,
        connection: Connection,
        change: GroupChange,
        name: str,
        *,
        text: str | None,
        view: bool | None = None,
        by: By,
        session: str | None,
        owner: str | None,
    ) -> None:
        said = group_event(change, name)
        if text is not None:
            said["text"] = text
        if view is not None:
            said["view"] = view
        await insert_of_people(connection, self._database, "group", said, by=by, owner=owner, session=session or "")


_DONE: dict[FileKind, Literal["gave", "handed-in", "returned"]] = {
    FileKind.DATA: "gave",
    FileKind.HAND_IN: "handed-in",
    FileKind.RETURNED: "returned",
}


def _is_there(group_id: str) -> sa.Exists:
    return sa.exists().where(group_ids.c.id == group_id, group_ids.c.removed.is_(None))


def _to_file(row: AnyRow) -> CourseFile:
    file_id, group, kind, person, by, name, size, digest, created, due, of = row
    return CourseFile(
        id=file_id, group=group, kind=FileKind(kind), person=person, by=by, name=name, size=size, digest=digest, created=created,
        due=due, of=of,
    )  # fmt: skip


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
