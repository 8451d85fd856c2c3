"""The pod of a generation: the agent, and all that it starts, in one container under the `restricted` standard."""

from rsparkhub.backends.kubernetes.objects import secret
from rsparkhub.backends.kubernetes.objects.names import AGENT_PORT, EGRESS, FINALIZER, SERVICE, Object, metadata
from rsparkhub.backends.kubernetes.objects.placed import Placed
from rsparkhub.domain.ending import SLACK
from rsparkhub.settings.kubernetes import KubernetesSettings
from rsparkhub.settings.placement import Placement

USER_ID = 1000
#: The names of the container: those of the pods' own words.
CONTAINER = "session"

RESTRICTED: Object = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": USER_ID,
    "runAsGroup": USER_ID,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(placed: Placed, *, root: Object) -> Object:
    """Build it; `root` is the Secret as the API server knows it."""
    spec, where, settings = placed.spec, placed.placement, placed.settings
    labels = placed.labels_of_pods(spec.kind) | {EGRESS: "standard" if where.egress is None else "own"}
    if spec.is_service:
        labels[SERVICE] = spec.service_name or spec.id
    grace = round((spec.grace + SLACK).total_seconds())
    body: Object = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": grace,
        "automountServiceAccountToken": placed.has_executors,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(placed)],
        "volumes": [
            {"name": "ensemble", "secret": {"secretName": placed.name, "defaultMode": 0o440}},
            {"name": "home", "persistentVolumeClaim": {"claimName": placed.claim}},
            {"name": "run", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
            *({"name": volume.name, **volume.source} for volume in where.volumes),
        ],
        "tolerations": _tolerations(where, settings),
    }
    if placed.has_executors:
        body |= {"serviceAccountName": placed.account, "hostname": "driver", "subdomain": placed.name}
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
        "metadata": metadata(placed.name, placed.namespace, labels, owner=root, finalizers=[FINALIZER]),
        "spec": body,
    }


def _container(placed: Placed) -> Object:
    spec, where, settings = placed.spec, placed.placement, placed.settings
    devices = {name: str(count) for name, count in where.extended_resources.items()}
    return {
        "name": CONTAINER,
        "image": placed.image,
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


def _tolerations(where: Placement, settings: KubernetesSettings) -> list[Object]:
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
    return [*lost, *(toleration.as_in_a_pod() for toleration in where.tolerations)]
