"""A hub of this machine whose sessions are pods, and what tests ask of it and of the API server."""

import json
import os
import time
from collections.abc import Callable
from typing import Any

import httpx
import yaml

from tests.installation import Installation
from tests.kernels import RemoteKernel

from .cluster import Cluster

NAMESPACE = "rspark-sessions"
IMAGE = "localhost/rsparkhub/session:dev"


def environment(name: str, **spec: Any) -> str:
    small = {"resources": {"cpu": 1, "memory": "1Gi"}, "home": {"size": "1Gi"}, "lifecycle": {"grace": "30s"}}
    return yaml.safe_dump(
        {
            "apiVersion": "rsparkhub/v1",
            "kind": "Environment",
            "metadata": {"name": name, "title": name.capitalize()},
            "spec": {"interface": "terminal", "image": IMAGE, "kernels": ["bash"], **small, **spec},
        }
    )


ENVIRONMENTS = {
    "shell": environment("shell"),
    "lab": environment("lab", interface="jupyterlab", kernels=["r", "python"], services={"postgres": {"scope": "shared"}}),
    "huge": environment("huge", resources={"cpu": 512, "memory": "1Gi"}),
    "greedy": environment("greedy", resources={"cpu": 1, "memory": "200Mi"}),
    "nowhere": environment("nowhere", image="localhost/rsparkhub/nowhere:1"),
    "misspelt": environment("misspelt", image="Not An Image"),
    "picky": environment("picky", kubernetes={"node_selector": {"kind": "none"}}),
    "spark": environment(
        "spark",
        resources={"cpu": 1, "memory": "3Gi"},
        kernels=["r", "python"],
        services={"spark": {"mode": "kubernetes", "workers": 0, "max": 2, "memory": "512Mi"}},
    ),
    "workers": environment(
        "workers",
        resources={"cpu": 1, "memory": "3Gi"},
        kernels=["r", "python"],
        services={"spark": {"mode": "standalone", "workers": 1, "max": 2, "memory": "512Mi"}},
    ),
    "closed": environment("closed", kubernetes={"egress": []}),
    "files": environment(
        "files",
        resources={"cpu": 1, "memory": "2Gi"},
        kernels=["r", "python"],
        services={"hdfs": {"scope": "shared", "quota": "2Gi"}, "spark": {"mode": "local", "memory": "512Mi"}},
    ),
    "tables": environment(
        "tables",
        resources={"cpu": 2, "memory": "3Gi"},
        kernels=["r", "python"],
        services={
            "postgres": {"scope": "shared"},
            "hdfs": {"scope": "shared", "quota": "2Gi"},
            "spark": {"mode": "local", "memory": "512Mi"},
            "hive": {"scope": "shared"},
            "mapreduce": {"mode": "local"},
            "s3": {"scope": "shared"},
        },
    ),
    "objects": environment("objects", kernels=["r", "python"], services={"s3": {"scope": "shared"}}),
}


class Hub(Installation):
    """A hub of this machine whose sessions are pods."""

    def start(self, name: str, *, wait: bool = True) -> str:
        done = self.command("session", "start", name, "--json", *(["--wait"] if wait else []), within=240)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(json.loads(done.stdout)["id"])

    def do(self, what: str, session: str) -> None:
        done = self.command("session", what, session, "--wait", within=240)
        assert done.returncode == 0, done.stdout + done.stderr

    def show(self, session: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.command("session", "show", session, "--json").stdout)
        return found

    def until(self, session: str, good: Callable[[dict[str, Any]], bool], *, seconds: float = 120) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while not good(seen := self.show(session)):
            assert time.monotonic() < deadline, json.dumps(seen)
            time.sleep(0.2)
        return seen

    def run(self, session: str, *words: str, within: float = 120) -> str:
        done = self.command("session", "exec", session, "--", *words, within=within)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def r(self, session: str, code: str) -> str:
        """Run a line in the session's R, the one that is there or a new one; give what it prints."""
        url, headers = f"{self.address}/s/{session}", {"Authorization": f"Bearer {self.token}"}
        listed = httpx.get(f"{url}/api/kernels", headers=headers, timeout=60).raise_for_status().json()
        with RemoteKernel(url, headers, kernel_id=listed[0]["id"] if listed else None) as kernel:
            return kernel.run(code).text

    def as_person(self, name: str) -> "Hub":
        """Give the same hub as somebody else sees it, added where they are not known yet."""
        with self.client() as client:
            client.post("/hub/api/users", json={"name": name, "password": f"password of {name}"})
            said = client.post("/hub/api/login", json={"name": name, "password": f"password of {name}"}).raise_for_status()
        return Person(self, name, said.json()["token"])

    def delete(self, session: str) -> None:
        with self.client() as client:
            client.delete(f"/hub/api/sessions/{session}")
        deadline = time.monotonic() + 60
        while self.command("session", "show", session).returncode == 0:
            assert time.monotonic() < deadline
            time.sleep(0.1)


class Person(Hub):
    """A hub as one of its people uses it."""

    def __init__(self, hub: Hub, name: str, token: str) -> None:
        environ = hub.environ | {"RSPARKHUB_URL": hub.address, "RSPARKHUB_TOKEN": token}
        super().__init__(hub.data, port=hub.port, environ=environ)
        self.name = name

    @property
    def token(self) -> str:
        return self.environ["RSPARKHUB_TOKEN"]


def settings(cluster: Cluster) -> dict[str, str]:
    return os.environ | {
        "RSPARKHUB_BACKEND": "kubernetes",
        "RSPARKHUB_KUBERNETES__KUBECONFIG": str(cluster.kubeconfig),
        "RSPARKHUB_KUBERNETES__SERVICE_IMAGE": IMAGE,
        "RSPARKHUB_KUBERNETES__SPARK_IMAGE": "localhost/rsparkhub/spark:dev",
        "RSPARKHUB_KUBERNETES__CPU_REQUESTS": "0.1",
        "RSPARKHUB_KUBERNETES__MEMORY_REQUESTS": "0.25",
        "RSPARKHUB_KUBERNETES__HOME_ON_EXECUTORS": "true",
        "RSPARKHUB_SWEEP_EVERY": "5s",
        "RSPARKHUB_LOOK_EVERY": "2s",
        "RSPARKHUB_KUBERNETES__LOST_NODE": "10s",
    }


def pods(cluster: Cluster, session: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cluster.get("-n", NAMESPACE, "pods", "-l", f"rsparkhub/session={session}")["items"]
    return found


def gone(cluster: Cluster, session: str) -> None:
    """Wait until nothing of a session is left but its person's home."""
    deadline = time.monotonic() + 60
    kinds = "pods,secrets,services,serviceaccounts,networkpolicies,configmaps"
    while left := cluster("-n", NAMESPACE, "get", kinds, "-l", f"rsparkhub/session={session}", "-o", "name"):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)
