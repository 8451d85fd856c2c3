"""Workers that are pods: as many as are wanted, replaced when they end, and told of when the cluster has none to give.

The API server here is a stand-in that keeps pods as the documented API does, so that a test can end, refuse and hold them up.
"""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from rspark_session.services.spark.cluster import worker_pods
from rspark_session.services.spark.cluster.pod_api import Refused
from rspark_session.services.spark.cluster.worker_pods import WorkerPods

TEMPLATE = {
    "metadata": {
        "labels": {"rsparkhub/session": "a", "spark-role": "worker"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "rspark-a-1", "controller": True}],
    },
    "spec": {"containers": []},
}


class Kept:
    """Pods of one namespace. `most` are allowed by a quota; those that are deleted stay until their node ended them."""

    def __init__(self, most: int = 100) -> None:
        self.most = most
        self.found: dict[str, dict[str, Any]] = {}
        self.asked = 0

    def uid(self, name: str) -> str:
        return f"uid of {name}"

    def labelled(self, labels: Mapping[str, str]) -> Sequence[dict[str, Any]]:
        self.asked += 1
        return [pod for pod in self.found.values() if labels.items() <= pod["metadata"]["labels"].items()]

    def create(self, pod: Mapping[str, Any]) -> None:
        if len(self.found) >= self.most:
            raise Refused(403, "exceeded quota: rspark, requested: pods=1, used: pods=2, limited: pods=2")
        name = pod["metadata"]["name"]
        if name in self.found:
            raise Refused(409, f'pods "{name}" already exists')
        self.found[name] = {**pod, "metadata": {**pod["metadata"]}, "status": {"phase": "Running"}}

    def delete(self, name: str, *, grace: int) -> None:
        self.found[name]["metadata"]["deletionTimestamp"] = f"in {grace} s"

    @property
    def living(self) -> list[str]:
        living = [name for name, pod in self.found.items() if "deletionTimestamp" not in pod["metadata"]]
        return [name.removeprefix("rspark-a-1-") for name in living]


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass: seconds that nobody waits for."""
    now = [1000.0]
    monkeypatch.setattr(worker_pods, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def passing(seconds: float) -> None:
        now[0] += seconds

    return passing


def test_there_are_as_many_as_are_wanted_and_the_youngest_end_first(passes: Callable[[float], None]) -> None:
    pods = Kept()
    workers = WorkerPods(TEMPLATE, pods)
    workers.have(3)
    assert pods.living == ["worker-1", "worker-2", "worker-3"]
    assert {pod["metadata"]["ownerReferences"][0]["uid"] for pod in pods.found.values()} == {"uid of rspark-a-1"}
    workers.have(1)
    assert pods.living == ["worker-1"]
    workers.have(2)
    assert pods.living == ["worker-1", "worker-4"]
    assert workers.problem == ""
    workers.ask_to_end()
    assert pods.living == []


def test_the_api_server_is_asked_again_after_a_while_alone(passes: Callable[[float], None]) -> None:
    pods = Kept()
    workers = WorkerPods(TEMPLATE, pods)
    for _ in range(5):
        workers.have(1)
    assert pods.asked == 1
    passes(3)
    workers.have(1)
    assert pods.asked == 2


def test_a_worker_that_ends_or_vanishes_is_replaced_and_after_pauses_that_grow(passes: Callable[[float], None]) -> None:
    pods = Kept()
    workers = WorkerPods(TEMPLATE, pods)
    workers.have(1)
    del pods.found["rspark-a-1-worker-1"]
    passes(3)
    workers.have(1)
    assert pods.living == ["worker-2"]
    killed = {"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}
    pods.found["rspark-a-1-worker-2"]["status"] = {"phase": "Failed", "containerStatuses": [killed]}
    passes(3)
    workers.have(1)
    assert workers.problem == "Spark's worker 2 ended by itself (OOMKilled, with the code 137); another is made."
    passes(3)
    workers.have(1)
    assert pods.living == ["worker-3"]
    assert workers.problem == ""
    pods.found["rspark-a-1-worker-3"]["status"]["phase"] = "Failed"
    passes(3)
    workers.have(1)
    passes(1)
    workers.have(1)
    assert pods.living == []  # the second pause is longer
    passes(3)
    workers.have(1)
    assert pods.living == ["worker-4"]


def test_what_the_cluster_refuses_is_told_and_asked_for_again(passes: Callable[[float], None]) -> None:
    pods = Kept(most=2)
    workers = WorkerPods(TEMPLATE, pods)
    workers.have(3)
    assert pods.living == ["worker-1", "worker-2"]
    assert workers.problem.startswith("The cluster refuses a worker: exceeded quota")
    pods.most = 3
    passes(3)
    workers.have(3)
    assert pods.living == ["worker-1", "worker-2", "worker-3"]
    assert workers.problem == ""


def test_a_worker_without_a_place_is_told(passes: Callable[[float], None]) -> None:
    pods = Kept()
    workers = WorkerPods(TEMPLATE, pods)
    workers.have(1)
    waits = {"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available: 2 Insufficient memory."}
    pods.found["rspark-a-1-worker-1"]["status"] = {"phase": "Pending", "conditions": [waits]}
    passes(3)
    workers.have(1)
    assert workers.problem == ("Spark's worker 1 has no place on the cluster: 0/2 nodes are available: 2 Insufficient memory.")


def test_a_supervisor_that_starts_again_keeps_the_workers_there_are(passes: Callable[[float], None]) -> None:
    pods = Kept()
    WorkerPods(TEMPLATE, pods).have(2)
    again = WorkerPods(TEMPLATE, pods)
    again.have(3)
    assert pods.living == ["worker-1", "worker-2", "worker-3"]
