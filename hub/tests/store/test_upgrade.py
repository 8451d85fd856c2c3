"""An installation of the version before is upgraded in place, and its controller goes on."""

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa
from test_migrations import on
from version1 import SESSIONS, at, fill

from rspark_contract.saved import Saved
from rsparkhub.domain.session import State, Wanted
from rsparkhub.store import open_store
from rsparkhub.store.migrate import downgrade, upgrade


def version1(connection: sa.Connection) -> None:
    upgrade(connection, "0001")
    fill(connection)


async def test_nothing_of_the_version_before_is_lost(empty_url: str) -> None:
    await on(empty_url, version1)
    async with open_store(empty_url) as store:
        assert [(user.name, user.admin, user.groups) for user in await store.users.list()] == [
            ("ada", True, frozenset()), ("bob", False, frozenset({"class"})),
        ]  # fmt: skip
        assert (await store.accounts.get("ada", "postgres")).password == "secret"
        assert await store.logs.get("failed") == {"agent": "The last lines."}
        rows = {row.id: row for row in await store.sessions.list(with_deleted=True)}
        assert set(rows) == set(SESSIONS)
        for name, (unlike, _) in SESSIONS.items():
            row = rows[name]
            assert (row.state, row.wanted) == (unlike["state"], unlike.get("wanted", "running"))
            assert row.generation == unlike.get("generation", 0)
            assert (row.secret, row.upstream) == (unlike.get("secret"), unlike.get("upstream"))
            assert not row.damaged
            assert row.notices == ()
        running, held = rows["running"], rows["held"]
        assert (running.busy_with, running.memory, running.cpu, running.last_activity) == (("R",), 5 * 2**30, 1.5, at(30))
        assert running.endpoints == {"postgres": {"host": "127.0.0.1", "port": 5432}}
        assert [component.title for component in running.components] == ["JupyterLab"]
        assert held.last_exit is not None
        assert held.last_exit.saved is not None
        assert held.last_exit.saved.kernels[0].lost[0].name == "con"
        events = await store.events.since(None, 0, limit=9999)
        assert len(events) == len(SESSIONS) + sum(len(states) for _, states in SESSIONS.values()) + 1


async def test_what_was_used_before_counts(empty_url: str) -> None:
    await on(empty_url, version1)
    async with open_store(empty_url) as store:
        usage = {each.session: (each.starts, each.seconds / 60) for each in await store.runs.usage(since=None, until=at(120))}
        assert usage == {
            "running": (1, 119), "held": (2, 40 + 59), "asleep": (1, 49), "starting": (1, 1), "failed": (1, 2),
            "stopping": (1, 119),
        }  # fmt: skip
        counts = await store.runs.counts()
        assert (counts.starts, counts.failures, counts.ends) == (7, 1, {"0": 2, "1": 1})
        assert sorted((await store.runs.start_seconds(["rspark"]))["rspark"]) == [60.0] * 6
        claimed = await store.leases.claim_one("running", holder="new", now=at(120), lease=timedelta(seconds=15))
        assert claimed is not None
        stopped = replace(claimed.session, state=State.STOPPED)
        assert await store.leases.save(claimed, stopped, holder="new", next_reconcile_at=None, now=at(121))
        (ended,) = [each for each in await store.runs.usage(since=None, until=at(999)) if each.session == "running"]
        assert ended.seconds == 120 * 60


async def test_the_controller_goes_on_where_the_version_before_was(empty_url: str) -> None:
    await on(empty_url, version1)
    async with open_store(empty_url) as store:
        due = await store.leases.claim(holder="new", now=at(123), lease=timedelta(seconds=15), limit=99)
        assert {claimed.session.id for claimed in due} == {"running", "held", "queued", "admitted", "starting", "stopping"}
        assert await store.queue.positions() == {"admitted": 1, "queued": 2}
        starts = [
            (claimed, replace(claimed.session, state=State.STARTING, generation=1, secret="new"))
            for claimed in due
            if claimed.session.state is State.QUEUED
        ]
        admitted = await store.queue.admit(starts, holder="new", now=at(123), most_running=5, most_starting=9)
        assert set(admitted) == {"admitted"}
        woken = await store.sessions.set_wanted("asleep", Wanted.RUNNING, by="ada", now=at(124))
        assert woken.state is State.QUEUED
        assert woken.last_exit is not None
        assert isinstance(woken.last_exit.saved, Saved)


async def test_an_upgrade_may_be_taken_back(empty_url: str) -> None:
    await on(empty_url, version1)
    async with open_store(empty_url) as store:
        before = {row.id: row for row in await store.sessions.list(with_deleted=True)}
    await on(empty_url, lambda connection: downgrade(connection, "0001"))
    async with open_store(empty_url) as store:
        assert {row.id: row for row in await store.sessions.list(with_deleted=True)} == before
        assert (await store.runs.counts()).starts == 7
        assert await store.sessions.list(owner="bob") == []


async def test_whoever_is_there_keeps_what_is_theirs_and_whoever_was_removed_leaves_it_to_nobody(empty_url: str) -> None:
    """Eve was removed before people had ids; her account on PostgreSQL still let her in."""

    def with_eve(connection: sa.Connection) -> None:
        upgrade(connection, "0004")
        columns = 'session, owner, at, kind, data, "by"'
        connection.exec_driver_sql("INSERT INTO users (name, admin, created) VALUES ('ada', true, '2026-11-24 12:00:00')")
        for owner in ("ada", "eve"):
            connection.exec_driver_sql(
                f"INSERT INTO events ({columns}) "
                f"VALUES ('s-{owner}', '{owner}', '2026-11-24 12:00:00', 'created', '{{}}', '{owner}')"
            )
        connection.exec_driver_sql("INSERT INTO service_accounts VALUES ('ada', 'postgres', 'secret')")

    await on(empty_url, with_eve)
    async with open_store(empty_url) as store:
        ada = await store.users.get("ada")
        assert ada.id == "ada"
        account = await store.accounts.get(ada.id, "postgres")
        assert (account.password, account.wanted, account.applied) == ("secret", "open", "open")
        assert [(each.owner, each.service, each.wanted) for each in await store.accounts.behind()] == [
            ("eve", "postgres", "keep")
        ]
        assert (await store.users.add("eve", now=at(0))).id == "eve.2"
        assert await store.people.labels(["ada", "eve", "eve.2"]) == {"ada": "ada", "eve": "eve (removed)", "eve.2": "eve"}
        assert await store.people.left_homes() == []
    await on(empty_url, lambda connection: downgrade(connection, "0004"))
    await on(empty_url, upgrade)
