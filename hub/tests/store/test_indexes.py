"""With ten thousand sessions, the questions that are asked all the time read a few rows and not all of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from store_scene import LEASE

from rsparkhub.domain.coursework import FileKind, Room
from rsparkhub.domain.session import State, Wanted
from rsparkhub.store import Store
from rsparkhub.store.audit import AuditFilter
from rsparkhub.store.events import By
from rsparkhub.store.tables import course_files, events, runs, sessions, users

_ROWS, _RUNNING, _OWNERS = 10_000, 50, 200


@pytest.fixture
async def crowd(store: Store, noon: datetime) -> Store:
    """A store with ten thousand sessions of two hundred users, of which fifty run, and an event for each."""
    row = {
        "kind": "session", "environment": "rspark", "name": "R", "options": {}, "wanted": "stopped", "spec_revision": 1,
        "generation": 1, "busy": False, "busy_with": [], "components": [], "endpoints": {}, "lease_epoch": 1,
    }  # fmt: skip
    values = []
    for number in range(_ROWS):
        made, running = noon - timedelta(minutes=number), number % (_ROWS // _RUNNING) == 0
        changing = {
            "state": "running" if running else "stopped",
            "claimable_at": noon + timedelta(seconds=number) if running else None,
        }
        owner = f"person{number % _OWNERS}"
        values.append(row | changing | {"id": f"s{number:05}", "owner": owner, "created": made, "queued_at": made})

    async def work(connection: Any) -> None:
        await connection.rows(sa.insert(users), [
            {"name": f"person{number}", "id": f"person{number}", "admin": False, "created": noon} for number in range(_OWNERS)
        ])  # fmt: skip
        await connection.rows(sa.insert(sessions), values)
        await connection.rows(sa.insert(events), [
            {"session": value["id"], "owner": value["owner"], "at": noon, "kind": "created", "data": {}} for value in values
        ])  # fmt: skip
        await connection.rows(sa.insert(runs), [
            {"session": value["id"], "generation": 1, "owner": value["owner"], "environment": "rspark", "seconds": 60.0,
             "began": value["created"], "ready": value["created"], "ended": value["created"] + timedelta(seconds=60)}
            for value in values
        ])  # fmt: skip
        if not store.database.is_sqlite:  # where the server does it by itself, after a while
            await connection.rows(sa.text("ANALYZE"))

    await store.database.write(work)
    return store


@contextmanager
def statements_of(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """Note every statement that a store executes, with its parameters."""
    engine = store.database._engine  # type: ignore[attr-defined]
    noted: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if not many and statement.split(maxsplit=1)[0] in {"SELECT", "UPDATE", "WITH", "DELETE"} and "advisory" not in statement:
            noted.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


async def reads_all(store: Store, statement: str, parameters: Any) -> list[str]:
    """Tell in which lines of its plan a statement goes through a whole table."""
    how = "EXPLAIN QUERY PLAN " if store.database.is_sqlite else "EXPLAIN "
    plan: list[str] = []

    async def work(connection: Any) -> None:
        raw = connection.connection
        rows = raw.exec_driver_sql(how + statement, parameters)
        plan.extend(str(row[-1]) for row in rows)

    await store.database.write(work)
    assert plan
    # PostgreSQL is right to read a table of two pages as a whole, so there the small ones are not asked for.
    large = ("sessions", "events", "runs", "course_files")
    whole = (
        [f"SCAN {name}" for name in (*large, "users")] if store.database.is_sqlite else [f"Seq Scan on {name}" for name in large]
    )
    return [line for line in plan if any(word in line for word in whole) and "USING" not in line]


@pytest.mark.long
async def test_no_question_reads_a_whole_table(crowd: Store, noon: datetime) -> None:
    store, later = crowd, noon + timedelta(days=1)
    await store.users.set_password_hash("person1", "hash")
    with statements_of(store) as noted:
        assert len(await store.leases.claim(holder="one", now=later, lease=LEASE, limit=5)) == 5
        claimed = await store.leases.claim_one("s00001", holder="one", now=noon, lease=LEASE)
        assert claimed is not None
        assert await store.leases.renew(["s00001"], holder="one", until=later)
        await store.sessions.set_wanted("s00001", Wanted.RUNNING, by=None, now=noon)
        begun = replace(claimed.session, state=State.STARTING, generation=2, secret="s3cret")
        admitted = await store.queue.admit([(claimed, begun)], holder="one", now=noon, most_running=99, most_starting=9)
        stopped = replace(begun, state=State.STOPPED)
        assert await store.leases.save(admitted["s00001"], stopped, holder="one", next_reconcile_at=later, now=noon)
        assert await store.leases.next_claimable_at() is not None
        assert (await store.queue.positions()) == {}
        assert (await store.queue.positions(["s00001", "s00002"])) == {}
        assert len(await store.sessions.list(limit=20)) == 20
        assert len(await store.sessions.list(limit=20, after="s05000")) == 20
        assert len(await store.sessions.list(owner="person7")) == _ROWS // _OWNERS
        assert len(await store.sessions.list(live_only=True)) == _RUNNING
        assert len(await store.sessions.list(states={State.RUNNING}, limit=9)) == 9
        assert (await store.sessions.get("s00777")).owner == "person177"
        await store.sessions.create(owner="person3", environment="r", name="R", idempotency_key="k", most=99, now=noon)
        assert len(await store.events.since(None, _ROWS - 5)) > 5
        assert len(await store.events.since("s00500", 0)) == 1
        assert len(await store.events.since(None, 0, owner="person9", limit=5)) == 5
        assert await store.events.latest_id() > _ROWS
        of_one = AuditFilter(person="person9")
        assert len(await store.audit.newest(of_one, limit=_ROWS)) == _ROWS // _OWNERS
        assert len(await store.audit.newest(AuditFilter(), before=_ROWS, limit=9)) == 9
        assert len(await store.audit.since(AuditFilter(owner="person9"), after=0, limit=9)) == 9
        assert await store.audit.session_names(["s00500"]) == {}
        assert await store.events.delete_before(noon, limit=5) is None
        assert len(await store.runs.usage(since=noon - timedelta(minutes=5), until=later)) == 6
        assert len(await store.runs.usage(since=None, until=later, owner="person9")) == _ROWS // _OWNERS
        assert len((await store.runs.start_seconds(["rspark", "other"]))["rspark"]) == 20
        await store.credentials.add_login("person1", digest="login", expires=later, now=noon, password_hash="hash")
        assert await store.credentials.login("login", now=noon) is not None
        assert await store.credentials.owner_of_session("s00777") is not None
        await store.users.seen("person1", noon)
    assert len(noted) > 25
    for statement, parameters in noted:
        assert await reads_all(store, statement, parameters) == [], statement


async def test_no_question_about_files_of_courses_reads_them_all(store: Store, noon: datetime) -> None:
    await store.users.add("tess", admin=True, now=noon)
    await store.users.add_group("stat101", members=["tess"], now=noon)
    by, room = By("tess", noon), Room(file=9, of_person=9, hand_ins=9, data=2 * _ROWS, all=9 * _ROWS)
    sent = await store.coursework.begin("stat101", FileKind.DATA, "a.csv", size=1, room=room, by=by)
    group = (await store.coursework.finish("stat101", FileKind.DATA, sent, digest="", by=by)).group
    row = {"group": group, "by": "tess", "size": 1, "digest": "", "created": noon, "whole": True}
    values = [
        row | {"id": f"f{number:05}", "kind": kind, "name": f"week{number % 99}/{number}.csv", "person": person, "of": of}
        for number in range(_ROWS)
        for kind, person, of in [
            (("data", None, None), ("hand-in", "bo", None), ("returned", "bo", f"f{number - 1:05}"))[number % 3]
        ]
    ]

    async def work(connection: Any) -> None:
        await connection.rows(sa.insert(course_files), values)
        if not store.database.is_sqlite:
            await connection.rows(sa.text("ANALYZE"))

    await store.database.write(work)
    with statements_of(store) as noted:
        sent = await store.coursework.begin("stat101", FileKind.DATA, "week1/new.csv", size=1, room=room, by=by)
        await store.coursework.finish("stat101", FileKind.DATA, sent, digest="", by=by)
        await store.coursework.remove_hand_in("stat101", "f00001", by=by)
    asked = [(statement, parameters) for statement, parameters in noted if "sum(" not in statement]  # of all there are
    assert len(asked) > 9
    for statement, parameters in asked:
        assert await reads_all(store, statement, parameters) == [], statement
