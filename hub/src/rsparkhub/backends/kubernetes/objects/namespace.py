"""What a namespace of sessions has once, whoever runs there: nothing may be reached but what is named here."""

from rsparkhub.backends.kubernetes.objects.names import AGENT_PORT, COMPONENT, EGRESS, MANAGED, POLICIES, Object
from rsparkhub.backends.kubernetes.objects.network import PORTS_OF_SERVICES, of_sessions, ours, outside, policy
from rsparkhub.backends.kubernetes.objects.rights import DRIVER
from rsparkhub.settings.kubernetes import KubernetesSettings

_LABELS = {MANAGED: "rsparkhub", COMPONENT: "namespace"}
#: The edge's port in the hub's pods.
HUB_PORT = 8000


def namespace(name: str) -> Object:
    """Build the namespace: no pod in it may have more rights than the `restricted` standard allows."""
    standard = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": _LABELS | standard}}


def baseline(name: str, settings: KubernetesSettings) -> list[Object]:
    """Build all that a namespace of sessions has from the start."""
    return [*policies(name, settings), *_driver_rights(name), _limits(name), *_quota(name, settings)]


def policies(name: str, settings: KubernetesSettings) -> list[Object]:
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
    agents = {"matchExpressions": [_in("session", "service")]}
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
    # Who may reach which service is said by the policy of each one, see `persistent`. What follows is for sessions that the
    # version before has started: until they end, they reach what they could.
    of_the_version_before = ours({"key": POLICIES, "operator": "DoesNotExist"}, _in("session", "executor"))
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
            ingress=[
                {"from": [from_hub, {**of_sessions(settings), "podSelector": of_the_version_before}], "ports": PORTS_OF_SERVICES}
            ],
        ),
        policy(
            _meta("rspark-sessions", name),
            ours(),
            egress=[
                dns,
                {"to": [{**of_sessions(settings), "podSelector": ours(**{COMPONENT: "service"})}], "ports": PORTS_OF_SERVICES},
                {"to": [hub], "ports": [{"port": HUB_PORT, "protocol": "TCP"}]},
            ],
        ),
        policy(_meta("rspark-outside", name), ours(**{EGRESS: "standard"}), egress=outside(settings.placement.egress)),
    ]


def _in(*components: str) -> Object:
    return {"key": COMPONENT, "operator": "In", "values": list(components)}


def _driver_rights(name: str) -> list[Object]:
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


def _limits(name: str) -> Object:
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


def _quota(name: str, settings: KubernetesSettings) -> list[Object]:
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


def _meta(name: str, namespace: str) -> Object:
    return {"name": name, "namespace": namespace, "labels": _LABELS}
