"""The address of a shared service: one that stays the same over all its generations, so it has no owner."""

from typing import Any

from rsparkhub.backends.kubernetes.names import COMPONENT, MANAGED, SESSION
from rsparkhub.domain.ensemble import EnsembleSpec

#: What listens where, of the services that sessions share.
PORTS = {"postgres": 5432}


def service(spec: EnsembleSpec, namespace: str) -> dict[str, Any]:
    """Build it: sessions find the service under its own name."""
    labels = {MANAGED: "rsparkhub", COMPONENT: "service", SESSION: spec.id}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": spec.id, "namespace": namespace, "labels": labels},
        "spec": {
            "selector": labels,
            "ports": [{"name": spec.id, "port": PORTS[spec.id], "protocol": "TCP", "targetPort": PORTS[spec.id]}],
        },
    }
