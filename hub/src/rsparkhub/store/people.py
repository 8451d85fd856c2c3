"""Everybody there ever was, by an id that is given once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from rsparkhub.domain.user import Data, name_in, nth_id, removed_label
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.tables import people, sessions

_HOW_MANY = sa.select(sa.func.count()).where(people.c.name == sa.bindparam("b_name"))
_REMOVED = sa.select(people.c.id).where(people.c.id.in_(sa.bindparam("b_ids", expanding=True)), people.c.removed.is_not(None))
_REMOVE = (
    sa.update(people)
    .where(people.c.id == sa.bindparam("b_id"))
    .values(removed=sa.bindparam("b_now"), home=sa.bindparam("b_home"))
)
_LIVES = sa.exists().where(sessions.c.owner == people.c.id)
_HOMES = sa.select(people.c.id, people.c.home).where(people.c.home.is_not(None), ~_LIVES).order_by(people.c.id)
_HOME_DONE = sa.update(people).where(people.c.id == sa.bindparam("b_id")).values(home=None)


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

    async def home_done(self, person_id: str) -> None:
        """Write that what was to be done with a home is done."""
        await self._database.change(_HOME_DONE, {"b_id": person_id})


async def new_person(connection: Connection, name: str, *, now: datetime) -> str:
    """Write down a new person of a name, in a transaction, and return their id."""
    number = int((await connection.rows(_HOW_MANY, {"b_name": name}))[0][0]) + 1
    person_id = nth_id(name, number)
    await connection.rows(sa.insert(people), {"id": person_id, "name": name, "created": now})
    return person_id


async def mark_removed(connection: Connection, person_id: str, *, data: Data, now: datetime) -> None:
    """Write down that a person was removed, and what is to be done with their home, in a transaction."""
    home = None if data is Data.KEEP else data.value
    await connection.rows(_REMOVE, {"b_id": person_id, "b_now": now, "b_home": home})
