"""The queue: who is first in line, and whether there is room.

Sessions that wait to start stand in the order in which they were asked for. To be admitted is to have a place while not
started yet (`admitted`), so that a place is never given twice, by however many controllers, and a controller that dies
between the two steps loses none. Who gets a place wakes the next in line, as does a session that frees one; so the line
moves as fast as it can while nobody asks twice.
"""

from datetime import datetime

import sqlalchemy as sa

from rsparkhub.domain.session import LIVE, Session, State, Wanted
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.notifier import Notifier
from rsparkhub.store.tables import sessions

STARTING = frozenset({State.STARTING, State.RESUMING})

# Whoever gives a place or frees one holds this lock, and takes it before any row's. Otherwise a place that is freed while
# the last one is given would wake who was just admitted, and the next in line would never hear of it.
_GATE = sa.select(sa.func.pg_advisory_xact_lock(0x5253_7061_726D))

_QUEUED = sa.and_(
    sessions.c.kind == "session",
    sessions.c.state == State.QUEUED.value,
    sessions.c.wanted == Wanted.RUNNING.value,
)
_IN_LINE = sa.and_(_QUEUED, sessions.c.admitted.is_(None))
_MINE = sa.and_(
    sessions.c.id == sa.bindparam("b_id"),
    sessions.c.lease_holder == sa.bindparam("b_holder"),
    sessions.c.state == State.QUEUED.value,
    sessions.c.wanted == Wanted.RUNNING.value,
)
_LOOK_AT_MINE = sa.select(sessions.c.kind, sessions.c.admitted, sessions.c.queued_at).where(_MINE)
_ADMITTED = sa.and_(_QUEUED, sessions.c.admitted.is_not(None))
_TAKEN = sa.select(
    sa.func.count(),
    sa.func.count().filter(sa.or_(_ADMITTED, sessions.c.state.in_(sorted(STARTING)))),
).where(
    sessions.c.kind == "session",
    sessions.c.state.in_(sorted([*LIVE, State.QUEUED])),
    sa.or_(sessions.c.state != State.QUEUED.value, _ADMITTED),
)
_AHEAD = sa.select(sa.func.count()).where(
    _IN_LINE,
    sa.tuple_(sessions.c.queued_at, sessions.c.id)
    < sa.tuple_(sa.bindparam("b_queued_at", type_=sessions.c.queued_at.type), sa.bindparam("b_id", type_=sessions.c.id.type)),
)
_ADMIT = sa.update(sessions).where(_MINE).values(admitted=sa.bindparam("b_now")).returning(sessions.c.id)
_LINE = sa.select(sessions.c.id).where(_IN_LINE).order_by(sessions.c.queued_at, sessions.c.id)
_WAKE_FIRST = (
    sa.update(sessions)
    .where(sessions.c.id == _LINE.limit(1).scalar_subquery())
    .values(
        # A controller that holds it, and was just told that there is no room, sees by the wish that it is to look again.
        spec_revision=sessions.c.spec_revision + 1,
        next_reconcile_at=sessions.c.queued_at,  # long past: it is due at once
        claimable_at=sa.case((sessions.c.lease_holder.is_(None), sessions.c.queued_at), else_=sessions.c.claimable_at),
    )
    .returning(sessions.c.id)
)


class AdmissionQueue:
    """The order in which sessions start. Shared services are no part of it: they start at once."""

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    async def positions(self) -> dict[str, int]:
        """Tell each waiting session's place in the line; the first is 1."""
        return {row[0]: place for place, row in enumerate(await self._database.read(_LINE), start=1)}

    async def admit(self, id: str, *, holder: str, now: datetime, most_running: int, most_starting: int) -> bool:  # noqa: A002
        """Give the session a place if it wants one, is far enough in front, and there is room.

        The place is its own until it leaves the queue. False also when `holder` lost the lease, or when it is not queued
        any more.
        """

        async def work(connection: Connection) -> tuple[bool, str | None]:
            await lock_queue(connection, self._database)
            mine = await connection.rows(_LOOK_AT_MINE, {"b_id": id, "b_holder": holder})
            if not mine:
                return False, None
            kind, admitted, queued_at = mine[0]
            if admitted or kind == "service":
                return True, None
            running, starting = (await connection.rows(_TAKEN))[0]
            room = min(most_running - running, most_starting - starting)
            if room <= 0:
                return False, None
            ahead = (await connection.rows(_AHEAD, {"b_id": id, "b_queued_at": queued_at}))[0][0]
            if ahead >= room or not await connection.rows(_ADMIT, {"b_id": id, "b_holder": holder, "b_now": now}):
                return False, None
            return True, await requeue_head(connection) if room > 1 else None

        admitted, woken = await self._database.write(work)
        if woken:
            await self._notifier.notify(woken, about="look")
        return admitted


async def lock_queue(connection: Connection, database: Database) -> None:
    """Be the only one who gives or frees a place, until the end of the transaction; on SQLite every writer is alone."""
    if not database.is_sqlite:
        await connection.rows(_GATE)


async def requeue_head(connection: Connection) -> str | None:
    """Make the first in line due, under the lock; tell which it is."""
    woken = await connection.rows(_WAKE_FIRST)
    return woken[0][0] if woken else None


def releases_slot(before: Session, after: Session) -> bool:
    """Whether somebody else may start, now that this session went from `before` to `after`."""
    if before.kind != "session" or before.state == after.state:
        return False
    if before.state is State.QUEUED:
        return after.state not in LIVE
    return (before.state in LIVE and after.state not in LIVE) or (before.state in STARTING and after.state not in STARTING)
