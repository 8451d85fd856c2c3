"""A master of the session's own, whose workers are pods on other nodes: made, counted, closed, replaced and ended with it."""

import re
from pathlib import Path
from typing import Any

import psutil
import pytest

from .cluster import Cluster
from .hub import NAMESPACE, Hub, gone
from .reaching import reaches
from .spark import executors, running, until

pytestmark = [pytest.mark.timeout(3600)]

#: Where a job is computed, while workers come and go.
JOB = """
import socket, subprocess, time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
def hosts():
    rdd = spark.sparkContext.parallelize(range(8), 8)  # Spark asks for another executor when tasks have waited for a second
    return sorted(set(rdd.map(lambda _: (time.sleep(0.5), socket.gethostname())[1]).collect()))
def workers(number):
    for _ in range(5):  # the command itself waits two minutes at a time, and then says what keeps workers away
        asked = subprocess.run(["spark-workers", number], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print(asked.stdout, flush=True)
        if asked.returncode == 0:
            return
    raise SystemExit(f"There are not {number} workers: {asked.stdout}")
print("AT FIRST", *hosts())
workers("2")
deadline = time.monotonic() + 600
while len(found := hosts()) < 2:
    if time.monotonic() > deadline:
        raise SystemExit(f"Nothing is computed beside {found}.")
print("WITH ONE MORE", *found)
workers("1")
print("WITH ONE LESS", *hosts())
"""
#: Somebody in the session's own pod, who reaches the master, and has another word.
FOREIGN = """
mkdir -p /tmp/foreign && cd /tmp/foreign && printf '%s\\n' 'spark.authenticate true' 'spark.network.crypto.enabled true' \
  "spark.authenticate.secret $(printf %064d 0)" >spark-defaults.conf
SPARK_CONF_DIR=/tmp/foreign "$SPARK_HOME/bin/spark-class" org.apache.spark.deploy.worker.Worker --host "$(hostname -i)" \
  --webui-port 0 --work-dir /tmp/foreign MASTER >log 2>&1 &
until grep -m 1 -oE 'Failed to connect to master|Successfully registered' log; do kill -0 $! || exit; sleep 0.2; done
kill $!
"""


def workers_of(cluster: Cluster, session: str) -> list[dict[str, Any]]:
    """Return the workers' pods that run and that nobody has deleted."""
    return [one for one in running(executors(cluster, session)) if "deletionTimestamp" not in one["metadata"]]


def names(found: list[dict[str, Any]]) -> list[str]:
    return [one["metadata"]["name"] for one in found]


def process_of(worker: dict[str, Any]) -> psutil.Process:
    """Return a worker's daemon as this machine sees it: all nodes are this machine."""
    mark = f"deploy.worker.Worker --host {worker['status']['podIP']} "
    [found] = [one for one in psutil.process_iter(["cmdline"]) if mark in " ".join(one.info["cmdline"] or [])]
    return found


def ports(daemon: psutil.Process) -> list[int]:
    """Return where a program listens in its own network, its loopback aside."""
    rows = [line.split() for line in Path(f"/proc/{daemon.pid}/net/tcp6").read_text().splitlines()[1:]]
    found = [row[1].rpartition(":") for row in rows if row[3] == "0A"]
    return [int(port, 16) for address, _, port in found if not address.endswith("0100007F")]


def until_ready(hub: Hub, session: str, number: int) -> None:
    """Ask for so many workers until they are ready; the command itself waits two minutes at a time."""
    command = ("session", "exec", session, "--", "spark-workers", str(number))
    until(lambda: f"{number} of {number} workers are ready" in hub.command(*command, within=240).stdout, 300)


def test_workers_are_pods_of_the_session_alone_from_its_start_to_its_end(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("workers")
    me = f"rspark-{session}-1"
    until_ready(hub, session, 1)
    [worker] = workers_of(namespace, session)
    assert worker["metadata"]["name"] == f"{me}-worker-1"
    is_elsewhere_where_there_is_a_second_node(namespace, worker, me)

    said = hub.run(session, "python", "-c", JOB, within=2000)
    assert f"AT FIRST {me}-worker-1\n" in said
    assert f"WITH ONE MORE {me}-worker-1 {me}-worker-2\n" in said
    assert f"WITH ONE LESS {me}-worker-1\n" in said
    until(lambda: names(executors(namespace, session)) == [f"{me}-worker-1"])

    is_closed_to_others(hub, session, worker)

    process_of(worker).kill()
    until(lambda: names(workers_of(namespace, session)) == [f"{me}-worker-3"])
    until_ready(hub, session, 1)

    hub.do("suspend", session)
    assert hub.show(session)["last_exit"]["code"] == 0
    gone(namespace, session)
    hub.do("resume", session)
    until_ready(hub, session, 1)
    assert names(workers_of(namespace, session)) == [f"rspark-{session}-2-worker-1"]
    hub.delete(session)
    gone(namespace, session)


def is_elsewhere_where_there_is_a_second_node(cluster: Cluster, worker: dict[str, Any], me: str) -> None:
    open_nodes = [one for one in cluster.get("nodes")["items"] if not one["spec"].get("taints")]
    mine = cluster.get("-n", NAMESPACE, "pod", me)["spec"]["nodeName"]
    assert (worker["spec"]["nodeName"] == mine) == (len(open_nodes) == 1)


def is_closed_to_others(hub: Hub, session: str, worker: dict[str, Any]) -> None:
    """Another person's session reaches neither master nor worker; who reaches them and has another word is no worker."""
    daemon = process_of(worker)
    master = daemon.cmdline()[-1]
    parts = re.fullmatch(r"spark://([^:]+):(\d+)", master)
    assert parts is not None
    [own] = ports(daemon)
    eve = hub.as_person("eve")
    other = eve.start("shell")
    for host, port in ((parts[1], int(parts[2])), (worker["status"]["podIP"], own)):
        assert reaches(hub, session, host, port)
        assert not reaches(eve, other, host, port)
    eve.delete(other)
    assert hub.run(session, "bash", "-c", FOREIGN.replace("MASTER", master), within=200) == "Failed to connect to master\n"
