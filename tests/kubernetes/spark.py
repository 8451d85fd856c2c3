"""A session with executors at work, as tests of Spark and of nodes use it."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .cluster import Cluster
from .hub import NAMESPACE, Hub, gone, pods

#: A driver that waits with its executors, until it is killed.
WAIT = """
from pyspark.sql import SparkSession
import time
spark = SparkSession.builder.config("spark.dynamicAllocation.minExecutors", "2").getOrCreate()
spark.range(1000).repartition(4).count()
print("READY", flush=True)
time.sleep(600)
"""


def executors(cluster: Cluster, session: str) -> list[dict[str, Any]]:
    return [one for one in pods(cluster, session) if one["metadata"]["labels"]["rsparkhub/component"] == "executor"]


def running(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in found if one["status"]["phase"] == "Running"]


def until(what: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return found


@contextmanager
def computing(hub: Hub, cluster: Cluster, *, before: Callable[[], None] = lambda: None) -> Iterator[str]:
    """Give a session whose driver waits with two executors; `before` is done when it runs, and has none yet."""
    session = hub.start("spark")
    before()
    command = cluster.command("-n", NAMESPACE, "exec", f"rspark-{session}-1", "--", "/opt/rspark/bin/python", "-uc", WAIT)
    environ = ["env", "SPARK_CONF_DIR=/run/rspark/spark/conf", "SPARK_HOME=/opt/spark", "PYSPARK_PYTHON=/opt/rspark/bin/python"]
    command[command.index("--") + 1 : command.index("--") + 1] = environ
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert driver.stdout is not None
    said = []
    for line in driver.stdout:
        said.append(line)
        if line == "READY\n":
            break
    assert said[-1] == "READY\n", said
    assert len(running(executors(cluster, session))) == 2
    try:
        yield session
    finally:
        driver.kill()
        driver.wait()
        hub.delete(session)
        gone(cluster, session)
