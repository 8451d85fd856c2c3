"""The ends of the logs of a session's last run, for when nothing of it runs any more."""

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rsparkhub.domain.errors import NotFound
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.tables import session_logs

_GET = (
    sa.select(session_logs.c.component, session_logs.c.tail)
    .where(session_logs.c.session == sa.bindparam("b_id"))
    .order_by(session_logs.c.component)
)
# A controller that was thought dead may come late with the logs of an earlier run: they don't replace newer ones.
_FORGET = sa.delete(session_logs).where(
    session_logs.c.session == sa.bindparam("b_id"), session_logs.c.generation <= sa.bindparam("b_generation")
)


class Logs:
    """Stores the tails of the last generation of each session, by component."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, session_id: str, generation: int, tails: dict[str, str]) -> None:
        """Write these tails in place of those of earlier runs; NotFound when there is no such session."""
        put = self._database.insert(session_logs).on_conflict_do_nothing()
        values = [
            {"session": session_id, "component": component, "generation": generation, "tail": tail}
            for component, tail in tails.items()
        ]

        async def work(connection: Connection) -> None:
            await connection.rows(_FORGET, {"b_id": session_id, "b_generation": generation})
            if values:
                await connection.rows(put, values)

        try:
            await self._database.write(work)
        except IntegrityError as error:
            raise NotFound(f"There is no session {session_id}.") from error

    async def get(self, session_id: str) -> dict[str, str]:
        """Return the tails by component; none when the session has not ended yet."""
        return {row[0]: row[1] for row in await self._database.read(_GET, {"b_id": session_id})}
