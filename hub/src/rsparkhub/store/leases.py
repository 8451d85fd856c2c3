"""Who works on a session: a controller, under a lease that runs out by itself.

A session is due at `due`. To claim it is to take the lease and to move `due` to the lease's end, so one index tells both
what is to be looked at and what a controller that died has left. A claim has a number (`claims`), and to save under it is
to prove that nobody claimed the session since.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rsparkhub.domain.session import Session, State
from rsparkhub.store.admission_queue import lock_queue, releases_slot, requeue_head
from rsparkhub.store.database import AnyRow, Connection, Database
from rsparkhub.store.events import NewEvent, differences, insert
from rsparkhub.store.notifier import Notifier
from rsparkhub.store.rows import MEASURED, OBSERVED, SESSION_COLUMNS, observed_values, to_session
from rsparkhub.store.tables import sessions

_CLAIMED_COLUMNS = (*SESSION_COLUMNS, sessions.c.spec_revision, sessions.c.next_reconcile_at, sessions.c.lease_epoch)
_TAKE = {
    "lease_holder": sa.bindparam("b_holder"),
    "claimable_at": sa.bindparam("b_until"),
    "lease_epoch": sessions.c.lease_epoch + 1,
}
_DUE = (
    sa.select(sessions.c.id)
    .where(sessions.c.claimable_at <= sa.bindparam("b_now"))
    .order_by(sessions.c.claimable_at)
    .limit(sa.bindparam("b_limit"))
    .with_for_update(skip_locked=True)
    .cte("due_now")
)
_CLAIM = sa.update(sessions).where(sessions.c.id.in_(sa.select(_DUE.c.id))).values(_TAKE).returning(*_CLAIMED_COLUMNS)
_CLAIM_ONE = (
    sa.update(sessions)
    .where(
        sessions.c.id == sa.bindparam("b_id"),
        sa.or_(sessions.c.lease_holder.is_(None), sessions.c.claimable_at <= sa.bindparam("b_now")),
    )
    .values(_TAKE)
    .returning(*_CLAIMED_COLUMNS)
)
_RENEW = (
    sa.update(sessions)
    .where(sessions.c.id == sa.bindparam("b_id"), sessions.c.lease_holder == sa.bindparam("b_holder"))
    .values(claimable_at=sa.bindparam("b_until"))
    .returning(sessions.c.id)
)
_NEXT = sa.select(sa.func.min(sessions.c.claimable_at))

_UNDER_LEASE = (
    sessions.c.id == sa.bindparam("b_id"),
    sessions.c.lease_holder == sa.bindparam("b_holder"),
    sessions.c.lease_epoch == sa.bindparam("b_lease_epoch"),
)
_READ_UNDER_LEASE = sa.select(*SESSION_COLUMNS).where(*_UNDER_LEASE).with_for_update()


def _saving(names: tuple[str, ...], *conditions: sa.ColumnElement[bool]) -> sa.Executable:
    """Write these columns and give back the lease."""
    values: dict[str, Any] = {name: sa.bindparam(f"v_{name}", type_=sessions.c[name].type) for name in names}
    if "state" in names:
        values["admitted"] = sa.case((sa.bindparam("b_queued", type_=sa.Boolean), sessions.c.admitted), else_=None)
    return (
        sa.update(sessions)
        .where(*_UNDER_LEASE, *conditions)
        .values(
            **values,
            next_reconcile_at=sa.bindparam("b_next_reconcile_at"),
            claimable_at=sa.bindparam("b_next_reconcile_at"),
            lease_holder=None,
        )
        .returning(sessions.c.id)
    )


_NOT_ASKED_SINCE = sessions.c.spec_revision == sa.bindparam("b_spec_revision")
_SAVE_MEASURED = _saving(MEASURED, _NOT_ASKED_SINCE)
_SAVE = _saving(OBSERVED, _NOT_ASKED_SINCE)
_SAVE_ANYWAY = _saving(OBSERVED)


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A session under a lease, as it was when the lease was taken."""

    session: Session
    spec_revision: int
    next_reconcile_at: datetime | None
    lease_epoch: int


class Leases:
    """Who works on which session.

    - At most one holder has the lease of a session, and what another saves is not written.
    - A lease that ran out is anyone's.
    - A wish that came while somebody held the lease is looked at as soon as the lease is given back.
    """

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    async def claim(self, *, holder: str, now: datetime, lease: timedelta, limit: int) -> list[Claimed]:
        """Take the lease of up to `limit` sessions that are due, the longest due first."""
        values = {"b_holder": holder, "b_now": now, "b_until": now + lease, "b_limit": limit}
        claimed = [_claimed(row) for row in await self._database.change(_CLAIM, values)]
        return sorted(claimed, key=lambda one: one.next_reconcile_at or now)

    async def claim_one(self, id: str, *, holder: str, now: datetime, lease: timedelta) -> Claimed | None:  # noqa: A002
        """Take the lease of this session, due or not; None when somebody holds it or there is no such session."""
        values = {"b_id": id, "b_holder": holder, "b_now": now, "b_until": now + lease}
        found = await self._database.change(_CLAIM_ONE, values)
        return _claimed(found[0]) if found else None

    async def renew(self, id: str, *, holder: str, until: datetime) -> bool:  # noqa: A002
        """Hold the lease longer; False when it was lost."""
        return bool(await self._database.change(_RENEW, {"b_id": id, "b_holder": holder, "b_until": until}))

    async def next_claimable_at(self) -> datetime | None:
        """Tell when the next session is due: a time to look at it, or the end of somebody's lease."""
        found: datetime | None = (await self._database.read(_NEXT))[0][0]
        return found

    async def save(
        self,
        claimed: Claimed,
        after: Session,
        *,
        holder: str,
        next_reconcile_at: datetime | None,
        now: datetime,
        events: Iterable[NewEvent] = (),
    ) -> bool:
        """Write what was observed and give back the lease; tell whether the lease still held.

        What is wanted is never written. A column that this controller did not change keeps what a wish made of it
        meanwhile, and then the session is due at once; otherwise it is due at `look_at`, or never when that is None.
        Events are written for a state that changed and for each part whose state changed, besides `events`.
        """
        before, given = claimed.session, tuple(events)
        key = {
            "b_id": before.id,
            "b_holder": holder,
            "b_lease_epoch": claimed.lease_epoch,
            "b_spec_revision": claimed.spec_revision,
        }
        unlike = {name for name in OBSERVED if getattr(before, name) != getattr(after, name)}
        if not given and unlike <= set(MEASURED):
            measured = _named(observed_values(after, MEASURED))
            if await self._database.change(_SAVE_MEASURED, {**key, **measured, "b_next_reconcile_at": next_reconcile_at}):
                if unlike & {"busy", "busy_with"}:
                    await self._notifier.notify(before.id, about="changed")
                return True

        # A wish that came meanwhile changes nothing about this: it leaves a session that has a place, or asks for one, as it is.
        frees = releases_slot(before, after)

        async def work(connection: Connection) -> tuple[bool, str | None]:
            if frees:
                await lock_queue(connection, self._database)
            current, written = before, after
            if not await connection.rows(_SAVE, key | _saved(after, next_reconcile_at)):
                found = await connection.rows(_READ_UNDER_LEASE, key)
                if not found:
                    return False, None
                current = to_session(found[0])
                written = merge(before, after, current)
                await connection.rows(_SAVE_ANYWAY, key | _saved(written, now))
            woken = await requeue_head(connection) if frees else None
            happened = [*differences(current, written), *given]
            await insert(connection, self._database, happened, session_id=before.id, owner=before.owner, now=now)
            return True, woken

        done, woken = await self._database.write(work)
        if done:
            await self._notifier.notify(before.id, about="changed")
        if woken:
            await self._notifier.notify(woken, about="look")
        return done


def merge(before: Session, after: Session, current: Session) -> Session:
    """Put together what a controller made of `before` (`after`) and what a wish made of it meanwhile (`current`)."""
    kept = {"state", "queued_at", "reason", "detail"} if current.state != before.state else set()
    changed = {name for name in OBSERVED if getattr(after, name) != getattr(before, name)}
    return replace(current, **{name: getattr(after, name) for name in changed - kept})


def _saved(session: Session, next_reconcile_at: datetime | None) -> dict[str, Any]:
    return _named(observed_values(session)) | {
        "b_next_reconcile_at": next_reconcile_at,
        "b_queued": session.state is State.QUEUED,
    }


def _named(values: dict[str, Any]) -> dict[str, Any]:
    return {f"v_{name}": value for name, value in values.items()}


def _claimed(row: AnyRow) -> Claimed:
    spec_revision, next_reconcile_at, lease_epoch = row[-3:]
    return Claimed(
        session=to_session(row), spec_revision=spec_revision, next_reconcile_at=next_reconcile_at, lease_epoch=lease_epoch
    )
