"""The queue: which sessions may start now, and in which order.

Sessions that want to run stand in the order in which that was asked. Who is admitted gets a slot together with all that a start
needs, its generation and its secret, in one transaction; so a slot is never given twice, by however many controllers, and a
controller that dies afterwards loses none. Nobody polls: whoever leaves slots free makes the first in the queue due, and so does
a session that releases its slot.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from rsparkhub.domain.session import LIVE, Session, State, Wanted
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.events import differences, insert
from rsparkhub.store.notifier import Notifier
from rsparkhub.store.rows import OBSERVED, named_values, observed_values
from rsparkhub.store.tables import sessions
from rsparkhub.store.under_lease import UNDER_LEASE, Claimed, written_columns

STARTING = frozenset({State.STARTING, State.RESUMING})

# Whoever gives or releases a slot holds this lock, and takes it before any row's. Otherwise a slot that is released while
# the last one is given would make a session due that was just admitted, and the next one would never be.
_LOCK = sa.select(sa.func.pg_advisory_xact_lock(0x5253_7061_726D))

_WANTS_TO_START = sa.and_(sessions.c.state == State.QUEUED.value, sessions.c.wanted == Wanted.RUNNING.value)
_QUEUED = sa.and_(sessions.c.kind == "session", _WANTS_TO_START)
_TAKEN = sa.select(sa.func.count(), sa.func.count().filter(sessions.c.state.in_(sorted(STARTING)))).where(
    sessions.c.kind == "session",
    sessions.c.state.in_(sorted(LIVE)),
    # A row that can't be read is left alone, and may be for ever: it has no slot meanwhile.
    sessions.c.wanted.in_([wanted.value for wanted in Wanted]),
)
_QUEUE = sa.select(sessions.c.id).where(_QUEUED).order_by(sessions.c.queued_at, sessions.c.id)
_HEAD = _QUEUE.limit(sa.bindparam("b_slots"))
_waiting = sessions.alias("waiting")
_POSITIONS = sa.select(
    sessions.c.id,
    sa.select(sa.func.count())
    .where(
        _waiting.c.kind == "session",
        _waiting.c.state == State.QUEUED.value,
        _waiting.c.wanted == Wanted.RUNNING.value,
        sa.tuple_(_waiting.c.queued_at, _waiting.c.id) <= sa.tuple_(sessions.c.queued_at, sessions.c.id),
    )
    .scalar_subquery(),
).where(sessions.c.id.in_(sa.bindparam("b_ids", expanding=True)), _QUEUED)
_ADMIT = (
    sa.update(sessions).where(*UNDER_LEASE, _WANTS_TO_START).values(written_columns(OBSERVED)).returning(sessions.c.spec_revision)
)
#: Who is not admitted waits until it is made due; who was asked something meanwhile is due at once.
_IF_ASKED = sa.case(
    (sessions.c.spec_revision == sa.bindparam("b_spec_revision"), None),
    else_=sa.bindparam("b_now", type_=sessions.c.claimable_at.type),
)
_RELEASE = (
    sa.update(sessions)
    .where(*UNDER_LEASE)
    .values(
        lease_holder=None,
        claimable_at=_IF_ASKED,
        next_reconcile_at=_IF_ASKED,
    )
)
_REQUEUE_HEAD = (
    sa.update(sessions)
    .where(sessions.c.id.in_(_HEAD))
    .values(
        # A controller that holds it, and was just refused a slot, sees by the revision that it is due again.
        spec_revision=sessions.c.spec_revision + 1,
        next_reconcile_at=sessions.c.queued_at,  # long past: it is due at once
        claimable_at=sa.case((sessions.c.lease_holder.is_(None), sessions.c.queued_at), else_=sessions.c.claimable_at),
    )
    .returning(sessions.c.id)
)
# Who is under a lease asks for a slot by itself before the lease ends, and who is due already is claimed anyway.
_REQUEUE_IDLE = _REQUEUE_HEAD.where(
    sessions.c.lease_holder.is_(None),
    sa.or_(
        sessions.c.claimable_at.is_(None),
        sessions.c.claimable_at > sa.bindparam("b_now", type_=sessions.c.claimable_at.type),
    ),
)


class AdmissionQueue:
    """The order in which sessions start. Shared services are no part of it: they start at once."""

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    async def positions(self, of: Collection[str] | None = None) -> dict[str, int]:
        """Return the position in the queue of these sessions that wait, or of all that do; the first is 1."""
        if of is not None:
            return {row[0]: row[1] for row in await self._database.read(_POSITIONS, {"b_ids": sorted(of)})}
        return {row[0]: position for position, row in enumerate(await self._database.read(_QUEUE), start=1)}

    async def admit(
        self,
        starts: Sequence[tuple[Claimed, Session]],
        *,
        holder: str,
        now: datetime,
        most_running: int,
        most_starting: int,
    ) -> dict[str, Claimed]:
        """Start those of these queued sessions for which there is a slot; give back the lease of the others.

        `starts` are sessions whose lease `holder` has, each with its row as it is once it starts. All of it is one transaction.

        Returns
        -------
        Those that were admitted, by id, as they are now; they stay under their lease.
        """

        async def work(connection: Connection) -> tuple[dict[str, Claimed], list[str]]:
            await lock_queue(connection, self._database)
            running, starting = (await connection.rows(_TAKEN))[0]
            slots = max(0, min(most_running - running, most_starting - starting))
            head = {row[0] for row in await connection.rows(_HEAD, {"b_slots": slots})} if slots else set()
            admitted: dict[str, Claimed] = {}
            for claimed, after in starts:
                key = {"b_id": after.id, "b_holder": holder, "b_lease_epoch": claimed.lease_epoch}
                if after.is_service or after.id in head:
                    found = await connection.rows(_ADMIT, key | named_values(observed_values(after)))
                    if found:
                        happened = differences(claimed.session, after)
                        await insert(connection, self._database, happened, session=after, now=now)
                        admitted[after.id] = replace(claimed, session=after, spec_revision=found[0][0])
                        continue
                await connection.rows(_RELEASE, key | {"b_spec_revision": claimed.spec_revision, "b_now": now})
            left = slots - sum(not claimed.session.is_service for claimed in admitted.values())
            if left <= 0:
                return admitted, []
            return admitted, [row[0] for row in await connection.rows(_REQUEUE_IDLE, {"b_slots": left, "b_now": now})]

        admitted, due = await self._database.write(work)
        if admitted:
            await self._notifier.notify(*admitted, about="changed")
        if due:
            await self._notifier.notify(*due, about="look")
        return admitted


async def lock_queue(connection: Connection, database: Database) -> None:
    """Be the only one who gives or releases a slot, until the end of the transaction; on SQLite every writer is alone."""
    if not database.is_sqlite:
        await connection.rows(_LOCK)


async def requeue_head(connection: Connection) -> list[str]:
    """Make the first in the queue due, under the lock, since a slot was released; return its id, if there is one."""
    return [row[0] for row in await connection.rows(_REQUEUE_HEAD, {"b_slots": 1})]


def releases_slot(before: Session, after: Session) -> bool:
    """Whether another session may start, now that this one went from `before` to `after`."""
    if before.is_service or before.state == after.state:
        return False
    if before.state is State.QUEUED:
        return after.state not in LIVE
    return (before.state in LIVE and after.state not in LIVE) or (before.state in STARTING and after.state not in STARTING)
