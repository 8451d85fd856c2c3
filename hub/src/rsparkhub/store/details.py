"""What a request changes in a session's row besides what is wanted: its name, until when it stays awake, who looked into it."""

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from rsparkhub.domain.event import ExtendedData, RenamedData
from rsparkhub.domain.session import Session, SessionVisit
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.desired import DUE_AT_ONCE
from rsparkhub.store.events import NewEvent, insert
from rsparkhub.store.rows import written
from rsparkhub.store.tables import sessions

_RENAME = sa.update(sessions).where(sessions.c.id == sa.bindparam("b_id")).values(name=sa.bindparam("b_name"))
_EXTEND = (
    sa.update(sessions)
    .where(sessions.c.id == sa.bindparam("b_id"))
    # A controller that has planned its sleep from the row as it was sees by the revision that it is another.
    .values(awake_until=sa.bindparam("b_awake_until"), **DUE_AT_ONCE)
)
#: A person who looks in again takes the place of their visit before.
_MOST_VISITS = 10
_VISIT = sa.update(sessions).where(sessions.c.id == sa.bindparam("b_id")).values(visits=sa.bindparam("b_visits"))


async def rename(connection: Connection, database: Database, before: Session, name: str, *, by: str, now: datetime) -> Session:
    """Write another name, at the end of a transaction; return the row, which the caller has read under a lock."""
    if before.name == name:
        return before
    await connection.rows(_RENAME, {"b_id": before.id, "b_name": name})
    event = NewEvent(kind="renamed", by=by, data=RenamedData(name=name, was=before.name))
    await insert(connection, database, [event], session=before, now=now)
    return replace(before, name=name)


async def extend(
    connection: Connection, database: Database, before: Session, until: datetime, *, by: str, now: datetime
) -> Session:
    """Write until when it stays awake though nobody uses it, at the end of a transaction; return the row, as `rename` does."""
    await connection.rows(_EXTEND, {"b_id": before.id, "b_awake_until": until, "b_now": now})
    event = NewEvent(kind="extended", by=by, data=ExtendedData(until=until.isoformat(), generation=before.generation))
    await insert(connection, database, [event], session=before, now=now)
    return replace(before, awake_until=until)


async def visit(connection: Connection, before: Session, visit: SessionVisit) -> None:
    """Write that somebody looked into it, for its owner to see; the caller has read the row under a lock."""
    others = [each for each in before.visits if (each.person, each.to) != (visit.person, visit.to)]
    visits = written((visit, *others[: _MOST_VISITS - 1]))
    await connection.rows(_VISIT, {"b_id": before.id, "b_visits": visits})
