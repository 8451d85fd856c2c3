"""What a driver of Spark needs that asks for executors: an account, a name, and a way to them."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from rspark_contract.reading import JsonObject
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.claim import claim_name
from rsparkhub.backends.kubernetes.names import COMPONENT, GENERATION, SESSION, account_name, labels_of, metadata, name_of
from rsparkhub.backends.kubernetes.network import ours, outside, policy
from rsparkhub.backends.kubernetes.pod import image_of, placement_of
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.settings.kubernetes import KubernetesSettings


def asks_for_executors(spec: EnsembleSpec) -> bool:
    spark = spec.service("spark")
    return spark is not None and spark.config.get("mode") == "kubernetes"


def driver(spec: EnsembleSpec, namespace: str, settings: KubernetesSettings) -> JsonObject:
    """Say in the agent's file how a driver in this pod gets executors."""
    ref = EnsembleRef(spec.id, spec.generation)
    name = name_of(ref)
    shared = settings.access_mode == "ReadWriteMany" if settings.home_on_executors is None else settings.home_on_executors
    return {
        "namespace": namespace,
        "pod": name,
        "host": f"{name}.{namespace}.svc",
        "prefix": name,
        "image": settings.spark_image or image_of(spec, settings),
        "image_pull_policy": settings.image_pull_policy,
        "pull_secrets": list(settings.image_pull_secrets),
        "labels": {**labels_of(ref, user=spec.user, component="executor")},
        "node_selector": {**placement_of(spec, settings).node_selector},
        "cpu_requests": settings.cpu_requests,
        "home_claim": claim_name(spec) if shared else None,
    }


def service_account(ref: EnsembleRef, namespace: str, user: str | None, *, root: dict[str, Any]) -> dict[str, Any]:
    """Build the driver's account. What every account of the namespace may do is narrowed by `admission` to its own executors."""
    labels = labels_of(ref, user=user, component="session")
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(account_name(ref, user), namespace, labels, owner=root),
        "automountServiceAccountToken": False,
    }


def headless_service(ref: EnsembleRef, namespace: str, user: str | None, *, root: dict[str, Any]) -> dict[str, Any]:
    """Build the name under which executors find their driver."""
    labels = labels_of(ref, user=user, component="session")
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(name_of(ref), namespace, labels, owner=root),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {SESSION: ref.id, GENERATION: str(ref.generation), COMPONENT: "session"},
        },
    }


def network_policy(
    ref: EnsembleRef,
    namespace: str,
    user: str | None,
    *,
    root: dict[str, Any],
    executors: bool,
    egress: Sequence[IPv4Network | IPv6Network] | None,
    api_server: Sequence[IPv4Network | IPv6Network],
) -> dict[str, Any]:
    """Build the policy of one generation: what its environment lets it reach, and its driver and executors each other."""
    labels = labels_of(ref, user=user, component="session")
    own = ours(**{SESSION: ref.id, GENERATION: str(ref.generation)})
    rules: dict[str, Any] = {"egress": outside(egress)}
    if executors:
        rules["ingress"] = [{"from": [{"podSelector": own}]}]
        rules["egress"] = [{"to": [{"podSelector": own}]}, *rules["egress"]]
        if api_server:
            rules["egress"].append(
                {
                    "to": [{"ipBlock": {"cidr": str(network)}} for network in api_server],
                    "ports": [{"port": port, "protocol": "TCP"} for port in (443, 6443)],
                }
            )
    return policy(metadata(name_of(ref), namespace, labels, owner=root), own, **rules)
