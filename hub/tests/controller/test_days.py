"""Sleep by itself, over days, on a clock that the test moves."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fake_world import NOON, FakeWorld

from rsparkhub.domain.session import State, Wanted
from rsparkhub.settings import Settings
from rsparkhub.store import Store

Write = Callable[..., None]


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
async def world(store: Store, tmp_path: Path, environments: Path, write_environment: Write, store_url: str) -> FakeWorld:
    write_environment("long", idle="2h", longest="100d")
    settings = Settings(
        data=tmp_path, store_url=store_url, environments=(environments,), sweep_every=timedelta(minutes=20), most_running=999
    )
    await store.users.add("ada", now=NOON)
    return FakeWorld(store=store, settings=settings)


async def warnings(world: FakeWorld, session_id: str) -> list[str]:
    events = await world.store.events.since(session_id, 0, kinds={"warning"}, limit=9999)
    return [f"{event.data['kind']} at {event.at - NOON}" for event in events]


async def test_an_idle_session_is_given_notice_once_and_sleeps_and_is_stopped_after_a_week(world: FakeWorld) -> None:
    session_id = await world.create()
    await world.advance(minutes=107)
    assert (await world.get(session_id)).notices == ()
    await world.advance(minutes=2)
    (notice,) = (await world.get(session_id)).notices
    assert (notice.kind, notice.given, notice.at) == ("idle", NOON + timedelta(minutes=108), NOON + timedelta(hours=2))
    world.controller = world.another("two")  # the notice stands on the row: the next controller gives none
    await world.advance(minutes=10)
    assert (await world.get(session_id)).state is State.RUNNING
    await world.advance(minutes=2)
    asleep = await world.get(session_id)
    assert (asleep.state, asleep.wanted, asleep.notices) == (State.SUSPENDED, Wanted.SUSPENDED, ())
    assert asleep.reason == "Put to sleep after 2 hours without use. Resume it when you like."
    assert await warnings(world, session_id) == ["idle at 1:48:00"]
    await world.advance(days=6, hours=23)
    assert (await world.get(session_id)).state is State.SUSPENDED
    await world.advance(hours=2)
    stopped = await world.get(session_id)
    assert stopped.state is State.STOPPED
    wanted = (await world.store.events.since(session_id, 0, kinds={"wanted"}))[-1]
    assert wanted.data == {"wanted": "stopped", "reason": "Stopped after 7 days asleep. Your files are kept."}
    assert stopped.last_exit is not None
    assert stopped.last_exit.saved is None


@pytest.mark.long
async def test_a_session_with_more_than_a_thousand_events_still_sleeps(world: FakeWorld) -> None:
    session_id, slept = await world.create(), 0
    while await world.store.events.latest_id() <= 1000:
        await world.advance(hours=2, minutes=1)
        assert (await world.get(session_id)).state is State.SUSPENDED
        await world.set_wanted(session_id, Wanted.RUNNING)
        await world.settle()
        assert (await world.get(session_id)).state is State.RUNNING
        slept += 1
    await world.advance(hours=2, minutes=1)
    assert (await world.get(session_id)).state is State.SUSPENDED
    assert len(await warnings(world, session_id)) == slept + 1


async def test_a_computation_that_ends_at_night_is_given_notice_before_it_sleeps(world: FakeWorld) -> None:
    session_id = await world.create("long")
    await world.advance(hours=1, minutes=50)
    assert [notice.kind for notice in (await world.get(session_id)).notices] == ["idle"]
    world.backend.report(session_id, busy=True, busy_with=("R",))
    await world.observe()
    assert (await world.get(session_id)).notices == ()
    await world.advance(hours=10)
    assert (await world.get(session_id)).state is State.RUNNING
    world.controller = world.another("two")
    world.backend.report(session_id, busy=False, busy_with=())
    await world.observe()
    row = await world.get(session_id)
    assert (row.state, row.wanted) == (State.RUNNING, Wanted.RUNNING)
    (notice,) = row.notices
    assert notice.at == world.clock() + timedelta(minutes=12)
    await world.advance(minutes=11)
    assert (await world.get(session_id)).state is State.RUNNING
    await world.advance(minutes=2)
    assert (await world.get(session_id)).state is State.SUSPENDED


async def test_who_uses_a_session_withdraws_the_notice_and_gets_another(world: FakeWorld) -> None:
    session_id = await world.create()
    await world.advance(minutes=110)
    assert (await world.get(session_id)).notices
    world.backend.report(session_id, last_activity=world.clock())
    await world.observe()
    assert (await world.get(session_id)).notices == ()
    await world.advance(minutes=107)
    assert (await world.get(session_id)).notices == ()
    await world.advance(minutes=2)
    assert (await world.get(session_id)).notices
    assert await warnings(world, session_id) == ["idle at 1:48:00", "idle at 3:38:00"]


async def test_who_resumes_in_the_moment_of_the_culling_has_a_session_that_runs(world: FakeWorld) -> None:
    session_id = await world.create()
    await world.advance(minutes=119)
    world.clock.time += timedelta(minutes=1)
    await world.set_wanted(session_id, Wanted.STOPPED)
    await world.settle()
    row = await world.get(session_id)
    assert (row.wanted, row.state) == (Wanted.STOPPED, State.STOPPED)


async def test_a_shorter_lifecycle_counts_for_what_sleeps_already(world: FakeWorld, write_environment: Write) -> None:
    session_id = await world.create()
    await world.advance(hours=3)
    assert (await world.get(session_id)).state is State.SUSPENDED
    write_environment("plain", suspended="1h")
    world.controller = world.another("two")
    await world.controller.sweep.sweep()
    await world.controller.reconciler.idle()
    await world.advance(minutes=1)
    assert (await world.get(session_id)).state is State.STOPPED


async def test_a_dead_node_hides_nothing_of_the_others(world: FakeWorld) -> None:
    ids = [await world.create("long") for _ in range(40)]
    await world.settle()
    world.backend.lost = set(ids[:39])
    world.backend.report(ids[39], busy=True, busy_with=("R",))
    before = time.monotonic()
    await world.observe()
    assert time.monotonic() - before < 0.2 * 39 / 2, "they are observed at the same time"
    assert (await world.get(ids[39])).busy
    assert {(await world.get(session_id)).state for session_id in ids} == {State.RUNNING}


async def test_after_more_than_a_year_events_are_deleted_and_audit_and_usage_stay(world: FakeWorld) -> None:
    session_id = await world.create()
    await world.advance(hours=3)
    used = await world.store.runs.usage(since=None, until=world.clock())
    counts = await world.store.runs.counts()
    assert [(each.starts, each.seconds) for each in used] == [(1, 7200.0)]
    before = [event.kind for event in await world.store.events.since(session_id, 0)]
    assert before.count("state") == 4
    world.clock.time += timedelta(days=399)
    await world.controller.retention.delete_old()
    assert [event.kind for event in await world.store.events.since(session_id, 0)] == before
    world.clock.time += timedelta(days=2)
    await world.controller.retention.delete_old()
    assert [(event.kind, event.by) for event in await world.store.events.since(session_id, 0)] == [("created", "ada")]
    assert await world.store.runs.usage(since=None, until=world.clock()) == used
    assert await world.store.runs.counts() == counts


async def test_each_session_is_watched_by_one_controller(world: FakeWorld) -> None:
    ids = [await world.create("long") for _ in range(30)]
    await world.settle()
    one, two = world.controller, world.another("two")

    async def watched() -> list[list[str]]:
        shares = []
        for controller in (one, two):
            await controller.share.refresh()
        for controller in (one, two):
            await controller.share.refresh()
            await controller.sweep.sweep()
            shares.append([session_id for session_id in ids if controller.watch.row(session_id)])
        return shares

    mine, others = await watched()
    assert sorted(mine + others) == sorted(ids)
    assert mine
    assert others
    await two.share.leave()
    world.clock.time += timedelta(seconds=1)
    await one.share.refresh()
    await one.sweep.sweep()
    assert [session_id for session_id in ids if one.watch.row(session_id)] == ids
