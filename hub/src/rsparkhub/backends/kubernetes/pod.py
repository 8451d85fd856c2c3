"""The pod of a generation: the agent, and all that it starts, in one container under the `restricted` standard."""

from typing import Any

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.kubernetes import secret
from rsparkhub.backends.kubernetes.claim import claim_name
from rsparkhub.backends.kubernetes.names import AGENT_PORT, EGRESS, FINALIZER, account_name, labels_of, metadata, name_of
from rsparkhub.domain.ending import SLACK
from rsparkhub.domain.ensemble import EnsembleSpec
from rsparkhub.domain.errors import CannotStart
from rsparkhub.domain.placement import Placement
from rsparkhub.settings.kubernetes import KubernetesSettings

USER_ID = 1000
#: The names of the container: those of the pods' own words.
CONTAINER = "session"

RESTRICTED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": USER_ID,
    "runAsGroup": USER_ID,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def image_of(spec: EnsembleSpec, settings: KubernetesSettings) -> str:
    """Give the image: the one that the settings put in the place of all, else its environment's.

    Raises
    ------
    CannotStart
        When nothing names one.
    """
    ours = settings.service_image if spec.kind == "service" else ""
    image = ours or settings.session_image or spec.image
    if not image:
        setting = "service_image" if spec.kind == "service" else "session_image"
        raise CannotStart(
            "It is not said which image to run. Ask your administrator to name one.",
            detail=f"Neither the environment nor the setting kubernetes.{setting} names an image.",
        )
    return image


def placement_of(spec: EnsembleSpec, settings: KubernetesSettings) -> Placement:
    """Give where it runs: what its environment says, and what the settings say where it is silent."""
    own = spec.placement
    return settings.placement.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


def pod(
    spec: EnsembleSpec, namespace: str, settings: KubernetesSettings, *, root: dict[str, Any], executors: bool
) -> dict[str, Any]:
    """Build it; `root` is the Secret as the API server knows it, `executors` whether Spark asks for pods of its own."""
    ref = EnsembleRef(spec.id, spec.generation)
    name, where = name_of(ref), placement_of(spec, settings)
    labels = labels_of(ref, user=spec.user, component=spec.kind) | {EGRESS: "standard" if where.egress is None else "own"}
    grace = round((spec.grace + SLACK).total_seconds())
    body: dict[str, Any] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": grace,
        "automountServiceAccountToken": executors,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(spec, where, settings)],
        "volumes": [
            {"name": "ensemble", "secret": {"secretName": name, "defaultMode": 0o440}},
            {"name": "home", "persistentVolumeClaim": {"claimName": claim_name(spec)}},
            {"name": "run", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
            *({"name": volume.name, **volume.source} for volume in where.volumes),
        ],
        "tolerations": _tolerations(where, settings),
    }
    if executors:
        body |= {"serviceAccountName": account_name(ref, spec.user), "hostname": "driver", "subdomain": name}
    if where.node_selector:
        body["nodeSelector"] = where.node_selector
    if where.priority_class:
        body["priorityClassName"] = where.priority_class
    if where.runtime_class:
        body["runtimeClassName"] = where.runtime_class
    if settings.image_pull_secrets:
        body["imagePullSecrets"] = [{"name": name} for name in settings.image_pull_secrets]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(name, namespace, labels, owner=root, finalizers=[FINALIZER]),
        "spec": body,
    }


def _container(spec: EnsembleSpec, where: Placement, settings: KubernetesSettings) -> dict[str, Any]:
    devices = {name: str(count) for name, count in where.extended_resources.items()}
    return {
        "name": CONTAINER,
        "image": image_of(spec, settings),
        "imagePullPolicy": settings.image_pull_policy,
        "ports": [{"name": "agent", "containerPort": AGENT_PORT, "protocol": "TCP"}],
        "resources": {
            "limits": {"cpu": _cores(spec.cpu), "memory": str(spec.memory)} | devices,
            "requests": {
                "cpu": _cores(spec.cpu * settings.cpu_requests),
                "memory": str(type(spec.memory)(int(spec.memory * settings.memory_requests))),
            }
            | devices,
        },
        "securityContext": RESTRICTED,
        "terminationMessagePath": secret.TERMINATION_MESSAGE,
        "terminationMessagePolicy": "File",
        "volumeMounts": [
            {"name": "ensemble", "mountPath": secret.FOLDER, "readOnly": True},
            {"name": "home", "mountPath": secret.HOME},
            {"name": "run", "mountPath": secret.RUN},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  a path in the pod
            *({"name": volume.name, "mountPath": volume.mount, "readOnly": volume.read_only} for volume in where.volumes),
        ],
    }


def _cores(cores: float) -> str:
    """Write cores in thousandths, as Kubernetes itself does."""
    return str(int(cores)) if cores == int(cores) else f"{max(1, round(cores * 1000))}m"


def _tolerations(where: Placement, settings: KubernetesSettings) -> list[dict[str, Any]]:
    """Stay on a node that is not heard of for as long as the settings say; Kubernetes' own default is five minutes."""
    lost = [
        {
            "key": f"node.kubernetes.io/{taint}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": round(settings.lost_node.total_seconds()),
        }
        for taint in ("not-ready", "unreachable")
    ]
    return [*lost, *(toleration.model_dump(exclude_none=True) for toleration in where.tolerations)]
