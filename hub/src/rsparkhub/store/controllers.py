"""Which controllers are alive, so that they can share what there is to watch."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from rsparkhub.store.database import Connection, Database
from rsparkhub.store.tables import controllers

_OTHERS = sa.select(controllers.c.holder)
_FORGET = sa.delete(controllers).where(controllers.c.seen < sa.bindparam("b_before"))
_LEAVE = sa.delete(controllers).where(controllers.c.holder == sa.bindparam("b_holder"))


class Controllers:
    """Writes a sign of life of each controller."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(self, holder: str, *, now: datetime, lifetime: timedelta) -> frozenset[str]:
        """Write that this controller lives; return all that did so within `lifetime`."""
        alive = self._database.insert(controllers).on_conflict_do_update(index_elements=["holder"], set_={"seen": now})

        async def work(connection: Connection) -> frozenset[str]:
            await connection.rows(alive, {"holder": holder, "seen": now})
            await connection.rows(_FORGET, {"b_before": now - lifetime})
            return frozenset(row[0] for row in await connection.rows(_OTHERS))

        return await self._database.write(work)

    async def leave(self, holder: str) -> None:
        """Delete the sign of life of a controller that ends."""
        await self._database.change(_LEAVE, {"b_holder": holder})
