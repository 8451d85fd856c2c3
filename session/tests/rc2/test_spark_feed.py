"""What is kept and recorded of more jobs than a person is shown, and of a driver that answers what no driver does."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rspark_session.rc2 import protocol
from rspark_session.rc2.spark.drivers import Driver, Drivers
from rspark_session.rc2.spark.feed import MOST, SparkFeed

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
CONSOLE, EXECUTION = "console", "execution"


def job(number: int, **more: Any) -> dict[str, Any]:
    """A job as Spark's API tells it."""
    began = f"{BEGAN + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S}.000GMT"
    counts = {"numTasks": 2, "numCompletedTasks": 2, "numCompletedStages": 1}
    return {"jobId": number, "status": "SUCCEEDED", "submissionTime": began, "completionTime": began, **counts, **more}


@dataclass
class Answers:
    """Drivers that answer what they are given, the newest job first as Spark does."""

    jobs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def find(self) -> list[Driver]:
        return [Driver(place + 1, 0, name, name, 4040, (7,)) for place, name in enumerate(self.jobs)]

    async def ask(self, driver: Driver, path: str) -> Any:
        running = [job for job in self.jobs[driver.id] if job["status"] == "RUNNING"]
        return {"jobs": list(reversed(self.jobs[driver.id])), "jobs?status=running": running}.get(path, [])


class Consoles(list[Any]):
    """One console, which has executed one execution."""

    def __init__(self) -> None:
        self.queue: list[str] = []
        identity, info = SimpleNamespace(id=CONSOLE), SimpleNamespace(queue=self.queue)
        super().__init__(
            [SimpleNamespace(identity=identity, info=info, process=7, state="idle", execution_at=lambda _: EXECUTION)]
        )
        self.listeners: list[Any] = []

    def get(self, _: str) -> Any:
        return self[0]


@dataclass
class Recorded:
    """What was recorded."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def record(self, _: object, **event: Any) -> None:
        self.events.append(event)


@dataclass
class Seen:
    """A feed that looks when it is told to, and what its client is told."""

    drivers: Answers = field(default_factory=Answers)
    consoles: Consoles = field(default_factory=Consoles)
    recorded: Recorded = field(default_factory=Recorded)
    told: list[protocol.SparkJob] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.feed = SparkFeed(cast("Any", self.consoles), cast("Any", self.recorded), cast("Drivers", self.drivers))
        self.feed._notify.append(lambda notice: self.told.extend(getattr(notice, "jobs", ())))

    async def look(self) -> None:
        await self.feed._look()


@pytest.fixture
async def seen() -> AsyncIterator[Seen]:
    seen = Seen()
    yield seen
    seen.feed.close()


async def test_of_many_jobs_the_newest_are_kept_and_all_are_counted(seen: Seen) -> None:
    seen.consoles.queue.append(EXECUTION)
    seen.drivers.jobs["spark"] = [job(0, status="RUNNING"), *(job(number) for number in range(1, 900))]
    await seen.look()
    assert sorted(told.job for told in seen.told) == [0, *range(900 - MOST + 1, 900)], "what runs, and the newest"
    seen.told.clear()
    seen.drivers.jobs["spark"] = [job(0, status="FAILED"), *(job(number) for number in range(1, 950))]
    await seen.look()
    assert {told.job: told.status for told in seen.told} == {0: "failed"} | dict.fromkeys(range(900, 950), "ok")
    assert seen.recorded.events == []
    seen.consoles.queue.clear()
    await seen.look()
    await seen.look()
    (summary,) = seen.recorded.events
    assert (summary["console"], summary["execution"]) == (CONSOLE, EXECUTION)
    assert (summary["jobs"], summary["failed"], summary["stages"], summary["tasks"]) == (950, 1, 950, 1900)
    assert summary["seconds"] == 949


async def test_an_execution_that_ends_during_a_look_is_summarized_by_the_next(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen.consoles.queue.append(EXECUTION)
    seen.drivers.jobs["spark"] = [job(1)]
    ask = seen.drivers.ask

    async def end(driver: Driver, path: str) -> Any:
        answer = await ask(driver, path)
        seen.consoles.queue.clear()
        seen.drivers.jobs["spark"] = [job(1), job(2)]
        return answer

    monkeypatch.setattr(seen.drivers, "ask", end)
    seen.drivers.jobs["spark"] = [job(1)]
    await seen.look()
    assert seen.recorded.events == []
    await seen.look()
    assert [summary["jobs"] for summary in seen.recorded.events] == [2]


async def test_a_driver_with_odd_answers_hides_no_other(seen: Seen, caplog: pytest.LogCaptureFixture) -> None:
    seen.drivers.jobs = {"odd": [{"jobId": "first", "status": "SUCCEEDED"}], "spark": [job(1)]}
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            await seen.look()
    assert [(told.application, told.job) for told in seen.told] == [("spark", 1)]
    assert [record.args for record in caplog.records] == [("odd",)]
