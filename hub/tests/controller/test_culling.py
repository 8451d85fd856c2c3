"""Sleep by itself: with real sessions, and an environment whose times are short."""

import asyncio

import pytest
from session_sandbox import behave

from rsparkhub.domain.session import Sleep, State, Wanted


@pytest.fixture
def database_kind() -> str:
    """The culling knows no database, so one is enough."""
    return "sqlite"


async def test_an_idle_session_is_warned_and_put_to_sleep_with_a_reason(world) -> None:
    world.add_environment("brief", idle="4s")
    async with world.controller():
        session_id = await world.create("brief")
        await world.until(session_id, State.RUNNING)
        asleep = await world.until(session_id, State.SUSPENDED)
    assert asleep.wanted is Wanted.SUSPENDED
    assert asleep.reason == "Put to sleep after 4 seconds without use. Resume it when you like."
    assert asleep.last_exit.code == 0
    events = await world.store.events.since(session_id, 0)
    kinds = [event.kind for event in events]
    warning = events[kinds.index("warning")]
    assert warning.data["kind"] == "idle"
    assert kinds.count("warning") == 1
    wanted = events[kinds.index("wanted")]
    assert (wanted.by, wanted.data["wanted"]) == (None, "suspended")
    assert warning.id < wanted.id


@pytest.mark.long
async def test_a_warning_is_not_given_again_by_the_next_controller(world) -> None:
    world.add_environment("brief", idle="8s")
    async with world.controller():
        session_id = await world.create("brief")
        await world.until(session_id, State.RUNNING)
        async with asyncio.timeout(30):
            while not any(event.kind == "warning" for event in await world.store.events.since(session_id, 0)):
                await asyncio.sleep(0.1)
    async with world.controller():
        await world.until(session_id, State.SUSPENDED)
    assert [event.kind for event in await world.store.events.since(session_id, 0)].count("warning") == 1


async def test_a_busy_session_is_not_culled(world) -> None:
    world.add_environment("brief", idle="2s")
    behave(world.data, busy=["R kernel, analysis.ipynb"])
    async with world.controller():
        session_id = await world.create("brief")
        busy = await world.until(session_id, State.RUNNING)
        await asyncio.sleep(6)
        row = await world.store.sessions.get(session_id)
    assert (row.state, row.wanted) == (State.RUNNING, Wanted.RUNNING)
    assert busy.busy_with == ("R kernel, analysis.ipynb",)


async def test_the_longest_run_ends_in_sleep_also_for_what_computes(world) -> None:
    world.add_environment("short", longest="4s")
    behave(world.data, busy=["Spark"])
    async with world.controller():
        session_id = await world.create("short")
        asleep = await world.until(session_id, State.SUSPENDED)
    assert asleep.reason == "Put to sleep after 4 seconds, the longest run in one go. Resume it when you like."


@pytest.mark.long
async def test_what_can_not_be_kept_stays_awake_and_says_so_once_until_it_is_forced(world) -> None:
    world.add_environment("brief", idle="3s")
    behave(world.data, loses="x")
    async with world.controller():
        session_id = await world.create("brief")
        # The row says "suspending" for a moment only: what stays is the refusal.
        awake = await world.when(session_id, lambda row: row.refusal is not None and row.state is State.RUNNING)
        assert awake.wanted is Wanted.RUNNING
        assert awake.reason == "Not put to sleep: could not keep `x` (No space)."
        assert [lost.name for lost in awake.refusal.lost] == ["x"]
        await asyncio.sleep(4)
        assert (await world.store.sessions.get(session_id)).refusal == awake.refusal  # it is not tried again so soon
        await world.set_wanted(session_id, Wanted.SUSPENDED, Sleep.FORCED)
        asleep = await world.until(session_id, State.SUSPENDED)
    assert (asleep.last_exit.code, asleep.reason) == (1, "Your session could not keep `x`.")
    events = await world.store.events.since(session_id, 0)
    assert [event.kind for event in events].count("warning") == 1
    reasons = [event.data["reason"] for event in events if event.kind == "wanted"]
    assert "Not put to sleep: could not keep `x` (No space)." in reasons


async def test_what_sleeps_too_long_is_stopped_and_forgotten(world) -> None:
    world.add_environment("forgetful", suspended="2s")
    async with world.controller():
        session_id = await world.create("forgetful")
        await world.until(session_id, State.RUNNING)
        await world.set_wanted(session_id, Wanted.SUSPENDED)
        stopped = await world.until(session_id, State.STOPPED)
    assert stopped.last_exit.saved is None
    assert not (world.data / "sessions" / session_id).exists()
