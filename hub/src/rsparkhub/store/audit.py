"""The audit: every event, of sessions and of people, newest or oldest first, chosen by whom, what and when."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from rsparkhub.domain.event import Event, EventKind, PeopleEventData, PeopleEventKind
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.events import EVENT_COLUMNS, By, insert_of_people, to_event
from rsparkhub.store.tables import events, sessions

_AT_ONCE = 500  # a statement has so many parameters
_NAMES = (
    sa.select(events.c.session, events.c.data)
    .where(events.c.session.in_(sa.bindparam("b_ids", expanding=True)), events.c.kind.in_(("created", "renamed")))
    .order_by(events.c.id)
)


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which events are asked for; what is None is not asked for.

    `person` is the id of who did it, or of whose session or account it is about, and `owner` of the latter alone. `session` is
    a session's id, or the name of some that there are. Times are from `since` on, and before `until`.
    """

    person: str | None = None
    owner: str | None = None
    session: str | None = None
    kinds: Collection[EventKind] | None = None
    since: datetime | None = None
    until: datetime | None = None


class Audit:
    """Reads the audit, and writes what people did where no other row changes with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, chosen: AuditFilter, *, before: int | None = None, limit: int) -> list[Event]:
        """Return the newest events of a choice, newest first: of all, or of those before an id."""
        query = _chosen(chosen).order_by(events.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(events.c.id < before)
        return [to_event(row) for row in await self._database.read(query)]

    async def since(self, chosen: AuditFilter, *, after: int, before: int | None = None, limit: int) -> list[Event]:
        """Return the events of a choice after an id, and before another one perhaps, oldest first."""
        query = _chosen(chosen).where(events.c.id > after).order_by(events.c.id).limit(limit)
        if before is not None:
            query = query.where(events.c.id < before)
        return [to_event(row) for row in await self._database.read(query)]

    async def session_names(self, ids: Iterable[str]) -> dict[str, str]:
        """Return what sessions are called, or were at last, by id; one whose beginning is not known any more is left out."""
        asked = sorted({each for each in ids if each})
        found: dict[str, str] = {}
        for first in range(0, len(asked), _AT_ONCE):
            for session, data in await self._database.read(_NAMES, {"b_ids": asked[first : first + _AT_ONCE]}):
                name = data.get("name") if isinstance(data, dict) else None
                if isinstance(name, str):
                    found[session] = name
        return found

    async def write(
        self,
        kind: PeopleEventKind,
        data: PeopleEventData,
        *,
        by: By,
        owner: str | None,
        session: str = "",
    ) -> None:
        """Write what somebody did; `domain.event` says what `data` is, by kind."""

        async def work(connection: Connection) -> None:
            insert_of_people(connection, kind, data, by=by, owner=owner, session=session)

        await self._database.write(work)


def _chosen(chosen: AuditFilter) -> sa.Select[tuple[object, ...]]:
    query = sa.select(*EVENT_COLUMNS)
    if chosen.person is not None:
        query = query.where(sa.or_(events.c.by == chosen.person, events.c.owner == chosen.person))
    if chosen.owner is not None:
        query = query.where(events.c.owner == chosen.owner)
    if chosen.session is not None:
        named = sa.select(sessions.c.id).where(sessions.c.name == chosen.session)
        query = query.where(sa.or_(events.c.session == chosen.session, events.c.session.in_(named)))
    if chosen.kinds is not None:
        query = query.where(events.c.kind.in_(sorted(chosen.kinds)))
    if chosen.since is not None:
        query = query.where(events.c.at >= chosen.since)
    if chosen.until is not None:
        query = query.where(events.c.at < chosen.until)
    return query
