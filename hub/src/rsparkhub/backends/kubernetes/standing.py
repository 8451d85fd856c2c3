"""What a namespace of sessions has once, whoever runs there: nothing may be reached but what is named here."""

from typing import Any

from rsparkhub.backends.kubernetes.names import AGENT_PORT, COMPONENT, EGRESS, MANAGED
from rsparkhub.backends.kubernetes.network import ours, outside, policy
from rsparkhub.backends.kubernetes.rights import DRIVER
from rsparkhub.backends.kubernetes.service import PORTS
from rsparkhub.settings.kubernetes import KubernetesSettings

_LABELS = {MANAGED: "rsparkhub", COMPONENT: "namespace"}
#: The door's port in the hub's pods.
HUB_PORT = 8000


def namespace(name: str) -> dict[str, Any]:
    """Build the namespace: no pod in it may have more rights than the `restricted` standard allows."""
    standard = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": _LABELS | standard}}


def standing(name: str, settings: KubernetesSettings) -> list[dict[str, Any]]:
    """Build all that stands in a namespace of sessions."""
    return [*policies(name, settings), *_driver_rights(name), _limits(name), *_quota(name, settings)]


def policies(name: str, settings: KubernetesSettings) -> list[dict[str, Any]]:
    """Build the policies: nothing is allowed, then what hub, controller, sessions and services need of each other."""
    from_hub = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": settings.hub_namespace}},
        "podSelector": {
            "matchExpressions": [{"key": "app.kubernetes.io/component", "operator": "In", "values": ["hub", "controller"]}]
        },
    }
    hub = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": settings.hub_namespace}},
        "podSelector": {"matchLabels": {"app.kubernetes.io/component": "hub"}},
    }
    agents = {"matchExpressions": [_ours_in("session", "service")]}
    dns = {
        "to": [
            {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
            },
            {"ipBlock": {"cidr": "169.254.20.10/32"}},  # where a node has a cache of its own
        ],
        "ports": [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")],
    }
    services = [{"port": port, "protocol": "TCP"} for port in sorted(PORTS.values())]
    sessions_namespaces = _sessions_namespaces(settings)
    return [
        policy(_meta("rspark-default-deny", name), {}, ingress=[], egress=[]),
        policy(
            _meta("rspark-agents", name),
            agents,
            ingress=[{"from": [from_hub], "ports": [{"port": AGENT_PORT, "protocol": "TCP"}]}],
        ),
        policy(
            _meta("rspark-services", name),
            ours(**{COMPONENT: "service"}),
            ingress=[{"from": [{**sessions_namespaces, "podSelector": ours()}, from_hub], "ports": services}],
        ),
        policy(
            _meta("rspark-sessions", name),
            ours(),
            egress=[
                dns,
                {"to": [{**sessions_namespaces, "podSelector": ours(**{COMPONENT: "service"})}], "ports": services},
                {"to": [hub], "ports": [{"port": HUB_PORT, "protocol": "TCP"}]},
            ],
        ),
        policy(_meta("rspark-outside", name), ours(**{EGRESS: "standard"}), egress=outside(settings.placement.egress)),
    ]


def _sessions_namespaces(settings: KubernetesSettings) -> dict[str, Any]:
    """Select the namespaces in which a service and its sessions are: this one, or all of ours."""
    return {} if settings.namespaces == "one" else {"namespaceSelector": {"matchLabels": {COMPONENT: "namespace"}}}


def _ours_in(*components: str) -> dict[str, Any]:
    return {"key": COMPONENT, "operator": "In", "values": list(components)}


def _driver_rights(name: str) -> list[dict[str, Any]]:
    """Build the rights of drivers. They name pods of the whole namespace; `admission` leaves each its own executors."""
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": _meta("rspark-driver", name),
            "rules": [right.rule() for right in DRIVER],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": _meta("rspark-driver", name),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "rspark-driver"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": f"system:serviceaccounts:{name}"}],
        },
    ]


def _limits(name: str) -> dict[str, Any]:
    """Build what a container gets that asks for nothing: none of ours does."""
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": _meta("rspark", name),
        "spec": {
            "limits": [
                {
                    "type": "Container",
                    "default": {"cpu": "1", "memory": "1Gi"},
                    "defaultRequest": {"cpu": "100m", "memory": "256Mi"},
                }
            ]
        },
    }


def _quota(name: str, settings: KubernetesSettings) -> list[dict[str, Any]]:
    quota = settings.quota
    hard: dict[str, str] = {}
    if quota.cpu is not None:
        hard["limits.cpu"] = f"{round(quota.cpu * 1000)}m"
    if quota.memory is not None:
        hard["limits.memory"] = str(quota.memory)
    if quota.storage is not None:
        hard["requests.storage"] = str(quota.storage)
    if quota.pods is not None:
        hard["pods"] = str(quota.pods)
    if not hard:
        return []
    return [{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": _meta("rspark", name), "spec": {"hard": hard}}]


def _meta(name: str, namespace: str) -> dict[str, Any]:
    return {"name": name, "namespace": namespace, "labels": _LABELS}
