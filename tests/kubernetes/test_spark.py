"""Spark on Kubernetes: executors are pods that a session asks for, of its own alone, and that end with it."""

import copy
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.objects.names import account_name
from rsparkhub.settings.placement import Placement, Toleration

from .cluster import Cluster
from .hub import NAMESPACE, Hub, gone, pods
from .processes import in_pod
from .spark import computing, executors, running, until

pytestmark = [pytest.mark.timeout(900)]

#: Some 100 MB of Parquet in the home, written by hand so that the driver needs no executor for it.
WRITE = """
import numpy, pyarrow, pyarrow.parquet, pathlib
folder = pathlib.Path.home() / "big.parquet"
folder.mkdir()
for number in range(4):
    some = numpy.random.default_rng(number)
    table = pyarrow.table({"key": some.integers(0, 10, 2_900_000), "value": some.random(2_900_000)})
    pyarrow.parquet.write_table(table, folder / f"{number}.parquet", row_group_size=700_000)
print(sum(path.stat().st_size for path in folder.iterdir()))
"""
#: Where each part was computed, and the sum of a whole number that is known.
JOB = """
from pyspark.sql import SparkSession
import socket, time
spark = SparkSession.builder.getOrCreate()
rows = spark.read.parquet("big.parquet")
def where(batches):
    import pandas
    time.sleep(5)  # long enough for a second executor to be asked for
    yield pandas.DataFrame({"host": [socket.gethostname()], "rows": [sum(len(batch) for batch in batches)]})
found = rows.repartition(8).mapInPandas(where, "host string, rows long").groupBy("host").sum("rows").collect()
print("HOSTS", len(found), sum(row[1] for row in found))
print("COUNT", rows.count(), rows.groupBy("key").count().count())
"""


def test_a_job_over_a_large_file_runs_on_two_executors(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("spark")
    assert int(hub.run(session, "python", "-c", WRITE)) > 100 * 10**6
    said = hub.run(session, "python", "-c", JOB, within=400)
    assert "HOSTS 2 11600000" in said
    assert "COUNT 11600000 10" in said
    until(lambda: not running(executors(namespace, session)))
    hub.do("stop", session)
    gone(namespace, session)
    hub.delete(session)


@pytest.fixture
def at_work(hub: Hub, namespace: Cluster) -> Iterator[str]:
    """A session with two executors."""
    with computing(hub, namespace) as session:
        yield session


def test_no_executor_outlives_a_driver_that_is_killed(at_work: str, namespace: Cluster) -> None:
    for one in in_pod(at_work, "SparkSubmit"):
        one.kill()
    until(lambda: not running(executors(namespace, at_work)))


def test_no_executor_outlives_an_agent_that_is_killed(at_work: str, namespace: Cluster) -> None:
    min(in_pod(at_work, "rspark_session.agent"), key=lambda one: one.create_time()).kill()
    until(lambda: not executors(namespace, at_work))


def test_no_executor_outlives_a_pod_that_is_deleted_by_force(at_work: str, namespace: Cluster) -> None:
    namespace("-n", NAMESPACE, "delete", "pod", f"rspark-{at_work}-1", "--force", "--grace-period=0", "--wait=false")
    until(lambda: not executors(namespace, at_work))


def test_no_executor_outlives_a_session_that_sleeps(at_work: str, hub: Hub, namespace: Cluster) -> None:
    hub.do("suspend", at_work)
    assert hub.show(at_work)["last_exit"]["code"] == 0
    gone(namespace, at_work)


def test_no_executor_outlives_its_session_while_no_controller_runs(at_work: str, hub: Hub, namespace: Cluster) -> None:
    """Nobody of ours is needed for that: what an executor hangs on is the pod of its session."""
    controller = json.loads((hub.data / "lock").read_text())["processes"]["controller"][0]
    os.kill(controller, signal.SIGSTOP)  # one that is killed would be started again at once
    try:
        namespace("-n", NAMESPACE, "delete", "pod", f"rspark-{at_work}-1", "--wait=false")
        until(lambda: not running(executors(namespace, at_work)))
    finally:
        os.kill(controller, signal.SIGKILL)
    until(lambda: not executors(namespace, at_work))


@contextmanager
def runtime_class(cluster: Cluster, name: str) -> Iterator[None]:
    """Have a RuntimeClass of which no pod is made."""
    found = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": "none"}
    cluster.apply(found)
    try:
        yield
    finally:
        cluster("delete", "runtimeclass", name)


@contextmanager
def priority_class(cluster: Cluster, name: str) -> Iterator[None]:
    """Have a PriorityClass."""
    found = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 7}
    cluster.apply(found)
    try:
        yield
    finally:
        cluster("delete", "priorityclass", name)


#: Where a session runs, and what an executor of it says that runs there too.
PLACED = Placement(
    node_selector={"example.org/Pool": "A_1"},
    tolerations=(Toleration(key="gpu", operator="Equal", value="Big.1", effect="NoSchedule"), Toleration(key="example.org/lent")),
    priority_class="high.er",
    runtime_class="sand-box",
)
SAME: dict[str, Any] = {
    "nodeSelector": {"example.org/Pool": "A_1"},
    "tolerations": [toleration.as_in_a_pod() for toleration in PLACED.tolerations],
    "priorityClassName": "high.er",
    "runtimeClassName": "sand-box",
}
SANDBOX, TAINTS, NODES = "in the same sandbox as its session", "tolerates no taints but", "its environment's node_selector names"
#: What is changed of that, and what the API server says.
PLACES: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda spec: None, "made"),
    (lambda spec: (spec.pop("tolerations"), spec.pop("priorityClassName")), "made"),
    (lambda spec: spec.pop("runtimeClassName"), SANDBOX),
    (lambda spec: spec.pop("nodeSelector"), NODES),
    (lambda spec: spec.update(nodeSelector={"example.org/pool": "a_1"}), NODES),
    (lambda spec: spec["nodeSelector"].update({"kubernetes.io/hostname": "node-1"}), NODES),
    (lambda spec: spec["tolerations"][0].update(value="big.1"), TAINTS),
    (lambda spec: spec["tolerations"][0].pop("effect"), TAINTS),
    (lambda spec: spec["tolerations"][1].update(effect="NoExecute"), TAINTS),
    (lambda spec: spec["tolerations"][1].update(key="lent"), TAINTS),
    (lambda spec: spec["tolerations"].append({"operator": "Exists"}), TAINTS),
    (lambda spec: spec.update(priorityClassName="system-node-critical"), "no node or priority of its choice"),
]


class TestWhatADriverMayNot:
    """What a curious student tries with the account of their session, and what the API server says."""

    def test_everything_but_its_own_executors_is_refused(self, hub: Hub, namespace: Cluster) -> None:
        session, other = hub.start("spark"), hub.start("shell")
        me = f"rspark-{session}-1"
        account = f"system:serviceaccount:{NAMESPACE}:{pods(namespace, session)[0]['spec']['serviceAccountName']}"
        uid = pods(namespace, session)[0]["metadata"]["uid"]

        def tries(change: Callable[[dict[str, Any]], object], account: str = account) -> str:
            pod = json.loads(hub.run(session, "cat", "/run/rspark/spark/conf/executor.json"))
            pod["metadata"] |= {
                "name": f"{me}-1-exec-1",
                "namespace": NAMESPACE,
                "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": me, "uid": uid, "controller": True}],
            }
            pod["spec"]["containers"][0] |= {"image": "localhost/rsparkhub/spark:dev", "command": ["true"]}
            change(pod)
            groups = ["--as-group", "system:authenticated", "--as-group", f"system:serviceaccounts:{NAMESPACE}"]
            command = namespace.command("--as", account, *groups, "create", "--dry-run=server", "-f", "-")
            done = subprocess.run(command, input=json.dumps(pod), capture_output=True, text=True, check=False)
            return done.stderr.strip() if done.returncode else "made"

        def container(pod: dict[str, Any]) -> dict[str, Any]:
            found: dict[str, Any] = pod["spec"]["containers"][0]
            return found

        def reading(name: str) -> dict[str, Any]:
            return {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": name, "key": "ensemble.json"}}}

        def term(whose: str) -> dict[str, Any]:
            return {"labelSelector": {"matchLabels": {"rsparkhub/session": whose}}, "topologyKey": "kubernetes.io/hostname"}

        def wishes(whose: str) -> dict[str, Any]:
            return {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term(whose)}]}

        def requires(whose: str) -> dict[str, Any]:
            return {"requiredDuringSchedulingIgnoredDuringExecution": [term(whose)]}

        assert tries(lambda pod: None) == "made"
        assert tries(lambda pod: pod["spec"].update(affinity={"podAntiAffinity": wishes(session)})) == "made"
        assert tries(lambda pod: container(pod).update(env=[reading(me)])) == "made"
        labels = "An executor has the labels of its own session."
        refused = {
            labels: [
                lambda pod: pod["metadata"]["labels"].update({"rsparkhub/session": other}),
                lambda pod: pod["metadata"]["labels"].update({"rsparkhub/component": "session"}),
                lambda pod: pod["metadata"]["labels"].update({"rsparkhub/egress": "standard"}),
                lambda pod: pod["metadata"].update(labels={}),
                lambda pod: pod["metadata"]["labels"].pop("rsparkhub/policies"),
            ],
            "An executor reaches the services of its own session.": [
                lambda pod: pod["metadata"]["labels"].update({"rsparkhub/uses-postgres": "true"}),
                lambda pod: pod["metadata"]["labels"].update({"rsparkhub/uses-uses": "true"}),
                lambda pod: pod["metadata"]["labels"].update({"rsparkhub/service": "postgres"}),
            ],
            "An executor's name begins with that of its session's pod.": [
                lambda pod: pod["metadata"].update(name=f"rspark-{other}-1-exec-1"),
            ],
            "An executor is owned by its session's pod and ends with it.": [
                lambda pod: pod["metadata"].update(ownerReferences=[]),
                lambda pod: pod["metadata"].update(finalizers=["any/thing"]),
                lambda pod: pod["metadata"]["ownerReferences"][0].update(apiVersion="nowhere.example/v1"),
                lambda pod: pod["spec"].update(terminationGracePeriodSeconds=10**8),
            ],
            "An executor has no devices.": [
                lambda pod: container(pod).update(resources={"limits": {"nvidia.com/gpu": "1"}}),
                lambda pod: container(pod).update(
                    resources={"requests": {"hugepages-2Mi": "2Mi"}, "limits": {"hugepages-2Mi": "2Mi"}}
                ),
                lambda pod: pod["spec"].update(resourceClaims=[{"name": "gpu", "resourceClaimName": "gpu"}]),
            ],
            "An executor has no probes and no hooks.": [
                lambda pod: container(pod).update(livenessProbe={"tcpSocket": {"port": 80}}),
                lambda pod: container(pod).update(lifecycle={"preStop": {"exec": {"command": ["true"]}}}),
            ],
            "An executor has no account.": [
                lambda pod: pod["spec"].update(serviceAccountName=account.rpartition(":")[2]),
                lambda pod: pod["spec"].update(automountServiceAccountToken=True),
            ],
            "An executor has no volumes but": [
                lambda pod: pod["spec"].update(volumes=[{"name": "a", "secret": {"secretName": f"rspark-{other}-1"}}]),
                lambda pod: pod["spec"].update(volumes=[{"name": "a", "persistentVolumeClaim": {"claimName": "home-ada"}}]),
            ],
            "An executor reads no secrets but its own session's.": [
                lambda pod: container(pod).update(env=[reading(f"rspark-{other}-1")]),
                lambda pod: container(pod).update(env=[reading(me), reading(f"rspark-{other}-1")]),
                lambda pod: container(pod).update(envFrom=[{"secretRef": {"name": f"rspark-{other}-1"}}]),
            ],
            "An executor runs the image": [lambda pod: container(pod).update(image="other/image:1")],
            "An executor has nothing of its node": [
                lambda pod: pod["spec"].update(nodeName="node-1"),
                lambda pod: pod["spec"].update(priorityClassName="system-node-critical"),
            ],
            "An executor tolerates no taints but those that its environment's tolerations name.": [
                lambda pod: pod["spec"].update(tolerations=[{"operator": "Exists"}]),
                lambda pod: pod["spec"].update(tolerations=[{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]),
                lambda pod: pod["spec"].update(
                    tolerations=[{"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}]
                ),
            ],
            "An executor runs on the nodes that its environment's node_selector names, and chooses none among them.": [
                lambda pod: pod["spec"].update(nodeSelector={"kubernetes.io/hostname": "node-1"}),
                lambda pod: pod["spec"].update(schedulerName="another"),
                lambda pod: pod["spec"].update(
                    topologySpreadConstraints=[
                        {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
                    ]
                ),
            ],
            "An executor has no affinity but the wish to be apart from its own session.": [
                lambda pod: pod["spec"].update(affinity={"nodeAffinity": {}}),
                lambda pod: pod["spec"].update(affinity={"podAffinity": wishes(session)}),
                lambda pod: pod["spec"].update(affinity={"podAntiAffinity": wishes(other)}),
                lambda pod: pod["spec"].update(affinity={"podAntiAffinity": requires(session)}),
            ],
        }
        for sentence, changes in refused.items():
            for change in changes:
                assert sentence in tries(change)
        for change in (
            lambda pod: pod["spec"].update(hostNetwork=True),
            lambda pod: pod["spec"].update(volumes=[{"name": "a", "hostPath": {"path": "/"}}]),
            lambda pod: container(pod)["securityContext"].update(privileged=True, allowPrivilegeEscalation=True),
            lambda pod: pod["spec"]["securityContext"].update(runAsUser=0, runAsNonRoot=False),
        ):
            assert "forbidden" in tries(change)
        with runtime_class(namespace, "sand-box"), priority_class(namespace, "high.er"):
            where = f"system:serviceaccount:{NAMESPACE}:{account_name(EnsembleRef(session, 1), 'ada', (), PLACED)}"
            for change_of_place, said in PLACES:
                place = copy.deepcopy(SAME)
                change_of_place(place)
                assert said in tries(lambda pod, place=place: pod["spec"].update(place), where), place
            assert SANDBOX in tries(lambda pod: pod["spec"].update(runtimeClassName="sand-box"))
            before = f"system:serviceaccount:{NAMESPACE}:{me}.ada.runtime-sand-1box.priority.uses"  # of the version before
            assert tries(lambda pod: pod["spec"].update(SAME | {"priorityClassName": ""}), before) == "made"
            assert SANDBOX in tries(lambda pod: None, before)
        asked = ["--as", account, "--as-group", f"system:serviceaccounts:{NAMESPACE}", "-n", NAMESPACE]
        for words in (
            ["delete", "pod", f"rspark-{other}-1"],
            ["delete", "pod", me],
            ["exec", f"rspark-{other}-1", "--", "true"],
            ["get", "secret", f"rspark-{other}-1"],
            ["get", "secrets"],
            ["get", "persistentvolumeclaims"],
            ["get", "nodes"],
            ["create", "serviceaccount", "another"],
            ["label", "pod", me, "rsparkhub/user=other", "--overwrite"],
        ):
            done = subprocess.run(namespace.command(*asked, *words), capture_output=True, text=True, check=False)
            assert done.returncode != 0, words
            assert "orbidden" in done.stderr, (words, done.stderr)
        for one in (session, other):
            hub.delete(one)

    def test_a_session_without_spark_has_no_account_at_all(self, hub: Hub) -> None:
        session = hub.start("shell")
        said = hub.run(session, "bash", "-c", "ls /var/run/secrets/kubernetes.io 2>&1 || true")
        assert said.endswith("No such file or directory\n")
        hub.delete(session)
