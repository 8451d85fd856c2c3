"""Work under a lease, on a real store."""

import asyncio
from datetime import timedelta

import pytest

from rsparkhub.controller.lease import Holder, LeaseLost
from rsparkhub.domain.session import Wanted


def leases(world, holder: str, seconds: float) -> Holder:
    return Holder(store=world.store, holder=holder, lease=timedelta(seconds=seconds), clock=world.now)


async def test_a_lease_is_renewed_as_long_as_the_work_goes_on(world) -> None:
    session_id = await world.create()
    mine, other = leases(world, "one", 0.6), leases(world, "two", 0.6)
    claimed = await mine.claim(session_id)
    async with mine.renewed(claimed):
        for _ in range(10):
            await asyncio.sleep(0.15)
            assert await other.claim(session_id) is None
            assert await other.claim_due(5) == []


async def test_work_whose_lease_was_lost_is_given_up_at_once(world) -> None:
    session_id = await world.create()
    mine, other = leases(world, "one", 0.6), leases(world, "two", 30)
    claimed = await mine.claim(session_id)
    await asyncio.sleep(0.7)  # this process was stopped for longer than its lease
    assert await other.claim(session_id)
    went_on = False

    async def work() -> None:
        nonlocal went_on
        async with mine.renewed(claimed):
            await asyncio.sleep(10)
            went_on = True

    with pytest.raises(LeaseLost):
        await work()
    assert not went_on
    await world.store.sessions.set_wanted(session_id, Wanted.STOPPED, by=None, now=world.now())


async def test_a_cancellation_from_outside_stays_one(world) -> None:
    session_id = await world.create()
    mine = leases(world, "one", 30)
    claimed = await mine.claim(session_id)

    async def work() -> None:
        async with mine.renewed(claimed):
            await asyncio.sleep(10)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
