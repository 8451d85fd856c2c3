"""The volume of a person's home, or of a shared service's data: never a session's, so without an owner."""

from typing import Any

from rsparkhub.backends.kubernetes.names import COMPONENT, MANAGED, USER, plain
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.settings.kubernetes import KubernetesSettings


def claim_name(spec: EnsembleSpec) -> str:
    return f"home-{plain(spec.user)}" if spec.user else f"service-{spec.id}"


def claim(spec: EnsembleSpec, namespace: str, settings: KubernetesSettings) -> dict[str, Any]:
    """Build it."""
    labels = {MANAGED: "rsparkhub", COMPONENT: "home" if spec.user else "service"}
    if spec.user:
        labels[USER] = plain(spec.user)
    wanted: dict[str, Any] = {
        "accessModes": [settings.access_mode],
        "resources": {"requests": {"storage": str(spec.home_size)}},
    }
    if settings.storage_class is not None:
        wanted["storageClassName"] = settings.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim_name(spec), "namespace": namespace, "labels": labels},
        "spec": wanted,
    }
