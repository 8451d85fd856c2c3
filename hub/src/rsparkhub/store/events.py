"""What happened to each session and account, stored when these are gone. `domain.event` says what `data` is, by kind."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast, get_args

import sqlalchemy as sa

from rspark_contract.status import ComponentState
from rsparkhub.domain.event import (
    ComponentData,
    Event,
    EventKind,
    PeopleEventData,
    PeopleEventKind,
    SessionEventData,
    SessionEventKind,
    StateData,
    WarningData,
)
from rsparkhub.domain.session import Session
from rsparkhub.store.database import AnyRow, Connection, Database
from rsparkhub.store.runs import write_counts, write_run
from rsparkhub.store.tables import events

EVENT_COLUMNS = tuple(events.c[name] for name in ("id", "session", "at", "kind", "by", "owner", "data"))
_KINDS = frozenset(get_args(EventKind))
_OF_SESSIONS = events.c.session != ""
_INSERT = sa.insert(events)
_OLDEST = (
    sa.select(events.c.id, events.c.at, events.c.by, events.c.kind)
    .where(events.c.id > sa.bindparam("b_after"))
    .order_by(events.c.id)
    .limit(sa.bindparam("b_limit"))
)
_DELETE = sa.delete(events).where(events.c.id.in_(sa.bindparam("b_ids", expanding=True)))
_LATEST = sa.select(sa.func.coalesce(sa.func.max(events.c.id), 0))

# PostgreSQL gives ids when rows are inserted and shows rows when they are committed. Without this lock a reader could see
# event 8 before event 7 and, asking for what came after 8, never see 7. It is taken last in a transaction, for its end.
_IN_ORDER = sa.select(sa.func.pg_advisory_xact_lock(0x5253_7061_726C))


@dataclass(frozen=True)
class By:
    """Who does something, by their id, and when."""

    person: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """An event of a session that is not written yet."""

    kind: SessionEventKind
    data: SessionEventData
    by: str | None = None


class Events:
    """Reads and deletes events. An id grows with each event that becomes visible: `since` misses none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(
        self,
        session_id: str | None,
        after_id: int,
        *,
        owner: str | None = None,
        kinds: Collection[SessionEventKind] | None = None,
        limit: int = 1000,
    ) -> list[Event]:
        """Return events of sessions after `after_id`, oldest first: of one or of all, of one owner or of everybody."""
        query = sa.select(*EVENT_COLUMNS).where(events.c.id > after_id, _OF_SESSIONS).order_by(events.c.id).limit(limit)
        if session_id is not None:
            query = query.where(events.c.session == session_id)
        if owner is not None:
            query = query.where(events.c.owner == owner)
        if kinds is not None:
            query = query.where(events.c.kind.in_(sorted(kinds)))
        return [to_event(row) for row in await self._database.read(query)]

    async def latest_id(self) -> int:
        """Return the id of the newest event; 0 when nothing ever happened."""
        found = await self._database.read(_LATEST)
        return int(found[0][0])

    async def delete_before(self, at: datetime, *, after_id: int = 0, limit: int = 1000) -> int | None:
        """Delete what the hub did by itself before `at`, of the next `limit` events after `after_id`.

        What a user did stays, for the audit; that they signed in, which a program may do each minute, does not.

        Returns
        -------
        The id to go on after; None when there is nothing older left.
        """
        page = await self._database.read(_OLDEST, {"b_after": after_id, "b_limit": limit})
        old = [row for row in page if row[1] < at]
        ended = [row[0] for row in old if row[2] is None or row[3] == "sign-in"]
        if ended:
            await self._database.change(_DELETE, {"b_ids": ended})
        return int(old[-1][0]) if len(old) == limit else None


def to_event(row: AnyRow) -> Event:
    """Return the event of a row; one whose data can't be read has none, and one of an unknown kind warns of nothing."""
    number, session, at, kind, by, owner, data = row
    if kind not in _KINDS:
        kind = "warning"
    return Event(id=number, session=session, at=at, kind=kind, by=by, owner=owner, data=data if isinstance(data, dict) else {})


async def insert(
    connection: Connection, database: Database, happened: Iterable[NewEvent], *, session: Session, now: datetime
) -> None:
    """Write events of a session, and what they mean for its runs, at the end of a transaction."""
    happened = tuple(happened)
    for event in happened:
        if event.kind == "state":
            await write_run(connection, database, session, cast("StateData", event.data), at=now)
    if happened:
        connection.before_commit(
            _write,
            [
                {"session": session.id, "owner": session.owner, "at": now, "kind": event.kind, "by": event.by, "data": event.data}
                for event in happened
            ],
        )


def insert_of_people(
    connection: Connection,
    kind: PeopleEventKind,
    data: PeopleEventData,
    *,
    by: By,
    owner: str | None,
    session: str = "",
) -> None:
    """Write what somebody did to an account, a group or another's session, at the end of a transaction."""
    values = {"session": session, "owner": owner, "at": by.at, "kind": kind, "by": by.person, "data": data}
    connection.before_commit(_write, [values])


async def _write(connection: Connection, database: Database, rows: Sequence[dict[str, Any]]) -> None:
    """Write the events of a transaction, or of several that are written as one."""
    await write_counts(connection, database, [row["data"] for row in rows if row["kind"] == "state"])
    if not database.is_sqlite:
        await connection.rows(_IN_ORDER)
    await connection.rows(_INSERT, list(rows))


def differences(before: Session, after: Session) -> list[NewEvent]:
    """Return the events of what a controller changes in a row: its state, a new notice, and of each component its state.

    Why a component takes long to start may be known only after it began: then that is one more event.
    """
    happened = []
    if before.state != after.state:
        happened.append(state_event(before, after))
    known = {component.name: component for component in before.components}
    for component in after.components:
        same = known.get(component.name)
        explains = component.state is ComponentState.STARTING and component.reason is not None
        if same is None or same.state != component.state or (explains and same.reason != component.reason):
            changed = ComponentData(
                part=component.name,
                title=component.title,
                state=component.state.value,
                reason=component.reason,
                generation=after.generation,
            )
            happened.append(NewEvent(kind="part", data=changed))
    for notice in after.notices:
        if notice not in before.notices:
            warning = WarningData(kind=notice.kind, generation=notice.generation, at=notice.at.isoformat(), text=notice.text)
            happened.append(NewEvent(kind="warning", data=warning))
    return happened


def state_event(before: Session, after: Session, *, by: str | None = None) -> NewEvent:
    """Return the event of a state that changed."""
    data = StateData(state=after.state.value, was=before.state.value, generation=after.generation, reason=after.reason)
    if after.last_exit and after.last_exit != before.last_exit:
        data["code"] = after.last_exit.code
        if after.last_exit.ended:
            data["ended"] = list(after.last_exit.ended)
    return NewEvent(kind="state", by=by, data=data)
