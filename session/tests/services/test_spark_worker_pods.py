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
    """Pods of one namespace. `most` are allowed by a quota; those that are deleted stay until their node ended them.

    `asked` is which of its lists were asked for: what there is, or what it remembers, which may be `old`.
    """

    def __init__(self, most: int = 100) -> None:
        self.most = most
        self.found: dict[str, dict[str, Any]] = {}
        self.old: list[dict[str, Any]] | None = None
        self.asked: list[str] = []

    def uid(self, name: str) -> str:
        return f"uid of {name}"

    def labelled(self, labels: Mapping[str, str], *, cached: bool) -> Sequence[dict[str, Any]]:
        self.asked.append("remembered" if cached else "there is")
        if cached and self.old is not None:
            return self.old
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
    workers.have(3, 3)
    assert pods.living == ["worker-1", "worker-2", "worker-3"]
    assert {pod["metadata"]["ownerReferences"][0]["uid"] for pod in pods.found.values()} == {"uid of rspark-a-1"}
    workers.have(1, 1)
    assert pods.living == ["worker-1"]
    workers.have(2, 2)
    assert pods.living == ["worker-1", "worker-4"]
    assert workers.problem == ""
    workers.ask_to_end()
    assert pods.living == []


def test_the_api_server_is_asked_seldom_once_all_run(passes: Callable[[float], None]) -> None:
    pods = Kept()
    workers = WorkerPods(TEMPLATE, pods)
    for _ in range(5):
        workers.have(2, 0)
    assert pods.asked == ["there is"]
    for _ in range(5):  # they run, and the master doesn't know them yet
        passes(3)
        workers.have(2, 1)
    assert pods.asked == ["there is"] * 6
    pods.asked.clear()
    for _ in range(1200):  # an hour
        passes(3)
        workers.have(2, 2)
    assert len(pods.asked) == 120
    assert set(pods.asked) == {"remembered"}


def test_a_worker_that_has_yet_to_start_is_looked_at_often(passes: Callable[[float], None]) -> None:
    pods = Kept()
    workers = WorkerPods(TEMPLATE, pods)
    workers.have(1, 1)
    pods.found["rspark-a-1-worker-1"]["status"]["phase"] = "Pending"
    for _ in range(5):
        passes(3)
        workers.have(1, 1)
    assert pods.asked == ["there is"] * 6


@pytest.mark.parametrize("alive", [0, 1])
def test_at_rest_another_number_and_a_worker_that_the_master_misses_are_acted_on_at_once(
    passes: Callable[[float], None], alive: int
) -> None:
    pods = Kept()
    workers = WorkerPods(TEMPLATE, pods)
    for _ in range(3):
        workers.have(1, 1)
        passes(3)
    workers.have(3, 1)
    assert pods.living == ["worker-1", "worker-2", "worker-3"]
    for _ in range(3):
        passes(3)
        workers.have(3, 3)
    del pods.found["rspark-a-1-worker-2"]
    passes(3)
    workers.have(3, alive)
    assert pods.living == ["worker-1", "worker-3", "worker-4"]


def test_nothing_is_made_or_deleted_by_what_the_server_remembers(passes: Callable[[float], None]) -> None:
    pods = Kept()
    workers = WorkerPods(TEMPLATE, pods)
    for _ in range(3):
        workers.have(2, 2)
        passes(3)
    pods.old = []
    passes(30)
    workers.have(2, 2)
    assert pods.asked[-2:] == ["remembered", "there is"]
    assert pods.living == ["worker-1", "worker-2"]


def test_a_worker_that_ends_or_vanishes_is_replaced_and_after_pauses_that_grow(passes: Callable[[float], None]) -> None:
    pods = Kept()
    workers = WorkerPods(TEMPLATE, pods)
    workers.have(1, 1)
    del pods.found["rspark-a-1-worker-1"]
    passes(3)
    workers.have(1, 1)
    assert pods.living == ["worker-2"]
    killed = {"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}
    pods.found["rspark-a-1-worker-2"]["status"] = {"phase": "Failed", "containerStatuses": [killed]}
    passes(3)
    workers.have(1, 1)
    assert workers.problem == "Spark's worker 2 ended by itself (OOMKilled, with the code 137); another is made."
    passes(3)
    workers.have(1, 1)
    assert pods.living == ["worker-3"]
    assert workers.problem == ""
    pods.found["rspark-a-1-worker-3"]["status"]["phase"] = "Failed"
    passes(3)
    workers.have(1, 1)
    passes(1)
    workers.have(1, 1)
    assert pods.living == []  # the second pause is longer
    passes(3)
    workers.have(1, 1)
    assert pods.living == ["worker-4"]


def test_what_the_cluster_refuses_is_told_and_asked_for_again(passes: Callable[[float], None]) -> None:
    pods = Kept(most=2)
    workers = WorkerPods(TEMPLATE, pods)
    workers.have(3, 3)
    assert pods.living == ["worker-1", "worker-2"]
    assert workers.problem.startswith("The cluster refuses a worker: exceeded quota")
    pods.most = 3
    passes(3)
    workers.have(3, 3)
    assert pods.living == ["worker-1", "worker-2", "worker-3"]
    assert workers.problem == ""


def test_a_worker_without_a_place_is_told(passes: Callable[[float], None]) -> None:
    pods = Kept()
    workers = WorkerPods(TEMPLATE, pods)
    workers.have(1, 1)
    waits = {"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available: 2 Insufficient memory."}
    pods.found["rspark-a-1-worker-1"]["status"] = {"phase": "Pending", "conditions": [waits]}
    passes(3)
    workers.have(1, 1)
    assert workers.problem == ("Spark's worker 1 has no place on the cluster: 0/2 nodes are available: 2 Insufficient memory.")


def test_a_supervisor_that_starts_again_keeps_the_workers_there_are(passes: Callable[[float], None]) -> None:
    pods = Kept()
    WorkerPods(TEMPLATE, pods).have(2, 2)
    again = WorkerPods(TEMPLATE, pods)
    again.have(3, 3)
    assert pods.living == ["worker-1", "worker-2", "worker-3"]
