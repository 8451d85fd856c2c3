"""A row that no version wrote takes neither a list nor a loop with it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from store_scene import LEASE, MakeSession, Put

from rspark_contract.saved import Saved
from rsparkhub.api.serializers.views import session_view
from rsparkhub.api.streams.subscription import progress
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.environment import Lifecycle
from rsparkhub.domain.plan import Kill, Limits, Purge, Remove, Settle, Wait, begin, plan
from rsparkhub.domain.session import LastExit, Session, State, Wanted
from rsparkhub.store import Store
from rsparkhub.store.tables import sessions
from rsparkhub.wire.session import SessionView

_ODD: list[Any] = ["a word", 7, [1, None], {"no": "sense"}, [{"name": 3}], True]
_LIMITS = Limits(start_deadline=timedelta(minutes=5), lifecycle=Lifecycle())


async def spoil(store: Store, session_id: str, **columns: Any) -> None:
    await store.database.change(sa.update(sessions).where(sessions.c.id == session_id).values(columns))


@pytest.mark.parametrize("column", ["components", "busy_with", "endpoints", "restored", "last_exit", "options", "notices"])
@pytest.mark.parametrize("odd", _ODD, ids=str)
async def test_what_only_adds_to_a_session_is_left_out(make: MakeSession, put: Put, store: Store, column: str, odd: Any) -> None:
    good, session = await put(await make(), State.RUNNING), await put(await make(), State.RUNNING, secret="s3cret")
    await spoil(store, session.id, **{column: odd})
    rows = {row.id: row for row in await store.sessions.list()}
    assert set(rows) == {good.id, session.id}
    row = rows[session.id]
    assert (row.state, row.secret, row.damaged) == (State.RUNNING, "s3cret", False)
    if column == "last_exit":
        assert row.last_exit is not None
        assert row.last_exit.saved == Saved(), "something may have been saved"


_DOCUMENTS = ("components", "busy_with", "endpoints", "restored", "last_exit", "options", "notices")
_TIMES = ("queued_at", "started", "ready", "ended", "end_requested_at", "last_activity", "created", "awake_until")


async def write_raw(store: Store, session_id: str, column: str, literal: str) -> None:
    """Write what no statement of the store would: `literal` is SQL."""
    await store.database.change(sa.text(f"UPDATE sessions SET {column} = {literal} WHERE id = :id"), {"id": session_id})


async def check_that_all_are_read(store: Store, good: Session, bad: Session, noon: datetime) -> Session:
    """Check that whoever reads rows reads the bad one and the good one beside it; return the bad one."""
    rows = {row.id: row for row in await store.sessions.list()}
    assert rows[good.id] == good
    assert sum((await store.sessions.counts()).values()) == 2
    assert await store.sessions.get(bad.id) == rows[bad.id]
    view = session_view(rows[bad.id], environment=None, position=None, owner="ada", now=noon)
    SessionView.model_validate_json(view.model_dump_json())
    plan(rows[bad.id], Observed(phase="absent"), now=noon, limits=_LIMITS)
    await store.leases.claim(holder="one", now=noon, lease=LEASE, limit=9)
    return rows[bad.id]


_NO_TIMES = ["'nonsense'", "''", "7", "x'ff00'", "'0000-00-00'", "'9999-12-31 23:59:59'", "'1850-01-01 00:00:00'"]


async def test_a_time_that_is_none_fails_nothing_beside_it(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    literals = _NO_TIMES if store.database.is_sqlite else ["'infinity'", "'-infinity'", "'9999-12-31'", "'0044-03-15 BC'"]
    good = await put(await make(), State.RUNNING)
    bad = await put(await make(), State.RUNNING, secret="s3cret", generation=2)
    for column in _TIMES:
        for literal in literals:
            await write_raw(store, bad.id, column, literal)
            row = await check_that_all_are_read(store, good, bad, noon)
            assert (row.state, row.secret, row.damaged) == (State.RUNNING, "s3cret", False)


async def test_a_session_that_sleeps_since_no_time_sleeps_on(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    session = await put(await make(), State.SUSPENDED, last_exit=LastExit(code=0, saved=Saved(terminals=1), at=noon))
    await store.sessions.set_wanted(session.id, Wanted.SUSPENDED, by="ada", now=noon)
    await write_raw(store, session.id, "ended", "'nonsense'" if store.database.is_sqlite else "'-infinity'")
    row = await store.sessions.get(session.id)
    step = plan(row, Observed(phase="absent"), now=noon + timedelta(days=999), limits=_LIMITS)
    assert (step.wanted, step.after.last_exit) == (None, row.last_exit), "what it kept is not thrown away"


_NO_DOCUMENTS = ["'" + "[" * 5000 + "]" * 5000 + "'", "'\"\\ud800\"'"]
_NO_JSON = ["'{'", "'[1,'", "''", "x'ff'", "7", "'nothing'", "'NaN'"]


async def test_a_document_that_is_none_fails_nothing_beside_it(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    good, bad = await put(await make(), State.RUNNING), await put(await make(), State.RUNNING, secret="s3cret")
    for column in _DOCUMENTS:
        for literal in [*_NO_DOCUMENTS, *(_NO_JSON if store.database.is_sqlite else [])]:
            await write_raw(store, bad.id, column, literal)
            row = await check_that_all_are_read(store, good, bad, noon)
            if column == "last_exit":
                assert row.last_exit is not None
                assert row.last_exit.saved == Saved(), "something may have been saved"


@pytest.mark.parametrize("database_kind", ["sqlite"])  # PostgreSQL has types
async def test_anything_at_all_in_a_column_of_sqlite_fails_nothing_beside_it(
    make: MakeSession, put: Put, store: Store, noon: datetime
) -> None:
    good, bad = await put(await make(), State.RUNNING), await put(await make(), State.RUNNING, secret="s3cret")
    for column in ("generation", "memory", "cpu", "busy", "name", "reason", "upstream", "environment"):
        for literal in ("'many'", "x'ff'", "-1", "1e300", "9e18", "''"):
            await write_raw(store, bad.id, column, literal)
            await check_that_all_are_read(store, good, bad, noon)


@pytest.mark.parametrize("database_kind", ["sqlite"])  # PostgreSQL takes no such text
async def test_text_that_is_no_utf8_fails_nothing_beside_it(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    good, bad = await put(await make(), State.RUNNING), await put(await make(), State.RUNNING)
    await write_raw(store, bad.id, "name", "CAST(x'66c3ff' AS TEXT)")
    assert (await check_that_all_are_read(store, good, bad, noon)).name == "f\ufffd\ufffd"


async def test_events_that_cant_be_read_are_there_without_their_data(make: MakeSession, store: Store, noon: datetime) -> None:
    session = await make()
    first = await store.events.latest_id()
    await store.sessions.set_wanted(session.id, Wanted.STOPPED, by="ada", now=noon)
    broken = "'[]'" if not store.database.is_sqlite else "'{'"
    await store.database.change(sa.text(f"UPDATE events SET data = {broken}, kind = 'other' WHERE id > {first}"))
    found = await store.events.since(session.id, 0)
    assert [(event.kind, event.data) for event in found if event.id > first] == [("warning", {})] * (len(found) - 1)
    assert progress(found) == []


async def test_what_cant_be_read_is_logged_once(make: MakeSession, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    session = await make()
    await spoil(store, session.id, notices=["once only"])
    for _ in range(5):
        await store.sessions.list()
    assert len([record for record in caplog.records if session.id in record.getMessage()]) == 1


async def test_starts_that_cant_be_read_starve_no_other(make: MakeSession, put: Put, store: Store, noon: datetime) -> None:
    for _ in range(4):
        stuck = await put(await make(), State.STARTING, started=noon, secret="s3cret")
        await spoil(store, stuck.id, wanted="more")
    fresh = await make()
    (claimed,) = await store.leases.claim_these([fresh.id], holder="one", now=noon, lease=LEASE)
    starts = [(claimed, begin(claimed.session, now=noon))]
    assert await store.queue.admit(starts, holder="one", now=noon, most_running=4, most_starting=4)


@pytest.mark.parametrize("started", [None, timedelta(days=400), timedelta(days=-1)])
def test_a_start_without_a_sensible_beginning_has_taken_too_long(noon: datetime, started: timedelta | None) -> None:
    row = Session(
        id="aaaa", owner="ada", name="a", environment="rspark", wanted=Wanted.RUNNING, state=State.STARTING, created=noon,
        queued_at=noon, generation=1, secret="s3cret", started=None if started is None else noon + started,
    )  # fmt: skip
    assert isinstance(plan(row, Observed(phase="starting"), now=noon, limits=_LIMITS), Kill)
    assert isinstance(plan(row, Observed(phase="absent"), now=noon, limits=_LIMITS), Settle)


@pytest.mark.parametrize("columns", [{"state": "dancing"}, {"wanted": "more"}, {"kind": "thing"}], ids=str)
@pytest.mark.parametrize("wanted", [Wanted.STOPPED, Wanted.SUSPENDED, Wanted.DELETED])
async def test_a_session_that_cant_be_read_can_be_ended(
    make: MakeSession, put: Put, store: Store, noon: datetime, columns: dict[str, str], wanted: Wanted
) -> None:
    session = await put(await make(), State.RUNNING, generation=3, secret="s3cret")
    await spoil(store, session.id, **columns)
    await store.sessions.set_wanted(session.id, wanted, by="ada", now=noon)
    row = await store.sessions.get(session.id)
    assert isinstance(plan(row, Observed(phase="up"), now=noon, limits=_LIMITS), Kill)
    assert isinstance(plan(row, Observed(phase="ended"), now=noon, limits=_LIMITS), Remove)


@pytest.mark.parametrize("columns", [{"state": "dancing"}, {"wanted": "more"}, {"kind": "thing"}], ids=str)
async def test_a_session_whose_state_cant_be_read_is_shown_as_failed_and_left_alone(
    make: MakeSession, put: Put, store: Store, noon: datetime, columns: dict[str, str]
) -> None:
    good, session = await put(await make(), State.RUNNING), await put(await make(), State.RUNNING, generation=3, secret="s3cret")
    await spoil(store, session.id, **columns, claimable_at=noon)
    odd = await store.sessions.get(session.id)
    assert (odd.state, odd.damaged) == (State.FAILED, True)
    assert odd.reason is not None
    assert odd.reason.endswith("Stop or delete it, or tell your administrator.")
    assert good in await store.sessions.list()
    (claimed,) = await store.leases.claim(holder="one", now=noon, lease=LEASE, limit=9)
    step = plan(claimed.session, Observed(phase="up"), now=noon, limits=_LIMITS)
    assert step == Wait(after=claimed.session, requeue_after=None), "what may run is not ended"
    assert await store.leases.save(claimed, step.after, holder="one", next_reconcile_at=None, now=noon)
    assert await store.leases.next_claimable_at() is None
    await store.sessions.set_wanted(session.id, Wanted.DELETED, by="ada", now=noon)
    deleted = await store.sessions.get(session.id)
    assert isinstance(plan(deleted, Observed(phase="absent"), now=noon, limits=_LIMITS), Purge)
