"""What a request for another desired state does to a session's row."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from rsparkhub.domain.errors import NotFound
from rsparkhub.domain.event import WantedData
from rsparkhub.domain.session import Session, Sleep, State, Wanted
from rsparkhub.store.admission_queue import requeue_head
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.events import NewEvent, insert, state_event
from rsparkhub.store.tables import sessions

#: Asked to run in one of these states, a session goes to the queue at once.
_ASLEEP = frozenset({State.SUSPENDED, State.STOPPED, State.FAILED})

#: What makes a controller look at a row at once. While one holds the lease, the row is due when the lease ends; who holds it sees
#: the new revision when saving.
DUE_AT_ONCE = {
    "spec_revision": sessions.c.spec_revision + 1,
    "next_reconcile_at": sa.bindparam("b_now"),
    "claimable_at": sa.case((sessions.c.lease_holder.is_(None), sa.bindparam("b_now")), else_=sessions.c.claimable_at),
}

_WANT = (
    sa.update(sessions)
    .where(sessions.c.id == sa.bindparam("b_id"))
    .values(
        wanted=sa.bindparam("b_wanted"),
        **DUE_AT_ONCE,
        sleep=sa.bindparam("b_sleep"),
        end_requested_at=sa.bindparam("b_end_requested_at"),
        state=sa.bindparam("b_state"),
        queued_at=sa.bindparam("b_queued_at"),
        reason=sa.bindparam("b_reason"),
        detail=sa.bindparam("b_detail"),
    )
)


async def set_wanted(
    connection: Connection,
    database: Database,
    before: Session,
    wanted: Wanted,
    *,
    by: str | None,
    sleep: Sleep = Sleep.KEPT,
    reason: str | None = None,
    now: datetime,
) -> Session:
    """Write the desired state of a session and the events of it, at the end of a transaction; return the row.

    The caller has read the session's row under a lock, and before it taken the line's (`hold_the_line`): who leaves the
    line makes the next one due.
    """
    if before.wanted is Wanted.DELETED and wanted is not Wanted.DELETED:
        raise NotFound(f"There is no session {before.id}: it has been deleted.")
    after = _with_wanted(before, wanted, sleep, reason, now)
    if after == before:
        return before
    await connection.rows(_WANT, _values(after, now))
    if before.state is State.QUEUED and before.wanted is Wanted.RUNNING:
        await requeue_head(connection)
    happened = [NewEvent(kind="wanted", by=by, data=WantedData(wanted=wanted.value, reason=reason))]
    if after.state != before.state:
        happened.append(state_event(before, after, by=by))
    await insert(connection, database, happened, session=before, now=now)
    return after


def _with_wanted(before: Session, wanted: Wanted, sleep: Sleep, reason: str | None, now: datetime) -> Session:
    if wanted is Wanted.RUNNING and before.state in _ASLEEP:
        return replace(before, wanted=wanted, state=State.QUEUED, queued_at=now, reason=reason, detail=None)
    if wanted is before.wanted:
        if wanted is not Wanted.SUSPENDED or not sleep.allows_more(before.sleep):
            return before
        # Its agent is asked anew, and its grace begins now.
        asked = now if before.state is State.SUSPENDING else before.end_requested_at
        return replace(before, sleep=sleep, end_requested_at=asked)
    # why it was not put to sleep the last time says nothing of what becomes of it now
    why = before.reason if before.refusal is None or wanted is Wanted.RUNNING else None
    return replace(before, wanted=wanted, sleep=sleep if wanted is Wanted.SUSPENDED else before.sleep, reason=reason or why)


def _values(after: Session, now: datetime) -> dict[str, Any]:
    return {
        "b_id": after.id, "b_now": now, "b_wanted": after.wanted.value, "b_state": after.state.value,
        "b_queued_at": after.queued_at, "b_reason": after.reason, "b_detail": after.detail,
        "b_sleep": after.sleep.value, "b_end_requested_at": after.end_requested_at,
    }  # fmt: skip
