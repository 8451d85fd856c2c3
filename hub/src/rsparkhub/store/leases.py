"""Who works on a session: a controller, under a lease that runs out by itself.

A session is due at `claimable_at`. To claim it is to take the lease and to move `claimable_at` to the lease's end, so one index
tells both what is to be worked on and what a controller that died has left. Each claim has a number (`lease_epoch`), and to save
under it is to prove that nobody claimed the session since.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rsparkhub.domain.session import Session, Sleep, Wanted
from rsparkhub.store.admission_queue import lock_queue, releases_slot, requeue_head
from rsparkhub.store.database import AnyRow, Connection, Database
from rsparkhub.store.desired import set_wanted
from rsparkhub.store.events import differences, insert
from rsparkhub.store.notifier import Notifier
from rsparkhub.store.rows import MEASURED, OBSERVED, SESSION_COLUMNS, named_values, observed_values, to_session
from rsparkhub.store.tables import sessions
from rsparkhub.store.under_lease import UNDER_LEASE, Claimed, written_columns

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
_CLAIM_THESE = (
    sa.update(sessions)
    .where(
        sessions.c.id.in_(
            sa.select(sessions.c.id)
            .where(
                sessions.c.id.in_(sa.bindparam("b_ids", expanding=True)),
                sa.or_(sessions.c.lease_holder.is_(None), sessions.c.claimable_at <= sa.bindparam("b_now")),
            )
            .order_by(sessions.c.id)  # two controllers that lock the same rows do it in the same order
            .with_for_update()
        )
    )
    .values(_TAKE)
    .returning(*_CLAIMED_COLUMNS)
)
_RENEW = (
    sa.update(sessions)
    .where(sessions.c.id.in_(sa.bindparam("b_ids", expanding=True)), sessions.c.lease_holder == sa.bindparam("b_holder"))
    .values(claimable_at=sa.bindparam("b_until"))
    .returning(sessions.c.id)
)
_NEXT = sa.select(sa.func.min(sessions.c.claimable_at))

_READ_UNDER_LEASE = sa.select(*SESSION_COLUMNS).where(*UNDER_LEASE).with_for_update()


def _saving(names: tuple[str, ...], *conditions: sa.ColumnElement[bool]) -> sa.Executable:
    """Return the statement that writes these columns and gives back the lease."""
    return (
        sa.update(sessions)
        .where(*UNDER_LEASE, *conditions)
        .values(
            **written_columns(names),
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


class Leases:
    """Who works on which session.

    - At most one holder has the lease of a session, and what another saves is not written.
    - A lease that ran out is anyone's.
    - A session that was asked something while somebody held its lease is due as soon as the lease is given back.
    """

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    async def claim(self, *, holder: str, now: datetime, lease: timedelta, limit: int) -> list[Claimed]:
        """Take the lease of up to `limit` sessions that are due, the longest due first."""
        values = {"b_holder": holder, "b_now": now, "b_until": now + lease, "b_limit": limit}
        claimed = [_claimed(row) for row in await self._database.change(_CLAIM, values)]
        return sorted(claimed, key=lambda one: one.next_reconcile_at or now)

    async def claim_these(self, ids: Sequence[str], *, holder: str, now: datetime, lease: timedelta) -> list[Claimed]:
        """Take the leases of these sessions, due or not; without those that somebody holds and those that don't exist."""
        values = {"b_ids": list(ids), "b_holder": holder, "b_now": now, "b_until": now + lease}
        return [_claimed(row) for row in await self._database.change(_CLAIM_THESE, values)]

    async def claim_one(self, id: str, *, holder: str, now: datetime, lease: timedelta) -> Claimed | None:  # noqa: A002
        """Take the lease of this session, due or not; None when somebody holds it or there is no such session."""
        found = await self.claim_these([id], holder=holder, now=now, lease=lease)
        return found[0] if found else None

    async def renew(self, ids: Collection[str], *, holder: str, until: datetime) -> frozenset[str]:
        """Make these leases end at `until`; return the ids of those that still held."""
        values = {"b_ids": sorted(ids), "b_holder": holder, "b_until": until}
        return frozenset(row[0] for row in await self._database.change(_RENEW, values))

    async def next_claimable_at(self) -> datetime | None:
        """Return when the next session may be claimed: the time it is due, or the end of somebody's lease."""
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
        wanted: Wanted | None = None,
        sleep: Sleep = Sleep.KEPT,
        reason: str | None = None,
    ) -> bool:
        """Write what was observed and decided, and give back the lease; return whether the lease still held.

        A column that this controller did not change keeps what a user's request made of it meanwhile, and then the session is
        due at once; otherwise it is due at `next_reconcile_at`, or never when that is None. `wanted` is what the session is to
        be from now on, for `reason`, and `sleep` what it may lose by it: written only where nobody asked anything since the lease
        was taken. Events are written for a state that changed, for each component whose state changed, and for each new notice.
        """
        before = claimed.session
        key = {
            "b_id": before.id,
            "b_holder": holder,
            "b_lease_epoch": claimed.lease_epoch,
            "b_spec_revision": claimed.spec_revision,
        }
        unlike = {name for name in OBSERVED if getattr(before, name) != getattr(after, name)}
        if wanted is None and unlike <= set(MEASURED):
            measured = named_values(observed_values(after, MEASURED))
            if await self._database.change(_SAVE_MEASURED, {**key, **measured, "b_next_reconcile_at": next_reconcile_at}):
                if unlike & {"busy", "busy_with"}:
                    await self._notifier.notify(before.id, about="changed")
                return True

        # A request that came meanwhile changes nothing about this: it leaves a session that has a slot as it is.
        releases = releases_slot(before, after)

        async def work(connection: Connection) -> tuple[bool, list[str]]:
            if releases or wanted is not None:
                await lock_queue(connection, self._database)
            current, written, asked = before, after, wanted
            if not await connection.rows(_SAVE, key | _saved(after, next_reconcile_at)):
                found = await connection.rows(_READ_UNDER_LEASE, key)
                if not found:
                    return False, []
                current, asked = to_session(found[0]), None
                written = merge(before, after, current)
                await connection.rows(_SAVE_ANYWAY, key | _saved(written, now))
            await insert(connection, self._database, differences(current, written), session=before, now=now)
            if asked is not None:
                await set_wanted(connection, self._database, written, asked, by=None, sleep=sleep, reason=reason, now=now)
            return True, await requeue_head(connection) if releases else []

        done, due = await self._database.write(work)
        if done:
            await self._notifier.notify(before.id, about="changed")
        if due:
            await self._notifier.notify(*due, about="look")
        return done


def merge(before: Session, after: Session, current: Session) -> Session:
    """Return what a controller made of `before` (`after`) together with what a request made of it meanwhile (`current`)."""
    requested = {"state", "queued_at", "reason", "detail"} if current.state != before.state else set()
    changed = {name for name in OBSERVED if getattr(after, name) != getattr(before, name)}
    return replace(current, **{name: getattr(after, name) for name in changed - requested})


def _saved(session: Session, next_reconcile_at: datetime | None) -> dict[str, Any]:
    return named_values(observed_values(session)) | {"b_next_reconcile_at": next_reconcile_at}


def _claimed(row: AnyRow) -> Claimed:
    spec_revision, next_reconcile_at, lease_epoch = row[-3:]
    return Claimed(
        session=to_session(row), spec_revision=spec_revision, next_reconcile_at=next_reconcile_at, lease_epoch=lease_epoch
    )
