"""What users ask of sessions: make one, read them, change what is wanted of one."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from rsparkhub.domain.errors import Conflict, NotFound
from rsparkhub.domain.event import CreatedData, VisitData
from rsparkhub.domain.session import LIVE, RowKind, Session, SessionVisit, Sleep, State, Wanted, new_session_id
from rsparkhub.domain.user import name_in
from rsparkhub.store import details
from rsparkhub.store.admission_queue import lock_queue, requeue_head
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.desired import set_wanted
from rsparkhub.store.events import By, NewEvent, insert, insert_of_people
from rsparkhub.store.notifier import Notifier
from rsparkhub.store.rows import SESSION_COLUMNS, to_session
from rsparkhub.store.tables import events, sessions, users

_GET = sa.select(*SESSION_COLUMNS).where(sessions.c.id == sa.bindparam("b_id"))
_GET_FOR_UPDATE = _GET.with_for_update()
_OWNER_FOR_UPDATE = (
    sa.select(users.c.name)
    .where(users.c.id == sa.bindparam("b_owner"), users.c.disabled.is_(None))
    .with_for_update(key_share=True)
)
_DISABLED = sa.select(users.c.name).where(users.c.id == sa.bindparam("b_owner"), users.c.disabled.is_not(None))
_OF_KEY = sa.select(*SESSION_COLUMNS).where(
    sessions.c.owner == sa.bindparam("b_owner"), sessions.c.idempotency_key == sa.bindparam("b_key")
)
_OF_ENVIRONMENT = (
    sa.select(*SESSION_COLUMNS)
    .where(
        sessions.c.owner == sa.bindparam("b_owner"),
        sessions.c.environment == sa.bindparam("b_environment"),
        sessions.c.kind == "session",
        sessions.c.wanted != Wanted.DELETED.value,
    )
    .order_by(sessions.c.created.desc(), sessions.c.id.desc())
)
_HOW_MANY = sa.select(sa.func.count()).where(
    sessions.c.owner == sa.bindparam("b_owner"), sessions.c.wanted != Wanted.DELETED.value
)
_LAST_WANTED = (
    sa.select(events.c.session, sa.func.max(events.c.at, type_=events.c.at.type))
    .where(events.c.session.in_(sa.bindparam("b_ids", expanding=True)), events.c.kind == "wanted")
    .group_by(events.c.session)
)
_COUNTS = sa.select(sessions.c.state, sa.func.count()).where(sessions.c.kind == "session").group_by(sessions.c.state)
#: A new row is wanted to run, and is due at once.
_NEW: dict[str, Any] = {
    "wanted": Wanted.RUNNING.value, "state": State.QUEUED.value, "spec_revision": 0, "generation": 0,
    "busy": False, "busy_with": [], "components": [], "endpoints": {}, "lease_epoch": 0,
}  # fmt: skip
_PURGE = (
    sa.delete(sessions)
    .where(sessions.c.id == sa.bindparam("b_id"), sessions.c.wanted == Wanted.DELETED.value)
    .returning(sessions.c.id)
)


def _rank(session: Session) -> int:
    """Return which of a person's sessions of an environment is gone on with; the least first."""
    if session.wanted is Wanted.RUNNING and session.state not in {State.FAILED, State.STOPPED}:
        return 0 if session.state is State.RUNNING else 1
    return 2 if session.state in {State.SUSPENDED, State.SUSPENDING} else 3


class SessionRequests:
    """Makes sessions, reads them, and writes what is wanted of them."""

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    async def create(
        self,
        id: str | None = None,  # noqa: A002  the domain's name for it
        *,
        kind: RowKind = "session",
        owner: str | None,
        environment: str,
        name: str,
        project: str | None = None,
        options: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
        most: int | None = None,
        reuse: bool = False,
        by: str | None = None,
        now: datetime,
    ) -> tuple[Session, bool]:
        """Make a session that is wanted to run and stands in the queue; return it, and whether it is a new one.

        The same owner and key, or an id that there is, returns the session that there is. With `reuse` so does the same owner
        and environment: one that runs before one that sleeps, and the newest of these. `most` is how many the owner may have,
        and `by` who asks for it where that is not the owner.

        Raises
        ------
        NotFound
            When there is no such owner.
        Conflict
            When the owner has `most` sessions already.
        """

        async def work(connection: Connection) -> tuple[Session, bool]:
            if owner is not None and not await connection.rows(_OWNER_FOR_UPDATE, {"b_owner": owner}):
                raise NotFound(f"There is no user called {name_in(owner)} who may start sessions.")
            # The owner's row is locked: nobody else makes a session of theirs, with this key or beyond the limit.
            if idempotency_key is not None:
                known = await connection.rows(_OF_KEY, {"b_owner": owner, "b_key": idempotency_key})
                if known:
                    return to_session(known[0]), False
            if reuse:
                there = await connection.rows(_OF_ENVIRONMENT, {"b_owner": owner, "b_environment": environment})
                if usable := [session for session in map(to_session, there) if not session.damaged]:
                    return min(usable, key=_rank), False
            if most is not None:
                await self._check_limit(connection, owner, most)
            values = {
                "kind": kind, "owner": owner, "environment": environment, "name": name, "project": project,
                "options": options or {}, "idempotency_key": idempotency_key, "now": now, "by": by or owner,
            }  # fmt: skip
            return await self._insert(connection, id, values)

        session, made = await self._database.write(work)
        if made:
            await self._notifier.notify(session.id)
        return session, made

    async def get(self, id: str) -> Session:  # noqa: A002
        """Return a session, also one that is being deleted.

        Raises
        ------
        NotFound
            When there is none with this id.
        """
        found = await self._database.read(_GET, {"b_id": id})
        if not found:
            raise NotFound(f"There is no session {id}.")
        return to_session(found[0])

    async def list(
        self,
        *,
        owner: str | None = None,
        kind: RowKind = "session",
        states: Iterable[State] | None = None,
        live_only: bool = False,
        limit: int | None = None,
        after: str | None = None,
        with_deleted: bool = False,
        deleted_before: datetime | None = None,
    ) -> list[Session]:
        """Return sessions, newest first; `after` is the id of the last one of the page before.

        A session that somebody deleted is not listed, also while it is still ending; `with_deleted` lists it until then, and
        `deleted_before` where that was so long ago that it should be gone.
        """
        query = sa.select(*SESSION_COLUMNS).where(sessions.c.kind == kind)
        query = query.order_by(sessions.c.created.desc(), sessions.c.id.desc())
        if owner is not None:
            query = query.where(sessions.c.owner == owner)
        if states is not None:
            query = query.where(sessions.c.state.in_(sorted(states)))
        if live_only:
            query = query.where(sessions.c.state.in_(sorted(LIVE)))
        if deleted_before is not None:
            since = sa.and_(events.c.session == sessions.c.id, events.c.kind == "wanted", events.c.at > deleted_before)
            query = query.where(sa.or_(sessions.c.wanted != Wanted.DELETED.value, ~sa.exists().where(since)))
        elif not with_deleted:
            query = query.where(sessions.c.wanted != Wanted.DELETED.value)
        if limit is not None:
            query = query.limit(limit)
        if after is not None:
            last = await self.get(after)
            query = query.where(sa.tuple_(sessions.c.created, sessions.c.id) < sa.tuple_(last.created, last.id))
        return [to_session(row) for row in await self._database.read(query)]

    async def set_wanted(
        self,
        id: str,  # noqa: A002
        wanted: Wanted,
        *,
        by: str | None,
        sleep: Sleep = Sleep.KEPT,
        reason: str | None = None,
        now: datetime,
    ) -> Session:
        """Write what is wanted of a session, and return it; a controller makes it so. Twice is the same as once.

        `sleep` is what it may lose to be put to sleep; to ask again and allow more counts, to allow less doesn't.

        A session that sleeps or has ended, and is to run, goes to the queue at once.

        Raises
        ------
        NotFound
            When there is no such session, or when it is being deleted and something else is wanted.
        Conflict
            When it is to run, and whose it is was disabled.
        """

        async def work(connection: Connection) -> Session:
            await lock_queue(connection, self._database)
            found = await connection.rows(_GET_FOR_UPDATE, {"b_id": id})
            if not found:
                raise NotFound(f"There is no session {id}.")
            before = to_session(found[0])
            if wanted is Wanted.RUNNING and await connection.rows(_DISABLED, {"b_owner": before.owner}):
                raise Conflict(f"{name_in(before.owner or '')} is disabled. Their sessions run again when they are enabled.")
            return await set_wanted(connection, self._database, before, wanted, by=by, sleep=sleep, reason=reason, now=now)

        session = await self._database.write(work)
        await self._notifier.notify(id)
        return session

    async def extend(
        self,
        id: str,  # noqa: A002
        until: Callable[[Session], datetime],
        *,
        by: str,
        now: datetime,
    ) -> Session:
        """Write until when a session stays awake though nobody uses it, and return it.

        `until` returns that time, or raises why not, from the row as it is then: two that ask at once put it off twice.

        Raises
        ------
        NotFound
            When there is no such session, or it is being deleted.
        """

        async def work(connection: Connection) -> Session:
            before = await self._find_for_update(connection, id)
            return await details.extend(connection, self._database, before, until(before), by=by, now=now)

        session = await self._database.write(work)
        await self._notifier.notify(id)
        return session

    async def rename(self, id: str, name: str, *, by: str, now: datetime) -> Session:  # noqa: A002
        """Give a session another name, and return it; its id and its addresses stay. Twice is the same as once.

        Raises
        ------
        NotFound
            When there is no such session, or it is being deleted.
        """

        async def work(connection: Connection) -> Session:
            before = await self._find_for_update(connection, id)
            return await details.rename(connection, self._database, before, name, by=by, now=now)

        session = await self._database.write(work)
        await self._notifier.notify(id, about="changed")
        return session

    async def visit(
        self,
        id: str,  # noqa: A002
        to: Literal["interface", "log"],
        *,
        owner: str | None,
        group: str | None,
        told: bool,
        by: By,
    ) -> None:
        """Write into the audit that somebody looks into another's session, and where the owner is `told`, for them to see.

        `group` is the one of which they are an instructor.
        """
        said = VisitData(to=to)
        if group is not None:
            said["group"] = group

        async def work(connection: Connection) -> None:
            if told and (found := await connection.rows(_GET_FOR_UPDATE, {"b_id": id})):
                visit = SessionVisit(person=by.person, to=to, group=group, at=by.at)
                await details.visit(connection, to_session(found[0]), visit)
            insert_of_people(connection, "visit", said, by=by, owner=owner, session=id)

        await self._database.write(work)
        if told:
            await self._notifier.notify(id, about="changed")

    async def purge(self, id: str) -> bool:  # noqa: A002
        """Delete the row of a deleted session with its logs; its events stay. Return whether there was one."""

        async def work(connection: Connection) -> tuple[bool, list[str]]:
            await lock_queue(connection, self._database)
            gone = await connection.rows(_PURGE, {"b_id": id})
            # If it had a slot until now, it leaves it to the next.
            return bool(gone), await requeue_head(connection) if gone else []

        purged, due = await self._database.write(work)
        if purged:
            await self._notifier.notify(id, about="changed")
        if due:
            await self._notifier.notify(*due, about="look")
        return purged

    async def deleted_at(self, ids: Collection[str]) -> dict[str, datetime]:
        """Return when these sessions were deleted, which are still there: nothing was asked of them since."""
        found = await self._database.read(_LAST_WANTED, {"b_ids": sorted(ids)})
        return {row[0]: row[1] for row in found}

    async def counts(self) -> dict[State, int]:
        """Return the number of sessions in each state; every state is there."""
        found = {row[0]: int(row[1]) for row in await self._database.read(_COUNTS)}
        counts = {state: found.pop(state.value, 0) for state in State}
        counts[State.FAILED] += sum(found.values())  # whose state can't be read, and which are shown as failed
        return counts

    async def _find_for_update(self, connection: Connection, id: str) -> Session:  # noqa: A002
        found = await connection.rows(_GET_FOR_UPDATE, {"b_id": id})
        session = to_session(found[0]) if found else None
        if session is None or session.is_service:
            raise NotFound(f"There is no session {id}.")
        if session.wanted is Wanted.DELETED:
            raise NotFound(f"There is no session {id}: it has been deleted.")
        return session

    async def _check_limit(self, connection: Connection, owner: str | None, most: int) -> None:
        if (await connection.rows(_HOW_MANY, {"b_owner": owner}))[0][0] >= most:
            raise Conflict(
                f"You have {most} sessions, which is the most there may be. Delete one that you don't need, then try again."
            )

    async def _insert(self, connection: Connection, id: str | None, values: dict[str, Any]) -> tuple[Session, bool]:  # noqa: A002
        now, by = values.pop("now"), values.pop("by")
        statement = self._database.insert(sessions).on_conflict_do_nothing(index_elements=["id"]).returning(*SESSION_COLUMNS)
        while True:
            chosen = id or new_session_id()
            values |= {"id": chosen, "created": now, "queued_at": now, "next_reconcile_at": now, "claimable_at": now}
            made = await connection.rows(statement, _NEW | values)
            if made:
                session = to_session(made[0])
                data = CreatedData(environment=session.environment, name=session.name, kind=session.kind)
                event = NewEvent(kind="created", by=by, data=data)
                await insert(connection, self._database, [event], session=session, now=now)
                return session, True
            if id is not None:
                return to_session((await connection.rows(_GET, {"b_id": id}))[0]), False
