"""What pods of Spark are made of on Kubernetes: executors, for which drivers ask, and workers of the session's own master.

Both have as little as the namespace's standard demands, and no account. They end with the session's pod.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rspark_contract import reading
from rspark_contract.reading import Fields
from rspark_session.services.spark.standalone import ENVIRON_OF_DAEMONS, ClusterSettings

#: The container of an executor, and that of a worker.
CONTAINER = "executor"
#: The label by which Spark tells its pods apart.
ROLE = "spark-role"
_WORD = reading.verbatim(4096)
_WORDS = reading.mapping(_WORD, most=64)
#: What a worker takes beside its executor, in bytes.
_DAEMON = 256 * 2**20
#: What an executor takes beside its heap, for the programs in Python and R that it starts: a share of it, and bytes at least.
_OVERHEAD, _LEAST_OVERHEAD = 0.4, 384 * 2**20
#: Attempts, ten seconds apart, after which a worker that finds no master ends: its session has.
_ATTEMPTS = 6


@dataclass(frozen=True, kw_only=True)
class ExecutorPods:
    """How a driver in a pod gets executors, which are pods too. `cpu_requests` is the share of a core that each requests.

    Of workers of the session's own master also the `word` that they share with it, and the key, in the Secret that is called as
    the session's pod, under which they find it.
    """

    namespace: str
    pod: str  # the driver's
    host: str  # the name under which executors find the driver
    prefix: str  # of their names
    image: str
    image_pull_policy: str
    cpu_requests: float
    labels: Mapping[str, str]
    node_selector: Mapping[str, str]
    tolerations: tuple[Mapping[str, Any], ...] = ()
    runtime_class: str | None = None
    priority_class: str | None = None
    pull_secrets: tuple[str, ...] = ()
    home_claim: str | None = None  # where executors see the home too
    word: str | None = None
    word_key: str = ""

    @classmethod
    def parse(cls, value: object) -> "ExecutorPods":
        """Read it; raise `Unreadable` when it isn't as expected."""
        fields = Fields(value)
        word = fields.get("word", _WORD, None)
        return cls(
            namespace=fields.required("namespace", _WORD),
            pod=fields.required("pod", _WORD),
            host=fields.required("host", _WORD),
            prefix=fields.required("prefix", _WORD),
            image=fields.required("image", _WORD),
            image_pull_policy=fields.required("image_pull_policy", _WORD),
            cpu_requests=fields.required("cpu_requests", reading.number(0, 1000)),
            labels=fields.required("labels", _WORDS),
            node_selector=fields.get("node_selector", _WORDS, {}),
            # A hub of the version before says none of these three.
            tolerations=fields.get("tolerations", reading.items(reading.json_object(depth=1), most=256), ()),
            runtime_class=fields.get("runtime_class", _WORD, None),
            priority_class=fields.get("priority_class", _WORD, None),
            pull_secrets=fields.get("pull_secrets", reading.items(_WORD, most=64), ()),
            home_claim=fields.get("home_claim", _WORD, None),
            word=word,
            word_key=fields.required("word_key", _WORD) if word is not None else "",
        )


def executor(pods: ExecutorPods) -> dict[str, Any]:
    """Return what Spark makes an executor's pod of: it runs where its session may, and in the same sandbox."""
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"labels": dict(pods.labels)},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "runAsGroup": 1000,
                "fsGroup": 1000,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": CONTAINER,
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
        },
    }
    if pods.tolerations:
        pod["spec"]["tolerations"] = [dict(toleration) for toleration in pods.tolerations]
    if pods.runtime_class:
        pod["spec"]["runtimeClassName"] = pods.runtime_class
    if pods.priority_class:
        pod["spec"]["priorityClassName"] = pods.priority_class
    return pod


def worker(pods: ExecutorPods, cluster: ClusterSettings, *, home: Path) -> dict[str, Any]:
    """Return what a worker's pod is made of; its name is the supervisor's to say, and which of its owner's name is meant.

    Workers are on other nodes than the session and each other, as far as there are some with room.
    """
    memory = cluster.memory + max(round(cluster.memory * _OVERHEAD), _LEAST_OVERHEAD) + _DAEMON
    pod = executor(pods)
    pod["metadata"] |= {
        "namespace": pods.namespace,
        "labels": {**pods.labels, ROLE: "worker"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": pods.pod, "controller": True}],
    }
    [container] = pod["spec"]["containers"]
    container |= {
        "image": pods.image,
        "imagePullPolicy": pods.image_pull_policy,
        # The image says where its Spark is.
        "command": ["sh", "-c", 'exec "$SPARK_HOME/bin/spark-class" "$@"', "worker", *_command(cluster)],
        "env": [
            {"name": "RSPARK_POD_ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "_SPARK_AUTH_SECRET", "valueFrom": {"secretKeyRef": {"name": pods.pod, "key": pods.word_key}}},
            *({"name": name, "value": value} for name, value in _environ().items()),
        ],
        "resources": {
            "limits": {"cpu": str(cluster.cores), "memory": str(memory)},
            "requests": {"cpu": f"{max(round(1000 * cluster.cores * pods.cpu_requests), 1)}m", "memory": str(memory)},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  a path in the pod
    }
    pod["spec"] |= {
        "terminationGracePeriodSeconds": 10,
        "affinity": _apart_from(pods),
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    if pods.node_selector:
        pod["spec"]["nodeSelector"] = dict(pods.node_selector)
    if pods.pull_secrets:
        pod["spec"]["imagePullSecrets"] = [{"name": name} for name in pods.pull_secrets]
    if pods.home_claim:
        pod["spec"]["volumes"].append({"name": "home", "persistentVolumeClaim": {"claimName": pods.home_claim}})
        container["volumeMounts"].append({"name": "home", "mountPath": str(home)})
    return pod


def _command(cluster: ClusterSettings) -> list[str]:
    """Return the worker's program and its arguments; Kubernetes itself puts in the pod's address."""
    where = ["--host", "$(RSPARK_POD_ADDRESS)", "--port", "0", "--webui-port", "0", "--work-dir", "/tmp/work"]  # noqa: S108
    size = ["--cores", str(cluster.cores), "--memory", f"{cluster.memory >> 20}m"]
    return ["org.apache.spark.deploy.worker.Worker", *where, *size, f"spark://{cluster.host}:{cluster.port}"]


def _environ() -> dict[str, str]:
    options = {
        "spark.authenticate": "true",
        "spark.network.crypto.enabled": "true",
        "spark.worker.initialRegistrationRetries": str(_ATTEMPTS),
        "spark.worker.maxRegistrationRetries": str(_ATTEMPTS),
    }
    return ENVIRON_OF_DAEMONS | {"SPARK_WORKER_OPTS": " ".join(f"-D{name}={value}" for name, value in options.items())}


def _apart_from(pods: ExecutorPods) -> dict[str, Any]:
    """Return the wish to be on a node on which nothing of the same session is."""
    mine = {name: value for name, value in pods.labels.items() if name != "rsparkhub/component"}
    term = {"labelSelector": {"matchLabels": mine}, "topologyKey": "kubernetes.io/hostname"}
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}}
