"""Who reaches a shared service: the policies as they are made, read as NetworkPolicy's documentation says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rsparkhub import backends
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.objects import generation, namespace
from rsparkhub.backends.kubernetes.objects.names import Object, labels_of
from rsparkhub.backends.kubernetes.objects.placed import Placed
from rsparkhub.settings.kubernetes import KubernetesSettings

from .test_manifests import POSTGRES, SPARK, TERMINAL

SETTINGS = KubernetesSettings()
NAMENODE = replace(
    POSTGRES, id="hdfs-namenode", service_name="hdfs", ports={"rpc": 8020, "http": 9870}, private_ports={"kdc": 88}
)
DATANODE = replace(NAMENODE, id="hdfs-datanode-0", ports={"data": 9866})
AGENT_PORT, HUB = 8888, {"app.kubernetes.io/component": "hub"}


def selects(selector: Object | None, labels: dict[str, str]) -> bool:
    if selector is None:
        return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        {"In": labels.get(each["key"]) in each.get("values", ()), "DoesNotExist": each["key"] not in labels}[each["operator"]]
        for each in selector.get("matchExpressions", ())
    )


def allows(policies: list[Object], direction: str, pod: dict[str, str], peer: dict[str, str], port: int) -> bool:
    """Whether the rules of one direction let a pod speak with a peer; a pod of no policy may do anything."""
    rules = [
        rule
        for policy in policies
        if direction.capitalize() in policy["spec"]["policyTypes"] and selects(policy["spec"]["podSelector"], pod)
        for rule in policy["spec"].get(direction) or []
    ]
    where = {"ingress": "from", "egress": "to"}[direction]
    return any(
        any(selects(other.get("podSelector"), peer) for other in rule[where])
        and any(each["port"] <= port <= each.get("endPort", each["port"]) for each in rule["ports"])
        for rule in rules
        if "ports" in rule
    )


def pod_of(spec: Any) -> dict[str, str]:
    placed = Placed.of(spec, SETTINGS)
    root = {"metadata": {"name": placed.name, "uid": "1"}}
    return generation.dependents(placed, root=root, api_server=())[-1]["metadata"]["labels"]  # type: ignore[no-any-return]


def executor_of(spec: Any) -> dict[str, str]:
    return Placed.of(spec, SETTINGS).labels_of_pods("executor")


def of_the_version_before(component: str) -> dict[str, str]:
    return labels_of(EnsembleRef("older", 2), user="ada", component=component) | {"rsparkhub/egress": "standard"}


POLICIES = [
    *namespace.policies("rspark-sessions", SETTINGS),
    *(
        manifest
        for spec in (POSTGRES, NAMENODE, DATANODE)
        for manifest in generation.persistent(Placed.of(spec, SETTINGS))
        if manifest["kind"] == "NetworkPolicy"
    ),
]
PLAIN = replace(TERMINAL, uses=())


@pytest.mark.parametrize(
    ("source", "target", "port", "reached"),
    [
        (pod_of(TERMINAL), POSTGRES, 5432, True),
        (pod_of(TERMINAL), POSTGRES, 5433, False),
        (pod_of(TERMINAL), POSTGRES, AGENT_PORT, False),
        (pod_of(TERMINAL), NAMENODE, 8020, False),
        (pod_of(PLAIN), POSTGRES, 5432, False),
        (executor_of(SPARK), POSTGRES, 5432, True),
        (executor_of(replace(SPARK, uses=())), POSTGRES, 5432, False),
        (pod_of(replace(PLAIN, uses=("hdfs",))), NAMENODE, 8020, True),
        (pod_of(replace(PLAIN, uses=("hdfs",))), NAMENODE, 9870, True),
        (pod_of(replace(PLAIN, uses=("hdfs",))), DATANODE, 9866, True),
        (pod_of(replace(PLAIN, uses=("hdfs",))), POSTGRES, 5432, False),
        (pod_of(replace(PLAIN, uses=("hdfs",))), NAMENODE, 88, False),
        (pod_of(DATANODE), NAMENODE, 8020, True),
        (pod_of(DATANODE), NAMENODE, 88, True),
        (pod_of(POSTGRES), NAMENODE, 8020, False),
        (pod_of(replace(POSTGRES, id="hive", service_name="hive", uses=("hdfs", "postgres"))), POSTGRES, 5432, True),
        (of_the_version_before("session"), POSTGRES, 5432, True),
        (of_the_version_before("executor"), POSTGRES, 5432, True),
        (of_the_version_before("session"), POSTGRES, AGENT_PORT, False),
        (HUB, POSTGRES, AGENT_PORT, True),
    ],
)  # fmt: skip
def test_a_session_reaches_the_services_that_it_asked_for_and_no_others(
    source: dict[str, str], target: Any, port: int, reached: bool
) -> None:
    pod = pod_of(target)
    out = source is HUB or allows(POLICIES, "egress", source, pod, port)
    assert (out and allows(POLICIES, "ingress", pod, source, port)) is reached


def test_a_service_that_the_version_before_has_started_is_reached_by_new_sessions() -> None:
    older = labels_of(EnsembleRef("postgres", 1), user=None, component="service")
    assert allows(POLICIES, "ingress", older, pod_of(TERMINAL), 5432)
    assert not allows(POLICIES, "ingress", older, pod_of(PLAIN), 5432)


def test_a_service_without_a_port_has_no_address() -> None:
    silent = Placed.of(replace(POSTGRES, ports={}), SETTINGS)
    assert [manifest["kind"] for manifest in generation.persistent(silent)] == ["PersistentVolumeClaim"]


def test_no_module_of_the_backend_knows_a_service_by_name() -> None:
    for module in Path(next(iter(backends.__path__))).rglob("*.py"):
        assert "postgres" not in module.read_text().lower(), f"{module} knows PostgreSQL"
