"""What a controller makes of each thing that may happen to a session."""

import asyncio
import logging
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from session_sandbox import agent_of, behave, members_of, restored_value, shim_of

from rsparkhub import log_context
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.domain.session import LIVE, Sleep, State, Wanted


async def test_an_agent_that_is_killed_leaves_a_reason_its_log_and_no_process(world) -> None:
    async with world.controller():
        session_id = await world.create()
        await world.until(session_id, State.RUNNING)
        agent_of(world.data, f"{session_id}.1").signal(signal.SIGKILL)
        failed = await world.until(session_id, State.FAILED)
        assert failed.reason == (
            "Your session ended unexpectedly (killed by the system). "
            "Your files are kept; what was in memory is lost. Start it again."
        )
        assert failed.last_exit.saved is None
        assert "stand-in agent" in (await world.store.logs.get(session_id))["agent"]
        assert members_of(world.data, f"{session_id}.1") == []
        while await world.backend.list():
            await asyncio.sleep(0.02)


@pytest.mark.long
async def test_after_a_failure_the_last_sleep_is_brought_back(world) -> None:
    async with world.controller():
        session_id = await world.create()
        await world.until(session_id, State.RUNNING)
        await world.set_wanted(session_id, Wanted.SUSPENDED)
        await world.until(session_id, State.SUSPENDED)
        await world.set_wanted(session_id, Wanted.RUNNING)
        await world.until(session_id, State.RUNNING)
        agent_of(world.data, f"{session_id}.2").signal(signal.SIGKILL)
        failed = await world.until(session_id, State.FAILED)
        assert "what was in memory since the last sleep is lost" in failed.reason
        await asyncio.sleep(1)
        assert (await world.store.sessions.get(session_id)).state is State.FAILED, "nobody asked for it again"
        await world.set_wanted(session_id, Wanted.RUNNING)
        again = await world.until(session_id, State.RUNNING)
        assert (again.generation, restored_value(again)) == (3, 2)


async def test_an_agent_whose_interface_dies_fails_with_the_agents_reason(world) -> None:
    behave(world.data, fails="R stopped: it used more memory than it may.")
    async with world.controller():
        session_id = await world.create()
        failed = await world.until(session_id, State.FAILED)
        assert failed.reason == "R stopped: it used more memory than it may."
        assert failed.last_exit.code == 1


@pytest.mark.long
async def test_asked_to_run_while_it_suspends_it_sleeps_first_and_starts_anew(world) -> None:
    behave(world.data, save_takes=1)
    async with world.controller():
        session_id = await world.create()
        await world.until(session_id, State.RUNNING)
        await world.set_wanted(session_id, Wanted.SUSPENDED)
        await world.until(session_id, State.SUSPENDING)
        await world.set_wanted(session_id, Wanted.RUNNING)
        again = await world.when(session_id, lambda row: row.state is State.RUNNING and row.generation == 2)
        assert restored_value(again) == 2


async def test_a_start_that_is_called_off_keeps_what_slept(world) -> None:
    async with world.controller():
        session_id = await world.create()
        await world.until(session_id, State.RUNNING)
        await world.set_wanted(session_id, Wanted.SUSPENDED)
        slept = await world.until(session_id, State.SUSPENDED)
        behave(world.data, ready_after=30)
        await world.set_wanted(session_id, Wanted.RUNNING)
        await world.when(session_id, lambda row: row.state is State.RESUMING and row.upstream)
        await world.set_wanted(session_id, Wanted.SUSPENDED)
        again = await world.until(session_id, State.SUSPENDED)
        assert again.last_exit.saved == slept.last_exit.saved
        behave(world.data)
        await world.set_wanted(session_id, Wanted.RUNNING)
        assert restored_value(await world.until(session_id, State.RUNNING)) == 2


@pytest.mark.long
async def test_an_end_that_takes_longer_than_its_grace_is_forced(world) -> None:
    world.add_environment("hasty", grace="1s")
    behave(world.data, deaf=True)
    async with world.controller():
        session_id = await world.create("hasty")
        await world.until(session_id, State.RUNNING)
        await world.set_wanted(session_id, Wanted.SUSPENDED, Sleep.FORCED)
        failed = await world.until(session_id, State.FAILED)
        assert failed.reason.startswith("Saving took longer than 1 second and was cut short. Your files are kept")
        assert members_of(world.data, f"{session_id}.1") == []


async def test_a_start_that_hangs_fails_and_names_the_part(world) -> None:
    world.with_settings(start_deadline=timedelta(seconds=2))
    behave(world.data, hangs=True)
    async with world.controller():
        session_id = await world.create()
        failed = await world.until(session_id, State.FAILED)
        assert failed.reason == "It was not ready after 2 seconds: Stand-in did not start. Your files are kept. Start it again."
        assert [part.state for part in failed.components] == ["failed"]


async def test_a_deleted_session_leaves_its_events_and_its_home_and_nothing_else(world) -> None:
    async with world.controller():
        session_id = await world.create()
        await world.until(session_id, State.RUNNING)
        await world.set_wanted(session_id, Wanted.DELETED)
        await world.until_gone(session_id)
        assert await world.backend.list() == []
        assert not (world.data / "sessions" / session_id).exists()
        assert (world.data / "homes" / "ada").is_dir()
        assert await world.states(session_id) == ["starting", "running", "stopping", "stopped"]


async def test_an_environment_that_is_gone_is_said(world) -> None:
    async with world.controller():
        session_id = await world.create("forgotten")
        failed = await world.until(session_id, State.FAILED)
        assert failed.reason == "The environment forgotten is no longer in the catalog. Ask your administrator for it."


async def test_a_missing_python_is_said(world) -> None:
    world.backend._start._python = Path("/nowhere/python")
    async with world.controller():
        session_id = await world.create()
        failed = await world.until(session_id, State.FAILED)
        assert failed.reason.startswith("The Python for sessions is missing.")
        assert failed.detail == "/nowhere/python is not a program."


async def test_what_died_while_no_controller_ran_is_found(world) -> None:
    async with world.controller():
        dead, alive, told = [await world.create() for _ in range(3)]
        for session_id in (dead, alive, told):
            await world.until(session_id, State.RUNNING)
    agent_of(world.data, f"{dead}.1").signal(signal.SIGKILL)
    shim_of(world.data, f"{told}.1").signal(signal.SIGKILL)
    await world.set_wanted(alive, Wanted.SUSPENDED)
    async with world.controller():
        await world.until(dead, State.FAILED)
        await world.until(alive, State.SUSPENDED)
        asleep = await world.until(told, State.SUSPENDED)
        assert asleep.wanted is Wanted.SUSPENDED, "the machine told it to end: nobody fights that"


async def test_what_runs_and_is_wanted_by_no_row_is_ended(world) -> None:
    async with world.controller():
        session_id = await world.create()
        await world.until(session_id, State.RUNNING)
    row = await world.store.sessions.get(session_id)
    from session_sandbox import make_spec

    await world.backend.apply(make_spec("unknown", 7))
    await world.backend.apply(make_spec(session_id, 9))
    async with world.controller():
        async with asyncio.timeout(30):
            while await world.backend.list() != [EnsembleRef(session_id, 1)]:
                await asyncio.sleep(0.05)
        assert (await world.store.sessions.get(session_id)).upstream == row.upstream


async def test_a_session_at_rest_that_is_alive_is_ended(world) -> None:
    """As a controller leaves it that was stopped for long in the middle of a start, and then went on."""
    from session_sandbox import make_spec

    async with world.controller():
        session_id = await world.create()
        await world.until(session_id, State.RUNNING)
        await world.set_wanted(session_id, Wanted.STOPPED)
        await world.until(session_id, State.STOPPED)
        while await world.backend.list():
            await asyncio.sleep(0.02)
    await world.backend.apply(make_spec(session_id, 1))
    async with world.controller():
        async with asyncio.timeout(30):
            while await world.backend.list():
                await asyncio.sleep(0.05)


class TestTheQueue:
    @pytest.mark.long
    async def test_no_more_start_or_run_than_may_and_the_others_follow_in_order(self, world) -> None:
        world.with_settings(most_starting=1, most_running=2)
        behave(world.data, ready_after=0.3)
        ids = [await world.create() for _ in range(4)]
        async with world.controller():
            for session_id in ids[:2]:
                await world.until(session_id, State.RUNNING)
            assert await world.store.queue.positions() == {ids[2]: 1, ids[3]: 2}
            await world.set_wanted(ids[0], Wanted.SUSPENDED)
            await world.until(ids[2], State.RUNNING)
            assert (await world.store.sessions.get(ids[3])).state is State.QUEUED
            await world.set_wanted(ids[1], Wanted.STOPPED)
            await world.until(ids[3], State.RUNNING)
        happened = [event for event in await world.store.events.since(None, 0) if event.kind == "state"]
        starts = [event for event in happened if event.data["state"] in ("starting", "running")]
        assert [event.data["state"] for event in starts] == ["starting", "running"] * 4
        assert [event.session for event in starts[::2]] == ids

    async def test_more_room_after_a_restart_is_used(self, world) -> None:
        world.with_settings(most_running=1)
        first, second = await world.create(), await world.create()
        async with world.controller():
            await world.until(first, State.RUNNING)
        world.with_settings(most_running=2)
        async with world.controller():
            await world.until(second, State.RUNNING)


async def test_two_controllers_start_each_session_once(world) -> None:
    world.with_settings(most_starting=20)
    ids = [await world.create() for _ in range(10)]
    async with world.controller(holder="one"), world.controller(holder="two"):
        for session_id in ids:
            row = await world.until(session_id, State.RUNNING)
            assert row.generation == 1
        for session_id in ids:
            await world.set_wanted(session_id, Wanted.SUSPENDED)
        for session_id in ids:
            await world.until(session_id, State.SUSPENDED)
        await world.until_nothing_is_left()
    assert (world.data / "homes" / "ada" / "value").read_text() == "1"


async def test_changes_in_any_order_end_with_the_last_one(world) -> None:
    async with world.controller():
        session_id = await world.create()
        for wanted in (Wanted.SUSPENDED, Wanted.RUNNING, Wanted.STOPPED, Wanted.RUNNING, Wanted.SUSPENDED, Wanted.RUNNING):
            await world.set_wanted(session_id, wanted)
            await asyncio.sleep(0.07)
        row = await world.until(session_id, State.RUNNING)
        await asyncio.sleep(0.5)
        row = await world.until(session_id, State.RUNNING)
        assert [ref.generation for ref in await world.backend.list()] == [row.generation]


@pytest.mark.long
async def test_a_session_at_rest_costs_no_question_to_the_store(world, monkeypatch: pytest.MonkeyPatch) -> None:
    world.with_settings(look_every=timedelta(seconds=0.1), sweep_every=timedelta(minutes=5))
    async with world.controller():
        ids = [await world.create() for _ in range(3)]
        for session_id in ids:
            await world.until(session_id, State.RUNNING)
        await asyncio.sleep(0.5)
        asked: list[str] = []
        claim_these = world.store.leases.claim_these

        async def counted(session_ids: list[str], **more: object) -> object:
            asked.extend(session_ids)
            return await claim_these(session_ids, **more)

        monkeypatch.setattr(world.store.leases, "claim_these", counted)
        await asyncio.sleep(1.5)
        assert asked == []
        (world.data / "sessions" / ids[0] / "1" / "status.json").write_text(
            '{"state": "ready", "busy": true, "busy_with": ["R"]}'
        )
        await world.when(ids[0], lambda row: row.busy)
        assert set(asked) == {ids[0]}


async def test_a_controller_that_ends_gives_back_its_leases(world) -> None:
    behave(world.data, ready_after=30)
    async with world.controller():
        session_id = await world.create()
        await world.when(session_id, lambda row: row.state in LIVE and row.upstream)
    claimed = await world.store.leases.claim_one(session_id, holder="next", now=world.now(), lease=timedelta(seconds=3))
    assert claimed is not None


async def test_what_a_pass_logs_names_its_session_and_its_user(world, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(log_context.ContextFilter())
    caplog.set_level(logging.DEBUG, "rsparkhub.controller.reconcile")
    async with world.controller():
        ids = {await world.create(), await world.create()}
        for session_id in ids:
            await world.until(session_id, State.RUNNING)
    about = {record.__dict__["session"]: record.__dict__["user"] for record in caplog.records if ": " in record.message}
    owner = (await world.store.sessions.get(ids.pop())).owner
    assert ids < set(about)
    assert all(about[session_id] == owner for session_id in about if session_id in ids)
    assert all(
        record.message.startswith(f"{record.__dict__['session']}.") for record in caplog.records if "Apply" in record.message
    )
