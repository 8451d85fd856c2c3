"""Runs and counters, filled from the events there are; notices on a session's row; no `admitted`, which starting replaces."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_PAGE = 1000
_LIVE = frozenset({"starting", "resuming", "running", "suspending", "stopping"})
_BEGINS = frozenset({"starting", "resuming"})
_MOMENT = sa.DateTime(timezone=True)

_EVENTS = sa.table(
    "events",
    sa.column("id", sa.BigInteger),
    sa.column("session", sa.Text),
    sa.column("owner", sa.Text),
    sa.column("at", _MOMENT),
    sa.column("kind", sa.Text),
    sa.column("data", sa.JSON),
)


def upgrade() -> None:
    op.execute("ALTER TABLE sessions DROP COLUMN admitted")
    op.add_column("sessions", sa.Column("notices", sa.JSON))
    runs = op.create_table(
        "runs",
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("began", _MOMENT, nullable=False),
        sa.Column("ready", _MOMENT),
        sa.Column("ended", _MOMENT),
        sa.Column("seconds", sa.Float),
        sa.PrimaryKeyConstraint("session", "generation", name="pk_runs"),
    )
    op.create_index("ix_runs_owner", "runs", ["owner", "ended"])
    op.create_index("ix_runs_ended", "runs", ["ended"])
    op.create_index("ix_runs_environment", "runs", ["environment", "ready"])
    counts = op.create_table(
        "run_counts",
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("what", "code", name="pk_run_counts"),
    )
    op.create_table(
        "controllers",
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("seen", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("holder", name="pk_controllers"),
    )
    _fill(runs, counts)


def downgrade() -> None:
    op.drop_table("controllers")
    op.drop_table("run_counts")
    op.drop_table("runs")
    op.execute("ALTER TABLE sessions DROP COLUMN notices")
    op.add_column("sessions", sa.Column("admitted", _MOMENT))


def _fill(runs: sa.Table, counts: sa.Table) -> None:
    """Write the runs and the counters that the events of the version before tell of."""
    history = _History()
    for page in _pages():
        ended = [run for event in page for run in history.take(event)]
        if ended:
            op.bulk_insert(runs, ended)
    rest = list(history.open.values())
    if rest:
        op.bulk_insert(runs, rest)
    if history.counts:
        op.bulk_insert(counts, [{"what": what, "code": code, "count": n} for (what, code), n in history.counts.items()])


def _pages() -> Iterator[list[Any]]:
    after = 0
    while True:
        query = sa.select(_EVENTS).where(_EVENTS.c.id > after, _EVENTS.c.kind.in_(["created", "state"]))
        page = list(op.get_bind().execute(query.order_by(_EVENTS.c.id).limit(_PAGE)))
        if not page:
            return
        yield page
        after = page[-1].id


class _History:
    """Makes runs of events; it remembers those that go on, and the environment of each session."""

    def __init__(self) -> None:
        self.open: dict[str, dict[str, Any]] = {}
        self.counts: dict[tuple[str, str], int] = {}
        self._environments: dict[str, str] = {}
        self._generations: dict[str, int] = {}

    def take(self, event: Any) -> list[dict[str, Any]]:
        """Take one event, in their order; return the run that it ended."""
        if event.kind == "created":
            self._environments[event.session] = event.data.get("environment") or ""
            return []
        state, ended = event.data.get("state"), []
        if state in _BEGINS:
            self._count("starts")
        if state in _LIVE and event.session not in self.open:
            self.open[event.session] = self._begin(event)
        elif state not in _LIVE and event.session in self.open:
            run = self.open.pop(event.session)
            ended.append(run | {"ended": event.at, "seconds": _seconds(run["began"], event.at)})
        if state == "running" and self.open[event.session]["ready"] is None:
            self.open[event.session]["ready"] = event.at
        if state == "failed":
            self._count("failures")
        if "code" in event.data:
            code = event.data["code"]
            self._count("ends", "none" if code is None else str(code))
        return ended

    def _begin(self, event: Any) -> dict[str, Any]:
        # Each run has a generation of its own; one that is told twice, which no version wrote, gets the next number.
        generation = max(int(event.data.get("generation") or 0), self._generations.get(event.session, 0) + 1)
        self._generations[event.session] = generation
        return {
            "session": event.session, "generation": generation, "owner": event.owner,
            "environment": self._environments.get(event.session, ""), "began": event.at, "ready": None, "ended": None,
            "seconds": None,
        }  # fmt: skip

    def _count(self, what: str, code: str = "") -> None:
        self.counts[what, code] = self.counts.get((what, code), 0) + 1


def _seconds(began: datetime, ended: datetime) -> float:
    return max(0.0, (ended - began).total_seconds())
