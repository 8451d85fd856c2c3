"""What a request changes in a session's row besides what is wanted: its name, and until when it stays awake."""

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from rsparkhub.domain.event import ExtendedData, RenamedData
from rsparkhub.domain.session import Session
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.desired import DUE_AT_ONCE
from rsparkhub.store.events import NewEvent, insert
from rsparkhub.store.tables import sessions

_RENAME = sa.update(sessions).where(sessions.c.id == sa.bindparam("b_id")).values(name=sa.bindparam("b_name"))
_EXTEND = (
    sa.update(sessions)
    .where(sessions.c.id == sa.bindparam("b_id"))
    # A controller that has planned its sleep from the row as it was sees by the revision that it is another.
    .values(awake_until=sa.bindparam("b_awake_until"), **DUE_AT_ONCE)
)


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
