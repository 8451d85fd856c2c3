"""The pages of applications that have ended, and the files from which they are made."""

import asyncio
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from session.tests.running import WAIT, Running, command_of, interface, members

from rspark_session.services.spark import event_logs

Start = Callable[..., Running]


async def page_of(running: Running, path: str, text: str) -> httpx.Response:
    """Load a page, again and again as a browser does, until the text is in it."""
    for _ in range(600):
        answer = await running.get(path, follow_redirects=True)
        if text in answer.text:
            return answer
        assert "can't be opened" not in answer.text, running.log("spark-history")
        await asyncio.sleep(0.2)
    raise AssertionError(answer.text)


@pytest.mark.long
async def test_the_jobs_of_an_application_that_has_ended_are_seen_also_after_a_sleep_and_by_nobody_else(start: Start) -> None:
    local = {"mode": "local", "memory": 2**29, "cores": 1}
    running = start(interface=interface("jupyterlab"), spark=local)
    await running.until_state("ready")
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        code = "from pyspark.sql import SparkSession\nspark = SparkSession.builder.appName('of-before').getOrCreate()\n"
        shown = await kernel.shown(f"{code}spark.range(9).count()\nprint(spark.sparkContext.applicationId)\nspark.stop()")
        application = shown.split()[-1]
    assert await running.suspend() == 0

    running = start(interface=interface("jupyterlab"), spark=local, generation=2, resume=True)
    await running.until_state("ready")
    assert 'href="past/"' in (await running.get("spark/")).text
    await page_of(running, "spark/past/", "History Server")
    jobs = await page_of(running, f"spark/past/history/{application}/jobs/", "Completed Jobs")
    assert "of-before" in jobs.text
    base = f"{running.asked['base_path']}spark/past/"
    assert f'href="{base}history/{application}' in jobs.text
    assert [link for link in re.findall(r'(?:href|src)="(/[^"]+)"', jobs.text) if not link.startswith(base)] == []
    [server] = [process for process in members(running.name) if any("HistoryServer" in word for word in command_of(process))]
    async with httpx.AsyncClient(timeout=WAIT) as outside:
        for connection in server.net_connections():
            if connection.status == "LISTEN":
                assert connection.laddr.ip.endswith("127.0.0.1")
                answer = await outside.get(f"http://127.0.0.1:{connection.laddr.port}/api/v1/applications")
                assert answer.status_code in {401, 403}
    assert await running.suspend() == 0
    assert members(running.name) == []


def test_the_newest_applications_are_kept_and_no_more_bytes_than_there_may_be(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"app{number}").mkdir()
        (tmp_path / f"app{number}/events").write_bytes(b"x" * 2**20)
        os.utime(tmp_path / f"app{number}/events", (number, number))
    (tmp_path / "single").write_text("of another version")
    (tmp_path / ".room").write_text("room")

    def left() -> list[str]:
        return sorted(log.name for log in tmp_path.iterdir())

    event_logs.prune(tmp_path, applications=4)
    assert left() == [".room", "app2", "app3", "app4", "single"]
    event_logs.prune(tmp_path, most=2 * 2**20 + 2**19)
    assert left() == [".room", "app3", "app4", "single"]
    event_logs.prune(tmp_path / "nowhere")


def test_a_driver_starts_without_its_log_where_that_cannot_be_written(tmp_path: Path) -> None:
    def options(home: Path) -> str:
        script = event_logs.shell(home) + 'printf "%s" "${SPARK_SUBMIT_OPTS:-}"'
        return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env={"PATH": os.defpath}).stdout

    assert options(tmp_path / "it's a home") == ""
    (tmp_path / "full").write_text("no folder can be made here")
    assert options(tmp_path / "full").strip() == "-Dspark.eventLog.enabled=false"
