"""Every group there ever was, by an id that is given once, and what is left on services of those that were removed."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from rsparkhub.domain.errors import Conflict, NotFound
from rsparkhub.domain.event import GroupChange, GroupData
from rsparkhub.domain.user import Data, LeftData, group_of_owner, nth_id, owner_of_group, removed_label
from rsparkhub.store.database import AnyRow, Connection, Database
from rsparkhub.store.events import By, insert_of_people
from rsparkhub.store.service_accounts import LEFT_ACCOUNTS, discard_accounts
from rsparkhub.store.tables import course_files, group_ids, groups, service_accounts

_HOW_MANY = sa.select(sa.func.count()).where(group_ids.c.name == sa.bindparam("b_name"))
_REMOVE = (
    sa.update(group_ids)
    .where(group_ids.c.name == sa.bindparam("b_name"), group_ids.c.removed.is_(None))
    .values(removed=sa.bindparam("b_now"))
    .returning(group_ids.c.id)
)
_SERVICES = sa.select(service_accounts.c.service).distinct()
_REMOVED = sa.select(group_ids.c.id, group_ids.c.removed).where(group_ids.c.removed.is_not(None)).order_by(group_ids.c.id)
_WITH_FILES = sa.select(course_files.c.group).where(course_files.c.whole).distinct()
_DELETE_FILES = sa.delete(course_files).where(course_files.c.group == sa.bindparam("b_id"))
_FILES = "course folder"
_LOCK = sa.select(group_ids.c.id).where(group_ids.c.id == sa.bindparam("b_id")).with_for_update()


class LeftGroups:
    """What is left of groups that were removed: its course folder, and on each shared service that anybody used its account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def left_data(self) -> list[LeftData]:
        """Return what is left of groups that were removed, by their ids."""
        accounts, files = await self._database.read(LEFT_ACCOUNTS), await self._database.read(_WITH_FILES)
        return _to_left(await self._database.read(_REMOVED), accounts, files)

    async def discard(self, group_id: str, data: Data, *, by: By | None = None) -> LeftData:
        """Have archived or deleted what was kept of a group that was removed; return what is left. Twice is the same as once.

        Raises
        ------
        NotFound
            When there is nothing left of it, or it was not removed.
        Conflict
            When something else is being done with it, or nothing but a course folder is left, which is not archived.
        """

        async def work(connection: Connection) -> LeftData:
            await connection.rows(_LOCK, {"b_id": group_id})
            before = await _left_of(connection, group_id)
            if before.data not in {Data.KEEP, data}:
                raise Conflict(f"The data of the group {removed_label(group_id)} are on their way already: {before.data.value}.")
            if data is Data.ARCHIVE and before.left == (_FILES,):
                raise Conflict(
                    f"What was handed in is not archived. Save it by `rsparkhub group collect {group_id} FILE --removed`, and "
                    "delete it."
                )
            await discard_accounts(connection, owner_of_group(group_id), data)
            if by is not None and before.data is not data:
                said = group_event("discarded", removed_label(group_id), data=data)
                insert_of_people(connection, "group", said, by=by, owner=None)
            if data is not Data.DELETE:
                return await _left_of(connection, group_id)
            await connection.rows(_DELETE_FILES, {"b_id": group_id})
            return await _left_of(connection, group_id, otherwise=replace(before, data=data))

        return await self._database.write(work)


async def insert_group(connection: Connection, database: Database, name: str, *, now: datetime) -> bool:
    """Write down a group in a transaction, with an id of its own; return whether there was none of this name."""
    statement = database.insert(groups).on_conflict_do_nothing().returning(groups.c.name)
    if not await connection.rows(statement, {"name": name, "created": now}):
        return False
    number = int((await connection.rows(_HOW_MANY, {"b_name": name}))[0][0]) + 1
    await connection.rows(sa.insert(group_ids), {"id": nth_id(name, number), "name": name, "created": now})
    return True


async def mark_group_removed(connection: Connection, database: Database, name: str, *, data: Data, now: datetime) -> None:
    """Write down that a group was removed, and what is to be done with what it has on services, in a transaction."""
    for (group_id,) in await connection.rows(_REMOVE, {"b_name": name, "b_now": now}):
        if data is Data.DELETE:
            await connection.rows(_DELETE_FILES, {"b_id": group_id})
        # What is kept stays as it is: nobody is in the group any more.
        applied = Data.KEEP.value if data is Data.KEEP else "open"
        for (service,) in await connection.rows(_SERVICES, {}):
            account = {"owner": owner_of_group(group_id), "service": service, "password": "", "wanted": data.value}
            await connection.rows(database.insert(service_accounts).on_conflict_do_nothing(), account | {"applied": applied})


def group_event(
    change: GroupChange,
    name: str,
    *,
    joined: Iterable[str] = (),
    left: Iterable[str] = (),
    data: Data | None = None,
) -> GroupData:
    """Return what the audit has of a change of a group."""
    said = GroupData(change=change, group=name, joined=sorted(joined), left=sorted(left))
    if data is not None:
        said["data"] = data.value
    return said


def _to_left(removed: Iterable[AnyRow], accounts: Iterable[AnyRow], files: Iterable[AnyRow]) -> list[LeftData]:
    of_group: dict[str, list[tuple[str, Data]]] = {}
    for owner, service, wanted in accounts:
        if (group_id := group_of_owner(owner)) is not None:
            of_group.setdefault(group_id, []).append((service, Data(wanted)))
    for (group_id,) in files:
        of_group.setdefault(group_id, []).append((_FILES, Data.KEEP))
    found = []
    for group_id, when in removed:
        if things := of_group.get(group_id):
            under_way = [data for _, data in things if data is not Data.KEEP]
            left = tuple(name for name, _ in things)
            found.append(LeftData(owner=group_id, removed=when, data=(*under_way, Data.KEEP)[0], left=left))
    return found


async def _left_of(connection: Connection, group_id: str, *, otherwise: LeftData | None = None) -> LeftData:
    accounts, files = await connection.rows(LEFT_ACCOUNTS), await connection.rows(_WITH_FILES)
    every = _to_left(await connection.rows(_REMOVED), accounts, files)
    found = next((left for left in every if left.owner == group_id), otherwise)
    if found is None:
        raise NotFound(
            f"Of the group {removed_label(group_id)} nothing is left here. `rsparkhub group removed` lists of which something is."
        )
    return found
