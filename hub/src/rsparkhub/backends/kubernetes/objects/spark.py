"""What Spark needs that computes in pods: an account, a name, a way to them, and a word that workers and their master share."""

import hashlib
import hmac
from collections.abc import Mapping

from rspark_contract.reading import JsonObject
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes.objects.executors import SERVICE
from rsparkhub.backends.kubernetes.objects.names import COMPONENT, GENERATION, SESSION, Object, metadata, name_of
from rsparkhub.backends.kubernetes.objects.network import Networks
from rsparkhub.backends.kubernetes.objects.placed import Placed

#: The key of the root under which workers find their master's word: a pod's own text is read by every account of the namespace.
WORD = "spark-word"


def config(placed: Placed) -> Mapping[str, JsonObject]:
    """Return what the agent is told of this service beyond what the environment says; nothing where no driver has executors."""
    return {SERVICE: {"kubernetes": driver(placed)}} if placed.has_executors else {}


def words(placed: Placed) -> Mapping[str, str]:
    """Return what the root has beside the agent's file: the word of a master and its workers, the same at each making."""
    if not placed.has_workers:
        return {}
    return {WORD: hmac.new(placed.spec.secret.encode(), b"spark", hashlib.sha256).hexdigest()}


def driver(placed: Placed) -> JsonObject:
    """Return what the agent's file says of how a driver in this pod gets executors, or a master its workers."""
    settings, where, name = placed.settings, placed.placement, placed.name
    shared = settings.access_mode == "ReadWriteMany" if settings.home_on_executors is None else settings.home_on_executors
    of_workers = {"word": words(placed)[WORD], "word_key": WORD} if placed.has_workers else {}
    return {
        "namespace": placed.namespace,
        "pod": name,
        "host": f"{name}.{placed.namespace}.svc",
        "prefix": name,
        "image": settings.spark_image or placed.image,
        "image_pull_policy": settings.image_pull_policy,
        "pull_secrets": list(settings.image_pull_secrets),
        "labels": {**placed.labels_of_pods("executor")},
        "node_selector": {**where.node_selector},
        "tolerations": [{**toleration.as_in_a_pod()} for toleration in where.tolerations],
        "runtime_class": where.runtime_class,
        "priority_class": where.priority_class,
        "cpu_requests": settings.cpu_requests,
        "home_claim": placed.claim if shared else None,
        **of_workers,
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
