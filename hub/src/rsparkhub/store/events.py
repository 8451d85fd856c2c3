"""The history: what happened to each session, kept after the session itself is gone.

What `data` holds, by kind:

- `created`: `environment`, `name`, `kind`
- `wanted`: `wanted`, `reason`
- `state`: `state`, `was`, `generation`, `reason`, and `code` (an exit code or None) when a run ended with it
- `part`: `part`, `title`, `state`, `reason`, `generation`
- `queue` and `warning`: what the controller gave
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from rsparkhub.domain.errors import NotFound
from rsparkhub.domain.event import Event, EventKind
from rsparkhub.domain.session import Session
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.notifier import Notifier
from rsparkhub.store.tables import events, sessions

_COLUMNS = tuple(events.c[name] for name in ("id", "session", "at", "kind", "by", "owner", "data"))
_INSERT = sa.insert(events)
_OWNER = sa.select(sessions.c.owner).where(sessions.c.id == sa.bindparam("b_id"))
_LATEST = sa.select(sa.func.coalesce(sa.func.max(events.c.id), 0))

# PostgreSQL gives ids when rows are inserted and shows rows when they are committed. Without this lock a reader could see
# event 8 before event 7 and, asking for what came after 8, never see 7. It is taken last in a transaction, for its end.
_IN_ORDER = sa.select(sa.func.pg_advisory_xact_lock(0x5253_7061_726C))


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """An event that is not written yet."""

    kind: EventKind
    by: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


class Events:
    """Reads and writes events. An id grows with each event that becomes visible: `since` misses none."""

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    async def since(
        self,
        session_id: str | None,
        after_id: int,
        *,
        owner: str | None = None,
        kinds: Collection[EventKind] | None = None,
        limit: int = 1000,
    ) -> list[Event]:
        """Give events after `after_id`, oldest first: of one session or of all, of one owner or of everybody."""
        query = sa.select(*_COLUMNS).where(events.c.id > after_id).order_by(events.c.id).limit(limit)
        if session_id is not None:
            query = query.where(events.c.session == session_id)
        if owner is not None:
            query = query.where(events.c.owner == owner)
        if kinds is not None:
            query = query.where(events.c.kind.in_(sorted(kinds)))
        return [Event(**row._mapping) for row in await self._database.read(query)]

    async def latest_id(self) -> int:
        """Give the id of the newest event; 0 when nothing ever happened."""
        found = await self._database.read(_LATEST)
        return int(found[0][0])

    async def add(self, session_id: str, event: NewEvent, *, now: datetime) -> None:
        """Write one event of a session that exists.

        Raises
        ------
        NotFound
            When it doesn't.
        """

        async def work(connection: Connection) -> None:
            found = await connection.rows(_OWNER, {"b_id": session_id})
            if not found:
                raise NotFound(f"There is no session {session_id}.")
            await insert(connection, self._database, [event], session_id=session_id, owner=found[0][0], now=now)

        await self._database.write(work)
        await self._notifier.notify(session_id, about="changed")


async def insert(
    connection: Connection,
    database: Database,
    happened: Iterable[NewEvent],
    *,
    session_id: str,
    owner: str | None,
    now: datetime,
) -> None:
    """Write events at the end of a transaction."""
    values = [
        {"session": session_id, "owner": owner, "at": now, "kind": event.kind, "by": event.by, "data": event.data}
        for event in happened
    ]
    if not values:
        return
    if not database.is_sqlite:
        await connection.rows(_IN_ORDER)
    await connection.rows(_INSERT, values)


def differences(before: Session, after: Session) -> list[NewEvent]:
    """Tell what an observer saw change: the state, and the state of each part."""
    happened = []
    if before.state != after.state:
        happened.append(state_event(before, after))
    known = {part.name: part.state for part in before.components}
    for part in after.components:
        if known.get(part.name) != part.state:
            data = {"part": part.name, "title": part.title, "state": part.state.value, "reason": part.reason}
            happened.append(NewEvent(kind="part", data={**data, "generation": after.generation}))
    return happened


def state_event(before: Session, after: Session, *, by: str | None = None) -> NewEvent:
    """Make the event of a state that changed."""
    data = {"state": after.state.value, "was": before.state.value, "generation": after.generation, "reason": after.reason}
    ended = {"code": after.last_exit.code} if after.last_exit and after.last_exit != before.last_exit else {}
    return NewEvent(kind="state", by=by, data={**data, **ended})
