"""What pods may reach: the rules that policies are made of."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from rsparkhub.backends.kubernetes.names import MANAGED

#: Addresses that are nobody's in public: machines beside the cluster, the cloud's metadata, the cluster itself.
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
PRIVATE_6 = ("fc00::/7", "fe80::/10")


def outside(allowed: Sequence[IPv4Network | IPv6Network] | None) -> list[dict[str, Any]]:
    """Give the rules for what is outside of the cluster: all public addresses, or those that an environment names."""
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


def ours(**labels: str) -> dict[str, Any]:
    """Select pods of ours by their labels."""
    return {"matchLabels": {MANAGED: "rsparkhub"} | labels}


def policy(metadata: dict[str, Any], selector: dict[str, Any], **rules: Any) -> dict[str, Any]:
    """Build a NetworkPolicy; `ingress` and `egress` where they are given, and only those directions are its concern."""
    types = [name.capitalize() for name in ("ingress", "egress") if name in rules]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": {"podSelector": selector, "policyTypes": types, **rules},
    }
