"""A master and workers of the session's own: they compute, grow and shrink, survive, and are nobody else's."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
from session.tests.running import PYTHON, WAIT, Kernel, Running, command_of, interface, members, part, until

Start = Callable[..., Running]

CLUSTER = part(
    "spark",
    "{python}",
    "-m",
    "rspark_session.services.spark.cluster",
    "{run}/spark",
    ready={"tcp": "127.0.0.1:{port:spark-master-pages}"},
)
SPARK = {
    "mode": "standalone",
    "memory": 2**29,
    "cores": 2,
    "workers": 1,
    "max": 2,
    "worker_cores": 1,
    "session_memory": 2**32,
    "port": "{port:spark-master}",
    "pages_port": "{port:spark-master-pages}",
}
DRIVE = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
import os
def where():
    rdd = spark.sparkContext.parallelize(range(8), 8)
    return set(rdd.map(lambda _: (__import__("time").sleep(0.3), os.getppid())[1]).collect())
print(spark.conf.get("spark.master"), spark.range(1000).selectExpr("sum(id)").first()[0])
"""


async def awake(start: Start, generation: int = 1) -> Running:
    running = start(
        interface=interface("jupyterlab"),
        spark=SPARK,
        parts=[CLUSTER],
        generation=generation,
        resume=generation > 1,
        memory=2**32,
    )
    await running.until_state("ready")
    return running


def daemons(running: Running, name: str) -> list[psutil.Process]:
    return [process for process in members(running.name) if f"org.apache.spark.deploy.{name}" in command_of(process)]


async def workers(kernel: Kernel, number: str = "") -> str:
    command = f"import subprocess as s; r = s.run('spark-workers {number}', shell=True, capture_output=True, text=True)"
    return await kernel.shown(f"{command}; print(r.stdout or r.stderr)")


async def computed(kernel: Kernel) -> str:
    return (await kernel.shown(DRIVE)).splitlines()[-1]


async def test_the_sessions_own_workers_compute_and_their_number_changes_while_a_driver_runs(start: Start) -> None:
    running = await awake(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        master, total = (await computed(kernel)).split()
        assert master.startswith("spark://127.0.0.1:")
        assert total == "499500"
        assert "2 of 2 workers are ready, with 1 core and 512 MB each; 2 at the most." in await workers(kernel, "2")
        await kernel.shown("while len(where()) < 2: pass")
        assert "may have 0 to 2 workers, not 3" in await workers(kernel, "3")
        assert "1 of 1 workers are ready" in await workers(kernel, "1")
        assert (await computed(kernel)).endswith(" 499500")
        assert len(daemons(running, "worker.Worker")) == 1
    assert await running.suspend() == 0
    assert members(running.name) == []


@pytest.mark.long  # a minute and a half, of which most is Spark's own waiting
async def test_a_master_and_a_worker_that_are_killed_are_there_again(start: Start) -> None:
    running = await awake(start)
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        assert (await computed(kernel)).endswith(" 499500")
        [master], [worker] = daemons(running, "master.Master"), daemons(running, "worker.Worker")
        for process in (master, worker):
            process.send_signal(signal.SIGKILL)
        await until(lambda: daemons(running, "master.Master") not in ([], [master]), "there is another master")
        await until(lambda: daemons(running, "worker.Worker") not in ([], [worker]), "there is another worker")
        assert (await computed(kernel)).endswith(" 499500")
    assert await running.suspend() == 0


@pytest.mark.long
async def test_a_cluster_is_closed_to_others_and_there_again_after_a_sleep(start: Start, tmp_path: Path) -> None:
    running = await awake(start)
    await is_closed_to_others(running, tmp_path)
    assert await running.suspend() == 0
    running = await awake(start, 2)
    await until_alive(running)
    assert await running.suspend() == 0


async def until_alive(running: Running) -> None:
    state = running.run / "spark/cluster/state.json"
    await until(lambda: state.exists() and '"alive": 1' in state.read_text(), "the master knows its worker")


async def is_closed_to_others(running: Running, tmp_path: Path) -> None:
    """Nobody without the session's word sees the master's pages, or becomes one of its workers."""
    settings = (running.run / "spark/cluster/settings.json").read_text()
    await until_alive(running)
    async with httpx.AsyncClient(timeout=WAIT) as outside:
        told = httpx.Response(200, text=settings).json()
        for path in ("/", "/json/", "/app/kill/", "/driver/kill/"):
            answer = await outside.get(f"http://127.0.0.1:{told['pages_port']}{path}")
            assert answer.status_code in {401, 403}, path
    word = "0" * 64
    (tmp_path / "foreign").mkdir()
    defaults = f"spark.authenticate true\nspark.authenticate.secret {word}\nspark.network.crypto.enabled true\n"
    (tmp_path / "foreign/spark-defaults.conf").write_text(defaults)
    code = "import importlib.util as u; print(u.find_spec('pyspark').submodule_search_locations[0])"
    home = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    environ = {**os.environ, "SPARK_HOME": home, "SPARK_CONF_DIR": str(tmp_path / "foreign"), "SPARK_SCALA_VERSION": "2.13"}
    log = tmp_path / "worker.log"
    command = [f"{home}/bin/spark-class", "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--webui-port", "0"]
    with log.open("w") as file:
        other = await asyncio.create_subprocess_exec(
            *command, "--work-dir", str(tmp_path), f"spark://127.0.0.1:{told['port']}", stdout=file, stderr=file, env=environ
        )
        try:
            await until(lambda: "Failed to connect to master" in log.read_text(), "the worker was refused")
        finally:
            other.kill()
            await other.wait()
    assert "Successfully registered" not in log.read_text()


async def test_without_a_cluster_the_command_says_what_to_do(start: Start) -> None:
    running = start(interface=interface("jupyterlab"), spark={"mode": "local", "memory": 2**29, "cores": 1})
    await running.until_state("ready")
    async with running.kernel(await running.new_kernel("python3")) as kernel:
        assert "Start an environment whose `spark` has `mode: standalone`." in await workers(kernel, "2")
