"""The life of a session, from a row to a process and back, with a real store, real processes and a stand-in agent."""

import asyncio
import os
import pwd

import pytest
from session_sandbox import members_of, restored_value

from rsparkhub.domain.session import State, Wanted


async def test_a_session_starts_sleeps_wakes_where_it_was_and_stops(world) -> None:
    async with world.controller():
        session_id = await world.create()
        running = await world.until(session_id, State.RUNNING)
        assert running.generation == 1
        assert running.upstream
        assert running.secret
        assert running.ready
        assert [part.state for part in running.components] == ["ready"]

        await world.set_wanted(session_id, Wanted.SUSPENDED)
        asleep = await world.until(session_id, State.SUSPENDED)
        assert (asleep.upstream, asleep.secret, asleep.last_exit.code) == (None, None, 0)
        assert [kernel.objects for kernel in asleep.last_exit.saved.kernels] == [1]
        assert members_of(world.data, f"{session_id}.1") == []

        await world.set_wanted(session_id, Wanted.RUNNING)
        awake = await world.until(session_id, State.RUNNING)
        assert (awake.generation, restored_value(awake)) == (2, 2)
        assert awake.secret != running.secret

        await world.set_wanted(session_id, Wanted.STOPPED)
        stopped = await world.until(session_id, State.STOPPED)
        assert (stopped.last_exit.code, stopped.last_exit.saved) == (0, None)
        assert await world.states(session_id) == [
            "starting", "running", "suspending", "suspended", "queued", "resuming", "running", "stopping", "stopped",
        ]  # fmt: skip


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="people have accounts of their own where the hub is root")
async def test_who_is_removed_loses_their_account_when_nothing_of_theirs_runs(world) -> None:
    async with world.controller():
        session_id = await world.create()
        running = await world.until(session_id, State.RUNNING)
        assert running.upstream
        account = pwd.getpwuid((world.data / "homes" / "ada").stat().st_uid).pw_name
        await world.store.users.remove("ada", now=world.now())
        async with asyncio.timeout(40):
            while any(entry.pw_name == account for entry in pwd.getpwall()):
                await asyncio.sleep(0.1)
        assert await world.store.sessions.list(owner="ada") == []
    assert (world.data / "homes" / "ada").stat().st_uid == 0
