"""What outlives a generation, so without an owner: the volume of a home or of a shared service, and the service's address."""

from collections.abc import Iterable, Mapping

from rsparkhub.backends.kubernetes.objects.names import (
    COMPONENT,
    MANAGED,
    OWNER,
    PRIVATE,
    SERVICE,
    SESSION,
    USER,
    USES,
    Object,
    is_ambiguous,
    plain,
)
from rsparkhub.backends.kubernetes.objects.network import of_sessions, ours, policy
from rsparkhub.backends.kubernetes.objects.placed import Placed
from rsparkhub.settings.kubernetes import KubernetesSettings


def claim(placed: Placed) -> Object:
    """Build the claim of the volume: a person's home, or a shared service's data."""
    user, settings = placed.spec.user, placed.settings
    labels = {MANAGED: "rsparkhub", COMPONENT: "home" if user else "service"}
    if user:
        labels[USER] = plain(user)
    wanted: Object = {
        "accessModes": [settings.access_mode],
        "resources": {"requests": {"storage": str(placed.spec.home_size)}},
    }
    if settings.storage_class is not None:
        wanted["storageClassName"] = settings.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": placed.claim,
            "namespace": placed.namespace,
            "labels": labels,
            **({"annotations": {OWNER: user}} if user and is_ambiguous(user) else {}),
        },
        "spec": wanted,
    }


def address_of_service(placed: Placed) -> list[Object]:
    """Build the Service of an instance of a shared service, and the policy that says which sessions reach it.

    One that listens on no port of its own has neither.
    """
    spec = placed.spec
    every = {**spec.ports, **spec.private_ports}
    if not every:
        return []
    labels = labels_of_service(spec.id)
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": spec.id,
            "namespace": placed.namespace,
            "labels": labels | {SERVICE: spec.service_name or spec.id},
            **({"annotations": {PRIVATE: ",".join(sorted(spec.private_ports))}} if spec.private_ports else {}),
        },
        "spec": {
            "selector": labels,
            "ports": [
                {"name": name, "port": port, "protocol": "TCP", "targetPort": port} for name, port in sorted(every.items())
            ],
        },
    }
    return [service, policy_of_service(spec.id, spec.service_name or spec.id, service, placed.settings)]


def labels_of_service(instance: str) -> dict[str, str]:
    """Return the labels that the pods of an instance of a shared service have in each generation."""
    return {MANAGED: "rsparkhub", COMPONENT: "service", SESSION: instance}


def policy_name(instance: str) -> str:
    """Return the name of the policy of an instance of a shared service."""
    return f"rspark-service-{instance}"


def policy_of_service(instance: str, service: str, address: Object, settings: KubernetesSettings) -> Object:
    """Build the policy of an instance of a service, of which `address` is the Service.

    Who asked for its service reaches its ports, and the service's instances those too that are for nobody else.
    """
    meta = address["metadata"]
    private = (meta.get("annotations") or {}).get(PRIVATE, "").split(",")
    ports: Mapping[str, int] = {port["name"]: port["port"] for port in address["spec"].get("ports") or []}
    sessions = {**of_sessions(settings), "podSelector": ours(**{f"{USES}{service}": "true"})}
    instances = {"podSelector": ours(**{SERVICE: service})}
    rules = [
        _rule([sessions, instances], (port for name, port in ports.items() if name not in private)),
        _rule([instances], (port for name, port in ports.items() if name in private)),
    ]
    labels = labels_of_service(instance)
    return policy(
        {"name": policy_name(instance), "namespace": meta["namespace"], "labels": labels | {SERVICE: service}},
        {"matchLabels": labels},
        ingress=[rule for rule in rules if rule["ports"]],
    )


def _rule(sources: list[Object], ports: Iterable[int]) -> Object:
    return {"from": sources, "ports": [{"port": port, "protocol": "TCP"} for port in sorted(ports)]}
