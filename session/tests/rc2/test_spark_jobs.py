"""Spark's jobs in the room: which execution caused them, how far they are, what is recorded, and that they can be cancelled."""

import uuid
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from session.tests.rc2.conftest import connected
from session.tests.running import Running, interface, spec

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

PYTHON = "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\nimport os, time"
#: Four tasks, of which the second and the later ones wait for a file.
WAITS = """
def wait(n):
    while n and not os.path.exists('{go}'): time.sleep(0.05)
    return n
spark.sparkContext.parallelize(range(4), 4).map(wait).count()
"""
LONG = "spark.sparkContext.parallelize([1], 1).map(lambda _: time.sleep(1000)).count()"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("spark")
    spark = {"mode": "local", "memory": 2**29, "cores": 1}
    running = Running(spec(folder, id="t" + uuid.uuid4().hex[:9], interface=interface("rc2"), spark=spark, memory=2**32))
    running.start()
    await running.until_state("ready")
    yield running
    await running.close()


def jobs(client: Client, execution: str | None) -> list[protocol.SparkJob]:
    """The jobs of an execution as they were told last."""
    told: dict[tuple[str, int], protocol.SparkJob] = {}
    for notice in client.notices:
        if isinstance(notice, protocol.SparkProgress):
            told |= {(job.application, job.job): job for job in notice.jobs}
    return [job for job in told.values() if job.execution == execution]


def some_job(
    client: Client, execution: str, passes: Callable[[protocol.SparkJob], bool]
) -> Callable[[], protocol.SparkJob | None]:
    return lambda: next((job for job in jobs(client, execution) if passes(job)), None)


async def test_a_job_is_told_with_its_tasks_and_recorded_with_its_execution(running: Running, client: Client) -> None:
    console = await client.start("python3")
    await client.run(console, PYTHON)
    go = running.home / "go"
    execution = await client.begin(console, WAITS.format(go=go))
    job = await client.until(some_job(client, execution, lambda job: job.done == 1))
    assert (job.status, job.tasks, job.console, job.all_stages) == ("running", 4, console, 1)
    assert "In [" in job.title
    assert [(stage.tasks, stage.done) for stage in job.stages] == [(4, 1)]
    async with connected(running) as late:  # who comes now is told at once
        assert (await late.until(some_job(late, execution, lambda _: True))).tasks == 4
    go.touch()
    assert (await client.finished(execution)).status == "ok"
    summary = await client.until(lambda: client.event(protocol.SparkSummary, execution))
    assert (summary.jobs, summary.failed, summary.stages, summary.tasks) == (1, 0, 1, 4)
    assert summary.seconds > 0
    assert await client.until(some_job(client, execution, lambda job: job.status == "ok"))
    # What was too quick to be seen while it ran is counted as well.
    quick = await client.begin(console, "for _ in range(3): spark.range(10).count()")
    summary = await client.until(lambda: client.event(protocol.SparkSummary, quick))
    assert (summary.jobs >= 3, summary.failed) == (True, 0)
    async with connected(running) as late:
        assert await late.until(lambda: late.event(protocol.SparkSummary, execution))


async def test_a_job_is_cancelled_and_its_execution_ends_with_an_error(running: Running, client: Client) -> None:
    console = await client.start("python3")
    await client.run(console, PYTHON)
    execution = await client.begin(console, LONG)
    job = await client.until(some_job(client, execution, lambda job: job.status == "running"))
    await client.send(protocol.CancelSpark(application=job.application, job=job.job))
    assert (await client.finished(execution)).status == "error"
    summary = await client.until(lambda: client.event(protocol.SparkSummary, execution))
    assert summary.failed == 1
    assert await client.until(some_job(client, execution, lambda job: job.status == "failed"))
    await client.send(protocol.CancelSpark(application=job.application, job=job.job))  # once more does nothing
    await client.send(protocol.CancelSpark(application="none", job=1))
    await client.send(protocol.Ping())
    await client.until(lambda: any(isinstance(notice, protocol.Pong) for notice in client.notices))
    assert not [notice for notice in client.notices if isinstance(notice, protocol.Refused)]


async def test_a_driver_that_is_stopped_is_told(running: Running, client: Client) -> None:
    console = await client.start("python3")
    await client.run(console, PYTHON)

    def applications() -> int | None:
        told = [notice for notice in client.notices if isinstance(notice, protocol.SparkProgress)]
        return len(told[-1].applications) if told else None

    await client.until(lambda: applications() == 1)
    await client.run(console, "spark.stop()")
    await client.until(lambda: applications() == 0)


@pytest.mark.long
async def test_queries_of_r_belong_to_its_execution(running: Running, client: Client) -> None:
    console = await client.start("ir")
    execution = await client.begin(console, "library(rspark); x <- spark_sql('SELECT count(*) AS n FROM range(1000)'); x$n")
    assert (await client.finished(execution)).status == "ok", client.text(execution)
    summary = await client.until(lambda: client.event(protocol.SparkSummary, execution))
    assert summary.jobs >= 1
    (first, *_) = jobs(client, execution)
    assert (first.console, "count(*)" in first.title) == (console, True)
