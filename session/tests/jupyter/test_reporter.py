"""What is reported to the agent, and how often."""

import asyncio

from rspark_session.jupyter.messages import Activity, Processes, Report
from rspark_session.jupyter.reporter import ActivityReporter

RESTING = Processes(titles={1: "R kernel"}, busy=(), warm_kernel=None)
BUSY = Processes(titles={1: "R kernel"}, busy=("R kernel",), warm_kernel=None)


async def test_typing_is_reported_once_an_interval_and_once_more_when_it_stops() -> None:
    sent: list[Report] = []
    reporter = ActivityReporter(sent.append)
    for _ in range(5):
        reporter.activity()
    assert len(sent) == 1
    while len(sent) < 2:
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.2)
    assert [type(report) for report in sent] == [Activity, Activity]


async def test_a_change_is_reported_when_it_lasts_and_what_is_known_is_not_repeated() -> None:
    sent: list[Report] = []
    now = RESTING

    async def observe() -> Processes:
        return now

    reporter = ActivityReporter(sent.append)
    reporter.changed()  # before anything runs
    await asyncio.sleep(0.4)
    assert sent == []
    reporter.start(observe)
    await asyncio.sleep(0.4)
    now = BUSY
    reporter.changed()
    now = RESTING  # a completion: it was over before anybody looked
    await asyncio.sleep(0.4)
    assert sent == [RESTING]
    now = BUSY
    reporter.changed()
    await asyncio.sleep(0.4)
    assert sent == [RESTING, BUSY]
