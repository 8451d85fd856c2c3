"""One deadline for a series of calls, each of which would have been in time."""

import asyncio

import pytest

from rsparkhub.backends.kubernetes.deadline import within
from rsparkhub.domain.errors import Unavailable


class Slow:
    @within(0.05)
    async def take(self, calls: int) -> int:
        for _ in range(calls):
            async with asyncio.timeout(1):
                await asyncio.sleep(0.02)
        return calls


async def test_calls_that_are_each_in_time_are_late_together() -> None:
    assert await Slow().take(1) == 1
    with pytest.raises(Unavailable, match=r"longer than 0.05 s"):
        await Slow().take(100)


async def test_who_stops_waiting_is_not_told_of_a_deadline() -> None:
    task = asyncio.create_task(Slow().take(1))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
