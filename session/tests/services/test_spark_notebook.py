"""Spark in a kernel of Python: what it says, what an interrupt takes along, and what happens when the driver ends."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from session.tests.running import Running, interface, until

from rspark_session.services.spark.notebook import Cells

Start = Callable[..., Running]

SPARK = "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()"
LONG = "spark.sql('SELECT sum(hash(a.id, b.id)) FROM range(3000000000) a, range(300) b').collect()"


async def with_spark(start: Start, generation: int = 1, cores: int = 1) -> Running:
    spark = {"mode": "local", "memory": 2**29, "cores": cores}
    running = start(interface=interface("jupyterlab"), spark=spark, generation=generation, resume=generation > 1)
    await running.until_state("ready")
    return running


def busy(running: Running) -> list[str]:
    return [reason for reason in running.status()["busy_with"] if reason.startswith("Spark, ")]


def test_an_error_that_is_its_own_cause_is_looked_at_once() -> None:
    error = ValueError()
    error.__cause__ = error  # `raise error from error`
    Cells().end(SimpleNamespace(error_in_exec=error))


@pytest.mark.long
async def test_an_interrupted_cell_takes_its_jobs_along_and_leaves_streams_and_the_connection(start: Start) -> None:
    running = await with_spark(start, cores=2)
    kernel_id = await running.new_kernel("python3")
    async with running.kernel(kernel_id) as kernel:
        said = await kernel.shown(SPARK)
        assert "Starting Spark ..." in said
        assert f"{running.asked['base_path']}spark/" in said
        await kernel.shown(
            "query = spark.readStream.format('rate').load().writeStream.format('memory').queryName('ticks').start()\n"
            "import threading"
        )
        # One job of the cell itself, and one of a thread that it starts, each on a core of its own.
        slow = "spark.sparkContext.parallelize([1], 1).map(lambda _: __import__('time').sleep(1000)).count()"
        cell = await kernel.begin(f"thread = threading.Thread(target=lambda: {slow}, daemon=True)\nthread.start()\n{LONG}")
        reason = await until(lambda: next((each for each in busy(running) if "In [" in each), None), "Spark computes")
        assert "threading.Thread" in reason
        assert (await running.post(f"api/kernels/{kernel_id}/interrupt")).status_code == 204
        await kernel.result_of(cell)
        gone = (
            "thread.join(120)\nprint(thread.is_alive(), [job for job in spark.sparkContext.statusTracker().getJobIdsForGroup()])"
        )
        assert (await kernel.shown(gone)).splitlines()[-1].startswith("False ")
        assert (await kernel.shown("print(spark.range(5).count(), query.isActive)")).splitlines()[-1] == "5 True"
        await kernel.shown("query.stop()")
        await until(lambda: not running.status()["busy"], "the session rests, with its driver")
        # As where PySpark's next call to the driver fails because of the interrupt, and the cell with that error.
        cell = await kernel.begin(f"try:\n    {LONG}\nexcept BaseException:\n    raise ConnectionError('no answer')")
        await until(lambda: busy(running), "Spark computes")
        await running.post(f"api/kernels/{kernel_id}/interrupt")
        assert "no answer" in await kernel.result_of(cell)
        await until(lambda: not running.status()["busy"], "nothing of it is left")
        await kernel.shown("spark.stop()")


@pytest.mark.long
async def test_a_driver_that_ended_is_said_and_replaced(start: Start) -> None:
    running = await with_spark(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.shown(SPARK)
        await kernel.shown("process = spark.sparkContext._gateway.proc; process.kill(); process.wait()")
        failed = await kernel.shown("spark.range(5).count()")
        assert (
            "it was killed, as the kernel does where memory is short. SparkSession.builder.getOrCreate() starts another" in failed
        )
        said = await kernel.shown(SPARK + "\nprint(spark.range(5).count())")
        assert "Spark's driver has ended" in said
        assert said.splitlines()[-1] == "5"
        await kernel.shown("spark.stop()")


@pytest.mark.long
async def test_what_a_driver_holds_is_named_when_it_is_lost_and_tables_are_not(start: Start) -> None:
    running = await with_spark(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await kernel.shown(SPARK)
        await kernel.shown(
            "spark.range(3).createOrReplaceTempView('mine')\n"
            "spark.range(3).createOrReplaceGlobalTempView('everybodys')\n"
            "spark.range(3).write.saveAsTable('kept'); spark.catalog.cacheTable('kept')\n"
            "spark.conf.set('spark.sql.shuffle.partitions', '7')\n"
            "query = spark.readStream.format('rate').load().writeStream.format('memory').queryName('ticks').start()"
        )
    assert await running.suspend() == 0
    (saved,) = running.record()["saved"]["kernels"]
    lost = {entry["name"]: entry["why"] for entry in saved["lost"]}
    assert {"mine", "global_temp.everybodys", "kept", "ticks", "spark.sql.shuffle.partitions", "spark", "query"} <= lost.keys()
    assert "cache" in lost["kept"]
    assert "7" in lost["spark.sql.shuffle.partitions"]
    unexpected = {name for name in lost if name.startswith("spark.")} - {"spark.sql.shuffle.partitions"}
    assert not unexpected


async def test_r_in_a_session_starts_spark_in_words_and_an_interrupt_cancels_its_query(prepare: Start, r_library: Path) -> None:
    running = prepare(interface=interface("jupyterlab"), spark={"mode": "local", "memory": 2**29, "cores": 1})
    running.start(RSPARK_R_LIBS=str(r_library))
    await running.until_state("ready")
    kernel_id = await running.new_kernel("ir")
    async with running.kernel(kernel_id) as kernel:
        said = await kernel.shown("library(rspark); x <- spark_sql('SELECT 1 AS one'); cat(x$one)")
        assert "Starting Spark ..." in said
        assert f"{running.asked['base_path']}spark/" in said
        query = await kernel.begin("spark_sql('SELECT sum(hash(a.id, b.id)) AS s FROM range(3000000000) a, range(300) b')")
        await until(lambda: any("SELECT sum(hash(a.id, b.id))" in each for each in busy(running)), "Spark computes")
        assert (await running.post(f"api/kernels/{kernel_id}/interrupt")).status_code == 204
        await kernel.result_of(query)
        await until(lambda: not running.status()["busy"], "the session rests, with its driver")
        assert (await kernel.shown("cat(spark_sql('SELECT 2 AS two')$two)")).splitlines()[-1] == "2"
        missing = await kernel.shown("spark_sql('SELECT * FROM nowhere')")
        assert (
            missing.startswith("Spark says: [TABLE_OR_VIEW_NOT_FOUND]")
            or "Error: Spark says: [TABLE_OR_VIEW_NOT_FOUND]" in missing
        )
        await kernel.shown("spark_stop()")
