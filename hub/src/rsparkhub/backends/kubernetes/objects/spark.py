"""What a driver of Spark needs that asks for executors: an account, a name, and a way to them."""

from collections.abc import Mapping

from rspark_contract.reading import JsonObject
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.objects.executors import SERVICE
from rsparkhub.backends.kubernetes.objects.names import COMPONENT, GENERATION, SESSION, Object, metadata, name_of
from rsparkhub.backends.kubernetes.objects.network import Networks
from rsparkhub.backends.kubernetes.objects.placed import Placed


def config(placed: Placed) -> Mapping[str, JsonObject]:
    """Return what the agent is told of this service beyond what the environment says; nothing where no driver has executors."""
    return {SERVICE: {"kubernetes": driver(placed)}} if placed.has_executors else {}


def driver(placed: Placed) -> JsonObject:
    """Return what the agent's file says of how a driver in this pod gets executors."""
    settings, name = placed.settings, placed.name
    shared = settings.access_mode == "ReadWriteMany" if settings.home_on_executors is None else settings.home_on_executors
    return {
        "namespace": placed.namespace,
        "pod": name,
        "host": f"{name}.{placed.namespace}.svc",
        "prefix": name,
        "image": settings.spark_image or placed.image,
        "image_pull_policy": settings.image_pull_policy,
        "pull_secrets": list(settings.image_pull_secrets),
        "labels": {**placed.labels_of_pods("executor")},
        "node_selector": {**placed.placement.node_selector},
        "cpu_requests": settings.cpu_requests,
        "home_claim": placed.claim if shared else None,
    }


def service_account(account: str, namespace: str, labels: dict[str, str], *, root: Object) -> Object:
    """Build the driver's account. What every account of the namespace may do is narrowed by `admission` to its own executors."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(account, namespace, labels, owner=root),
        "automountServiceAccountToken": False,
    }


def headless_service(ref: EnsembleRef, namespace: str, labels: dict[str, str], *, root: Object) -> Object:
    """Build the name under which executors find their driver."""
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


def rules_of_executors(own: Object, api_server: Networks) -> dict[str, list[Object]]:
    """Return the rules by which a driver and its executors, all selected by `own`, reach each other and the API server."""
    egress: list[Object] = [{"to": [{"podSelector": own}]}]
    if api_server:
        egress.append(
            {
                "to": [{"ipBlock": {"cidr": str(network)}} for network in api_server],
                "ports": [{"port": port, "protocol": "TCP"} for port in (443, 6443)],
            }
        )
    return {"ingress": [{"from": [{"podSelector": own}]}], "egress": egress}
