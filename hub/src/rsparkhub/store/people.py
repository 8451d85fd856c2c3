"""Everybody there ever was, by an id that is given once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from rsparkhub.domain.errors import Conflict, NotFound
from rsparkhub.domain.event import PersonData
from rsparkhub.domain.user import Data, LeftData, name_in, nth_id, removed_label
from rsparkhub.store.database import AnyRow, Connection, Database
from rsparkhub.store.events import By, insert_of_people
from rsparkhub.store.service_accounts import LEFT_ACCOUNTS, discard_accounts
from rsparkhub.store.tables import course_files, people, sessions

_HOW_MANY = sa.select(sa.func.count()).where(people.c.name == sa.bindparam("b_name"))
_REMOVED = sa.select(people.c.id).where(people.c.id.in_(sa.bindparam("b_ids", expanding=True)), people.c.removed.is_not(None))
_REMOVE = (
    sa.update(people)
    .where(people.c.id == sa.bindparam("b_id"))
    .values(removed=sa.bindparam("b_now"), home=sa.bindparam("b_home"))
)
#: What they handed in to courses, and got back.
_DELETE_FILES = sa.delete(course_files).where(course_files.c.person == sa.bindparam("b_id"))
_LIVES = sa.exists().where(sessions.c.owner == people.c.id)
_GONE = "gone"  # what a home is when it was archived or deleted
_HOMES = (
    sa.select(people.c.id, people.c.home)
    .where(people.c.home.in_([Data.ARCHIVE.value, Data.DELETE.value]), ~_LIVES)
    .order_by(people.c.id)
)
_HOME_DONE = sa.update(people).where(people.c.id == sa.bindparam("b_id")).values(home=_GONE)
_LEFT = sa.select(people.c.id, people.c.removed, people.c.home).where(people.c.removed.is_not(None)).order_by(people.c.id)
_LOCK = sa.select(people.c.id).where(people.c.id == sa.bindparam("b_id")).with_for_update()
_DISCARD = (
    sa.update(people)
    .where(people.c.id == sa.bindparam("b_id"), people.c.removed.is_not(None), people.c.home.is_(None))
    .values(home=sa.bindparam("b_home"))
)


@dataclass(frozen=True)
class LeftHome:
    """The home of somebody who was removed, and what is to be done with it."""

    owner: str
    data: Data


class People:
    """Tells apart whoever is there and whoever was removed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def labels(self, ids: Iterable[str | None]) -> dict[str, str]:
        """Return what each person is called, by id: their name, and `ada (removed)` when they were removed."""
        asked = sorted({person_id for person_id in ids if person_id is not None})
        removed: set[str] = set()
        for first in range(0, len(asked), 500):  # a statement has so many parameters
            rows = await self._database.read(_REMOVED, {"b_ids": asked[first : first + 500]})
            removed |= {row[0] for row in rows}
        return {each: removed_label(each) if each in removed else name_in(each) for each in asked}

    async def left_homes(self) -> list[LeftHome]:
        """Return the homes with which something is to be done, of people of whom no session is left."""
        return [LeftHome(row[0], Data(row[1])) for row in await self._database.read(_HOMES)]

    async def left_data(self) -> list[LeftData]:
        """Return what is left of people who were removed, by their ids."""
        return _to_left(await self._database.read(_LEFT), await self._database.read(LEFT_ACCOUNTS))

    async def discard(self, person_id: str, data: Data, *, by: By | None = None) -> LeftData:
        """Have archived or deleted what was kept of somebody who was removed; return what is left now. Twice is the same as once.

        Raises
        ------
        NotFound
            When there is nothing left of them, or they were not removed.
        Conflict
            When something else is being done with it.
        """

        async def work(connection: Connection) -> LeftData:
            await connection.rows(_LOCK, {"b_id": person_id})
            before = await _left_of(connection, person_id)
            if before.data not in {Data.KEEP, data}:
                raise Conflict(f"The data of {removed_label(person_id)} are on their way already: {before.data.value}.")
            await connection.rows(_DISCARD, {"b_id": person_id, "b_home": data.value})
            await discard_accounts(connection, person_id, data)
            if data is Data.DELETE:
                await connection.rows(_DELETE_FILES, {"b_id": person_id})
            if by is not None and before.data is not data:
                said = PersonData(change="discarded", data=data.value)
                insert_of_people(connection, "person", said, by=by, owner=person_id)
            return await _left_of(connection, person_id)

        return await self._database.write(work)

    async def home_done(self, person_id: str) -> None:
        """Write that what was to be done with a home is done."""
        await self._database.change(_HOME_DONE, {"b_id": person_id})


def _to_left(homes: Iterable[AnyRow], accounts: Iterable[AnyRow]) -> list[LeftData]:
    """Return what is left of each person, from rows of their homes and of their accounts."""
    of_owner: dict[str, list[tuple[str, Data]]] = {}
    for owner, service, wanted in accounts:
        of_owner.setdefault(owner, []).append((service, Data(wanted)))
    found = []
    for person_id, removed, home in homes:
        things = [("home", Data(home or Data.KEEP))] if home != _GONE else []
        things += of_owner.get(person_id, [])
        if things:
            under_way = [data for _, data in things if data is not Data.KEEP]
            left = tuple(name for name, _ in things)
            found.append(LeftData(owner=person_id, removed=removed, data=(*under_way, Data.KEEP)[0], left=left))
    return found


async def _left_of(connection: Connection, person_id: str) -> LeftData:
    everybody = _to_left(await connection.rows(_LEFT), await connection.rows(LEFT_ACCOUNTS))
    found = next((left for left in everybody if left.owner == person_id), None)
    if found is None:
        raise NotFound(
            f"Of {removed_label(person_id)} nothing is left here. `rsparkhub user removed` lists of whom something is."
        )
    return found


async def new_person(connection: Connection, name: str, *, now: datetime) -> str:
    """Write down a new person of a name, in a transaction, and return their id."""
    number = int((await connection.rows(_HOW_MANY, {"b_name": name}))[0][0]) + 1
    person_id = nth_id(name, number)
    await connection.rows(sa.insert(people), {"id": person_id, "name": name, "created": now})
    return person_id


async def mark_removed(connection: Connection, person_id: str, *, data: Data, now: datetime) -> None:
    """Write down that a person was removed, and what is to be done with their home, in a transaction.

    What they handed in to courses stays there, unless their data are deleted.
    """
    if data is Data.DELETE:
        await connection.rows(_DELETE_FILES, {"b_id": person_id})
    home = None if data is Data.KEEP else data.value
    await connection.rows(_REMOVE, {"b_id": person_id, "b_now": now, "b_home": home})
