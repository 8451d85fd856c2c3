"""Spark's pages below the session's path, for each driver of the session and of no other."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from session.tests.running import Kernel, Running, interface, until

Start = Callable[..., Running]

DRIVER = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("NAME").getOrCreate()
print(spark.range(1000).selectExpr("sum(id)").first()[0])
"""


def commands() -> list[bytes]:
    """Return the command line of every process, which all accounts of a machine may read."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            found.append(path.read_bytes())
    return found


async def with_spark(start: Start) -> Running:
    running = start(interface=interface("jupyterlab"), spark={"mode": "local", "memory": 2**29, "cores": 1})
    await running.until_state("ready")
    return running


async def drive(kernel: Kernel, name: str) -> None:
    assert (await kernel.shown(DRIVER.replace("NAME", name))).splitlines()[-1] == "499500"


async def test_without_a_driver_the_page_says_what_to_do(start: Start) -> None:
    running = await with_spark(start)
    page = await running.get("spark/")
    assert page.status_code == 404
    assert "No Spark application is running" in page.text
    assert "rspark::spark()" in page.text
    assert (await running.get("spark")).headers["location"] == f"{running.asked['base_path']}spark/"


@pytest.mark.long
async def test_the_pages_and_all_their_links_stay_below_the_sessions_path(start: Start) -> None:
    running = await with_spark(start)
    base = running.asked["base_path"]
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await drive(kernel, "flights")
        first = await running.get("spark/")
        assert first.headers["location"] == f"{base}spark/jobs/"
        page = await running.get("spark/", follow_redirects=True)
        assert page.status_code == 200
        assert "flights - Spark Jobs" in page.text
        links = {link for link in re.findall(r'(?:href|src)="([^"#]+)"', page.text) if not link.startswith("http")}
        assert links
        assert all(link.startswith(f"{base}spark/") for link in links if link.startswith("/")), links
        for link in sorted(link for link in links if link.startswith("/"))[:20]:
            answer = await running.http.get(f"http://{running.status()['address']}{link}", follow_redirects=True)
            assert answer.status_code == 200, link
        (application,) = (await running.get("spark/api/v1/applications")).json()
        assert application["name"] == "flights"
        await kernel.shown("spark.stop()")


@pytest.mark.long
async def test_a_running_job_makes_the_session_busy_until_its_page_ends_it(start: Start) -> None:
    running = await with_spark(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await drive(kernel, "slow")
        waits = "rdd = spark.sparkContext.parallelize([1], 1).map(lambda _: __import__('time').sleep(1000))"
        await kernel.shown(f"import threading\n{waits}\nthreading.Thread(target=rdd.count, daemon=True).start()")
        await until(lambda: "Spark, slow" in running.status()["busy_with"], "Spark computes")
        (application,) = (await running.get("spark/api/v1/applications")).json()
        (job,) = (await running.get(f"spark/api/v1/applications/{application['id']}/jobs?status=running")).json()
        path = f"spark/jobs/job/kill/?id={job['jobId']}"
        sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)">', (await running.get(path)).text))
        assert (await running.post(path, data=sent)).status_code == 302
        await until(lambda: "Spark, slow" not in running.status()["busy_with"], "Spark rests")


@pytest.mark.long
async def test_a_driver_that_tidies_up_after_its_jobs_computes_nothing(start: Start) -> None:
    running = await with_spark(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await drive(kernel, "done")
        turns = "spark._jvm.java.util.stream.LongStream.range(0, 2**62).sum()"  # no job: as what it does for itself
        await kernel.shown(f"import threading\nthreading.Thread(target=lambda: {turns}, daemon=True).start()")
        measured = set()

        def has_used_the_processor() -> bool:
            status = running.status()
            if status["cpu"] > 0.1 and status["busy_with"] == []:
                measured.add(status["updated"])
            return len(measured) >= 3  # what uses it in two measurements would compute

        await until(has_used_the_processor, "the driver uses the processor, and is not busy")


@pytest.mark.long
async def test_of_two_drivers_a_person_chooses(start: Start) -> None:
    running = await with_spark(start)
    ids = await asyncio.gather(running.new_kernel("python3"), running.new_kernel("python3"))
    async with running.kernel(ids[0]) as one, running.kernel(ids[1]) as other:
        await asyncio.gather(drive(one, "first"), drive(other, "second"))
        choice = await running.get("spark/")
        links = dict(re.findall(r'<a href="([^"]+)">(first|second)</a>', choice.text))
        assert sorted(links.values()) == ["first", "second"]
        for link, name in links.items():
            chosen = await running.http.get(f"http://{running.status()['address']}{link}", follow_redirects=True)
            assert f"{name} - Spark Jobs" in chosen.text
            page = await running.get("spark/executors/", headers={"Cookie": f"rspark-spark={link.rpartition('=')[2]}"})
            assert f"{name} - Executors" in page.text


@pytest.mark.long
async def test_another_account_of_the_machine_sees_nothing_of_a_driver(start: Start) -> None:
    running = await with_spark(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        await drive(kernel, "mine")
        port = int((await kernel.shown("print(spark.sparkContext.uiWebUrl)")).split()[-1].rpartition(":")[2])
        for path in ("/", "/jobs/", "/environment/", "/api/v1/applications", "/metrics/json/", "/static/webui.js"):
            for headers in ({}, {"authorization": "Bearer x.y.z"}):
                answer = await running.http.get(f"http://127.0.0.1:{port}{path}", headers=headers)
                assert answer.status_code in {401, 403, 500}, (path, headers)
                assert "mine" not in answer.text
        settings = dict(line.split(" ", 1) for line in (running.run / "spark/conf/spark-defaults.conf").read_text().splitlines())
        secrets = [settings["spark.authenticate.secret"], settings["spark.org.apache.spark.ui.JWSFilter.param.secretKey"]]
        assert not [word for word in secrets for command in commands() if word.encode() in command]
        mode = (running.run / "spark/conf/spark-defaults.conf").stat().st_mode
        assert mode & 0o077 == 0
        await kernel.shown("spark.stop()")
