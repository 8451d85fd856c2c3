"""A driver that starts with the session: whoever comes first has it at once, and with Spark Connect all clients share it."""

import asyncio
import json
import time
from collections.abc import Callable

from session.tests.running import WAIT, Json, Kernel, Running, command_of, interface, members, part, until

Start = Callable[..., Running]

LOCAL = {"mode": "local", "memory": 2**29, "cores": 1}
SPARK = part("spark", "{python}", "-m", "rspark_session.services.spark.cluster", "{run}/spark")
DRIVE = """
import os, time
began = time.monotonic()
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
total = spark.range(1000).selectExpr("sum(id)").first()[0]
print(total, spark.version, time.monotonic() - began)
"""
# One job that takes hours and next to no memory: two joins at once would fill the driver, and the second one would end by itself.
LONG = "spark.range(10**13).selectExpr('sum(hash(id))').collect()"


async def awake(start: Start, **more: Json) -> Running:
    running = start(interface=interface("jupyterlab"), spark=LOCAL | more, parts=[SPARK])
    await running.until_state("ready")
    await until((running.run / "spark/ahead.json").exists, "the driver is there")
    return running


async def drivers(running: Running) -> int:
    return sum("org.apache.spark.deploy.SparkSubmit" in command_of(process) for process in members(running.name))


async def jobs(running: Running) -> list[Json]:
    """Return the jobs of the session's driver, the last first."""
    pages = "spark/api/v1/applications"
    [application] = json.loads((await running.get(pages, follow_redirects=True)).text)
    found: list[Json] = json.loads((await running.get(f"{pages}/{application['id']}/jobs", follow_redirects=True)).text)
    return found


async def until_jobs(running: Running, number: int) -> None:
    """Wait until the session's driver runs so many jobs."""
    deadline = time.monotonic() + WAIT
    while True:
        found = await jobs(running)
        if sum(job["status"] == "RUNNING" for job in found) == number:
            return
        assert time.monotonic() < deadline, f"waited in vain for {number} jobs: {found[:5]}"
        await asyncio.sleep(0.1)


async def interrupts_its_own_alone(running: Running, client: Kernel, client_id: str) -> None:
    """Interrupt a query of a kernel that has the driver itself, as R has, while a client's query runs in it."""
    id_ = await running.new_kernel("python3")
    async with running.kernel(id_) as driving:
        start = DRIVE.replace(".builder", ".builder.config('spark.sql.shuffle.partitions', 2)")
        assert (await driving.shown(f"import os\ndel os.environ['SPARK_REMOTE']\n{start}")).splitlines()[-1].startswith("499500 ")
        assert await drivers(running) == 1
        own = await driving.begin(LONG)
        await until_jobs(running, 1)
        theirs = await client.begin(LONG)  # after the other one, whose end takes along what began after it
        await until_jobs(running, 2)
        await running.post(f"api/kernels/{id_}/interrupt")
        await asyncio.wait_for(driving.result_of(own), 120)
        await until_jobs(running, 1)
        await running.post(f"api/kernels/{client_id}/interrupt")
        await asyncio.wait_for(client.result_of(theirs), 120)


async def test_the_first_kernel_has_the_driver_that_waits_and_another_starts_its_own(start: Start) -> None:
    running = await awake(start, ahead=True)
    (running.home / "course").mkdir()
    (running.home / "course/numbers.csv").write_text("1\n2\n")
    first = (await running.new_session("course/one.ipynb", "python3"))["kernel"]["id"]
    async with running.kernel(first) as kernel:
        assert (await kernel.shown(DRIVE)).splitlines()[-1].startswith("499500 ")
        assert await drivers(running) == 1
        # Paths begin where the notebook is, functions of Python run, and its jobs have a cell's name.
        assert (await kernel.shown("print(spark.read.csv('numbers.csv').count())")).splitlines()[-1] == "2"
        assert (await kernel.shown("print(spark.sparkContext.parallelize([1, 2]).map(lambda x: x + 1).sum())"))[-1] == "5"
        jobs = json.loads((await running.get("spark/api/v1/applications", follow_redirects=True)).text)
        assert [application["name"] for application in jobs] == ["Session"]
        async with running.kernel(await running.new_kernel("python3")) as other:
            own = DRIVE.replace(".builder", ".builder.config('spark.driver.cores', 1)")
            assert (await other.shown(own)).splitlines()[-1].startswith("499500 ")
            assert await drivers(running) == 2
            await other.shown("spark.stop()")
        # Stopped, the same process serves the next session; and it ends with its kernel.
        await kernel.shown("spark.stop()")
        assert (await kernel.shown(DRIVE)).splitlines()[-1].startswith("499500 ")
        pids = [process for process in members(running.name) if "org.apache.spark.rspark.Ahead" in command_of(process)]
    assert len(pids) == 1
    await running.http.delete(running.url(f"api/kernels/{first}"))
    await until(lambda: not pids[0].is_running(), "the driver ended with its kernel")
    assert await running.suspend() == 0
    assert members(running.name) == []


async def test_clients_of_spark_connect_share_the_sessions_driver_and_need_its_token(start: Start) -> None:
    running = await awake(start, connect=True, connect_port="{port:connect}")
    ids = [await running.new_kernel("python3") for _ in range(2)]
    async with running.kernel(ids[0]) as one, running.kernel(ids[1]) as other:
        assert (await one.shown(DRIVE)).splitlines()[-1].startswith("499500 ")
        assert (await one.shown("print(type(spark).__module__)")) == "pyspark.sql.connect.session"
        assert (await other.shown(DRIVE)).splitlines()[-1].startswith("499500 ")
        assert await drivers(running) == 1
        # Each has views of its own, and the tables of all.
        await one.shown("spark.range(3).createOrReplaceTempView('mine'); spark.range(4).write.saveAsTable('ours')")
        assert (await other.shown("print(spark.catalog.tableExists('mine'), spark.table('ours').count())")) == "False 4"
        function = "from pyspark.sql.functions import udf\n@udf('long')\ndef twice(x): return 2 * x\n"
        assert (await one.shown(f"{function}print(spark.range(3).select(twice('id')).collect()[2][0])")).splitlines()[-1] == "4"
        # An interrupted cell takes its query along; what is said to compute is that query, and none before it.
        busy = "Spark, Session"
        await until(lambda: not any(name.startswith(busy) for name in running.status()["busy_with"]), "nothing computes")
        long = await one.begin(LONG)
        await until(lambda: any(name.startswith(busy) for name in running.status()["busy_with"]), "the query runs")
        await running.post(f"api/kernels/{ids[0]}/interrupt")
        await asyncio.wait_for(one.result_of(long), 120)
        await until(lambda: not any(name.startswith(busy) for name in running.status()["busy_with"]), "the query has ended")
        await interrupts_its_own_alone(running, one, ids[0])
        # Without the token, or with another one, nobody comes in.
        code = "import os, re\nfrom pyspark.sql.connect.session import SparkSession as S\nurl = os.environ['SPARK_REMOTE']\n"
        code += "for other in (re.sub('token=.*', 'token=' + '0' * 64, url), re.sub('/;.*', '', url)):\n    try:\n"
        code += "        print(S.builder.remote(other).create().range(1).count())\n"
        code += "    except Exception as error: print(type(error).__name__, 'UNAUTHENTICATED' in str(error))\n"
        said = (await other.shown(code)).splitlines()
        assert [line.split()[-1] for line in said if line.endswith(("True", "False")) or line.isdigit()] == ["True", "True"], said
    assert await running.suspend() == 0
