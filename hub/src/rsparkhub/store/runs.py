"""What each run took: when it began, was ready and ended. Usage, expected start times and counters come from here.

A run is written in the transaction that writes the event of its beginning, its readiness or its end, so that runs and events
can't disagree; and it stays when events are deleted for their age.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from rsparkhub.domain.event import StateData
from rsparkhub.domain.session import LIVE, Session, State
from rsparkhub.domain.usage import RunCounts, SessionUsage
from rsparkhub.store.database import Connection, Database
from rsparkhub.store.tables import run_counts, runs

#: Starts of one environment that its expected start time is taken from.
RECENT_STARTS = 20

_BEGINS = frozenset({State.STARTING, State.RESUMING})
_THIS_RUN = sa.and_(runs.c.session == sa.bindparam("b_session"), runs.c.generation == sa.bindparam("b_generation"))
_READY = sa.update(runs).where(_THIS_RUN, runs.c.ready.is_(None)).values(ready=sa.bindparam("b_at"))
_BEGAN = sa.select(runs.c.began).where(_THIS_RUN, runs.c.ended.is_(None))
_END = sa.update(runs).where(_THIS_RUN).values(ended=sa.bindparam("b_at"), seconds=sa.bindparam("b_seconds"))
_LATEST = (
    sa.select(runs.c.ready, runs.c.ended)
    .where(runs.c.session == sa.bindparam("b_session"))
    .order_by(runs.c.generation.desc())
    .limit(9)
)
_COUNTS = sa.select(run_counts.c.what, run_counts.c.code, run_counts.c.count)
_SINCE = sa.bindparam("b_since", type_=runs.c.began.type)
_UNTIL = sa.bindparam("b_until", type_=runs.c.began.type)
_WITHIN = sa.and_(runs.c.began >= _SINCE, runs.c.ended >= _SINCE, runs.c.ended <= _UNTIL)  # the second for the index
_OF_OWNER = runs.c.owner == sa.bindparam("b_owner", type_=runs.c.owner.type)
_SUMS = (
    sa.select(runs.c.session, runs.c.owner, runs.c.environment, sa.func.count(), sa.func.sum(runs.c.seconds))
    .where(runs.c.owner.is_not(None), _WITHIN)
    .group_by(runs.c.session, runs.c.owner, runs.c.environment)
)
_CUT = sa.select(runs.c.session, runs.c.owner, runs.c.environment, runs.c.began, runs.c.ended).where(
    runs.c.owner.is_not(None),
    runs.c.began < _UNTIL,
    sa.or_(runs.c.ended.is_(None), sa.and_(runs.c.ended > _SINCE, sa.or_(runs.c.began < _SINCE, runs.c.ended > _UNTIL))),
)


class Runs:
    """Reads runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def usage(self, *, since: datetime | None, until: datetime, owner: str | None = None) -> list[SessionUsage]:
        """Return what each session used between two times: of one owner, or of everybody.

        Runs that lie within the period are added up by the database; the few that its ends cut are read one by one.
        """
        since = since or datetime.min.replace(tzinfo=UTC)
        sums, cut = _SUMS, _CUT
        values: dict[str, object] = {"b_since": since, "b_until": until}
        if owner is not None:
            sums, cut = sums.where(_OF_OWNER), cut.where(_OF_OWNER)
            values["b_owner"] = owner
        found: dict[str, SessionUsage] = {}
        for session, user, environment, starts, seconds in await self._database.read(sums, values):
            found[session] = SessionUsage(
                session=session, owner=user, environment=environment, starts=starts, seconds=float(seconds)
            )
        for session, user, environment, began, ended in await self._database.read(cut, values):
            known = found.get(session)
            seconds = (min(ended or until, until) - max(began, since)).total_seconds()
            found[session] = SessionUsage(
                session=session,
                owner=user,
                environment=environment,
                starts=(began >= since) + (known.starts if known else 0),
                seconds=seconds + (known.seconds if known else 0.0),
            )
        return list(found.values())

    async def start_seconds(self, environments: Sequence[str]) -> dict[str, list[float]]:
        """Return how long the last starts of each environment took, from the beginning until it was ready, in seconds."""
        return await self._seconds(environments, runs.c.resumed.is_not(True))

    async def resume_seconds(self, environments: Sequence[str]) -> dict[str, list[float]]:
        """Return how long the last resumes of each environment took, in seconds."""
        return await self._seconds(environments, runs.c.resumed.is_(True))

    async def _seconds(self, environments: Sequence[str], which: sa.ColumnElement[bool]) -> dict[str, list[float]]:
        if not environments:
            return {}
        recent = [
            sa.select(
                sa.select(runs.c.environment, runs.c.began, runs.c.ready)
                .where(runs.c.environment == name, runs.c.ready.is_not(None), which)
                .order_by(runs.c.ready.desc())
                .limit(RECENT_STARTS)
                .subquery()
            )
            for name in environments
        ]
        seconds: dict[str, list[float]] = {}
        for environment, began, ready in await self._database.read(sa.union_all(*recent)):
            seconds.setdefault(environment, []).append((ready - began).total_seconds())
        return seconds

    async def failed_starts(self, session_id: str) -> int:
        """Return how many of the last runs of a session, one after the other, ended without ever being ready; 9 at most."""
        latest = await self._database.read(_LATEST, {"b_session": session_id})
        return next((number for number, (ready, ended) in enumerate(latest) if ready is not None or ended is None), len(latest))

    async def counts(self) -> RunCounts:
        """Return how many runs began, failed and ended."""
        counted = {(row[0], row[1]): int(row[2]) for row in await self._database.read(_COUNTS)}
        return RunCounts(
            starts=counted.get(("starts", ""), 0),
            failures=counted.get(("failures", ""), 0),
            ends={code: count for (what, code), count in counted.items() if what == "ends"},
        )


async def write_run(connection: Connection, database: Database, session: Session, change: StateData, *, at: datetime) -> None:
    """Write what a change of state means for the run that it begins, makes ready or ends; `write_counts` counts it."""
    state, before = State(change["state"]), State(change["was"])
    key: dict[str, Any] = {"b_session": session.id, "b_generation": change["generation"], "b_at": at}
    if state in LIVE and before not in LIVE:
        begin = database.insert(runs).on_conflict_do_nothing()
        values = {
            "session": session.id, "generation": change["generation"], "owner": session.owner,
            "environment": session.environment, "began": at, "resumed": state is State.RESUMING,
        }  # fmt: skip
        await connection.rows(begin, values)
    if state is State.RUNNING:
        await connection.rows(_READY, key)
    if state not in LIVE and before in LIVE:
        for (began,) in await connection.rows(_BEGAN, key):
            await connection.rows(_END, key | {"b_seconds": (at - began).total_seconds()})


async def write_counts(connection: Connection, database: Database, changes: Iterable[StateData]) -> None:
    """Count what changes of state mean. Everybody counts in the same rows: it is done last, and in one order."""
    counted = Counter(each for change in changes for each in _counted(change))
    for (what, code), count in sorted(counted.items()):
        statement = database.insert(run_counts)
        statement = statement.on_conflict_do_update(
            index_elements=["what", "code"], set_={"count": run_counts.c.count + statement.excluded.count}
        )
        await connection.rows(statement, {"what": what, "code": code, "count": count})


def _counted(change: StateData) -> Iterator[tuple[str, str]]:
    state = State(change["state"])
    if state in _BEGINS:
        yield "starts", ""
    if state is State.FAILED:
        yield "failures", ""
    if "code" in change:
        yield "ends", "none" if change["code"] is None else str(change["code"])
