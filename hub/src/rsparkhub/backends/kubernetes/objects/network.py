"""What pods may reach: the rules of which policies are made."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from rsparkhub.backends.kubernetes.objects.names import AGENT_PORT, COMPONENT, MANAGED, Object
from rsparkhub.settings.kubernetes import KubernetesSettings

Networks = Sequence[IPv4Network | IPv6Network]

#: Addresses that are nobody's in public: machines beside the cluster, the cloud's metadata, the cluster itself.
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
PRIVATE_6 = ("fc00::/7", "fe80::/10")
#: Every port but the agents'.
PORTS_OF_SERVICES = [
    {"port": first, "endPort": last, "protocol": "TCP"} for first, last in ((1, AGENT_PORT - 1), (AGENT_PORT + 1, 65535))
]


def outside(allowed: Networks | None) -> list[Object]:
    """Return the rules for what is outside of the cluster: all public addresses, or those that an environment names."""
    if allowed is None:
        return [
            {
                "to": [
                    {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(PRIVATE)}},
                    {"ipBlock": {"cidr": "::/0", "except": list(PRIVATE_6)}},
                ]
            }
        ]
    return [{"to": [{"ipBlock": {"cidr": str(network)}} for network in allowed]}] if allowed else []


def ours(*expressions: Object, **labels: str) -> Object:
    """Select pods of ours by their labels."""
    selector: Object = {"matchLabels": {MANAGED: "rsparkhub"} | labels}
    return selector | ({"matchExpressions": list(expressions)} if expressions else {})


def of_sessions(settings: KubernetesSettings) -> Object:
    """Select the namespaces in which a shared service and its sessions are: the policy's own, or all of ours."""
    return {} if settings.namespaces == "one" else {"namespaceSelector": {"matchLabels": {COMPONENT: "namespace"}}}


def policy(metadata: Object, selector: Object, **rules: list[Object]) -> Object:
    """Build a NetworkPolicy; `ingress` and `egress` where they are given, and only those directions are its concern."""
    types = [name.capitalize() for name in ("ingress", "egress") if name in rules]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": {"podSelector": selector, "policyTypes": types, **rules},
    }
