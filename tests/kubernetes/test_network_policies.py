"""NetworkPolicies hold: who reaches whom is tried from every pod to every pod, as upstream's own suite does it.

The cases are upstream's (test/e2e/network/netpol), in the same world: namespaces x, y, z with the pods a, b, c in each, which
listen on ports 80 and 81. A case is a policy and who may reach whom under it.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from .cluster import PLACE, Cluster

pytestmark = [pytest.mark.timeout(600)]

Pair = tuple[str, str]
PODS = tuple(f"{namespace}/{name}" for namespace in "xyz" for name in "abc")
PAIRS = tuple((source, target) for source in PODS for target in PODS if source != target)
PORTS = (80, 81)
SECONDS = 20.0

#: Listens on both ports, and on request tries to reach others: prints the pairs of address and port that answered.
SERVER = """
import http.server, threading
for port in (80, 81):
    server = http.server.ThreadingHTTPServer(("", port), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
threading.Event().wait()
"""
TRY = """
import socket, sys, threading
def reach(host, port):
    try:
        socket.create_connection((host, int(port)), timeout=0.7).close()
        print(host, port, flush=True)
    except OSError:
        pass
tries = [threading.Thread(target=reach, args=word.split(":")) for word in sys.argv[1:]]
for one in tries: one.start()
for one in tries: one.join()
"""


@dataclass
class World:
    cluster: Cluster
    names: dict[str, str]  # x → the namespace's own name
    addresses: dict[str, str]  # x/a → its address

    def reached(self) -> set[tuple[str, str, int]]:
        """Try everything: who reaches whom on which port."""
        pods = {address: pod for pod, address in self.addresses.items()}
        running = {}
        for source in PODS:
            namespace, name = source.split("/")
            words = [f"{self.addresses[target]}:{port}" for target in PODS if target != source for port in PORTS]
            command = ["-n", self.names[namespace], "exec", name, "--", "python3", "-c", TRY, *words]
            running[source] = subprocess.Popen(self.cluster.command(*command), stdout=subprocess.PIPE, text=True)
        found = set()
        for source, process in running.items():
            said, _ = process.communicate(timeout=60)
            assert process.returncode == 0
            for line in said.splitlines():
                address, port = line.split()
                found.add((source, pods[address], int(port)))
        return found

    def until(self, wanted: set[tuple[str, str, int]]) -> None:
        """Try until it is as it should be; say what differs when it never is."""
        deadline = time.monotonic() + SECONDS
        while (found := self.reached()) != wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f"should not be reached: {sorted(found - wanted)}; should be: {sorted(wanted - found)}")


def pod(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"pod": name}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "server",
                    "image": "localhost/rsparkhub/spark:dev",
                    "imagePullPolicy": "Never",
                    "command": ["python3", "-c", SERVER],
                    "securityContext": {"runAsUser": 0, "capabilities": {"add": ["NET_BIND_SERVICE"]}},
                    "ports": [{"name": "serve-80", "containerPort": 80}, {"name": "serve-81", "containerPort": 81}],
                }
            ],
        },
    }


@pytest.fixture(scope="module")
def world(images: Cluster) -> Iterator[World]:
    names = {name: f"netpol-{name}" for name in "xyz"}
    for name, namespace in names.items():
        images.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {"ns": name}}},
            *({**pod(each), "metadata": {**pod(each)["metadata"], "namespace": namespace}} for each in "abc"),
        )
    try:
        addresses = {}
        for name, namespace in names.items():
            images("-n", namespace, "wait", "--for=condition=Ready", "pods", "--all", "--timeout=120s")
            for each in json.loads(images("-n", namespace, "get", "pods", "-o", "json"))["items"]:
                addresses[f"{name}/{each['metadata']['name']}"] = each["status"]["podIP"]
        yield World(images, names, addresses)
    finally:
        images("delete", "namespace", *names.values())


def policy(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "case", "namespace": "netpol-x"},
        "spec": {"podSelector": {}, **spec},
    }


def labels(**wanted: str) -> dict[str, Any]:
    return {"matchLabels": wanted}


def any_of(key: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": "In", "values": list(values)}]}


def to_x(source: str, target: str) -> bool:
    return target.startswith("x/")


A = labels(pod="a")
#: What it is → the policy in namespace x, and which of source, target and port it refuses.
CASES: dict[str, tuple[dict[str, Any], Callable[[str, str, int], bool]]] = {
    "deny all ingress": (policy(policyTypes=["Ingress"]), lambda s, t, p: t[0] == "x"),
    "deny all egress": (policy(policyTypes=["Egress"]), lambda s, t, p: s[0] == "x"),
    "deny all both ways": (policy(policyTypes=["Ingress", "Egress"]), lambda s, t, p: "x" in (s[0], t[0])),
    "allow all ingress": (policy(ingress=[{}]), lambda s, t, p: False),
    "ingress of one pod from the same namespace": (
        policy(podSelector=A, ingress=[{"from": [{"podSelector": {}}]}]), lambda s, t, p: t == "x/a" and s[0] != "x"),
    "ingress from pods by label, of the same namespace": (
        policy(ingress=[{"from": [{"podSelector": labels(pod="b")}]}]), lambda s, t, p: t[0] == "x" and s != "x/b"),
    "ingress from a namespace": (
        policy(ingress=[{"from": [{"namespaceSelector": labels(ns="y")}]}]), lambda s, t, p: t[0] == "x" and s[0] != "y"),
    "ingress from a pod of a namespace": (
        policy(ingress=[{"from": [{"namespaceSelector": labels(ns="y"), "podSelector": A}]}]),
        lambda s, t, p: t[0] == "x" and s != "y/a"),
    "ingress from a pod or a namespace": (
        policy(ingress=[{"from": [{"namespaceSelector": labels(ns="y")}, {"podSelector": labels(pod="b")}]}]),
        lambda s, t, p: t[0] == "x" and s[0] != "y" and s != "x/b"),
    "ingress by expressions": (
        policy(ingress=[{"from": [{"namespaceSelector": any_of("ns", "y", "z"), "podSelector": any_of("pod", "b", "c")}]}]),
        lambda s, t, p: t[0] == "x" and not (s[0] in "yz" and s[2] in "bc")),
    "ingress on a port": (policy(ingress=[{"ports": [{"port": 80}]}]), lambda s, t, p: t[0] == "x" and p != 80),
    "ingress on a port by name": (
        policy(ingress=[{"ports": [{"port": "serve-81"}]}]), lambda s, t, p: t[0] == "x" and p != 81),
    "ingress on a range of ports": (
        policy(ingress=[{"ports": [{"port": 81, "endPort": 90}]}]), lambda s, t, p: t[0] == "x" and p != 81),
    "ingress of another protocol": (
        policy(ingress=[{"ports": [{"port": 80, "protocol": "UDP"}]}]), lambda s, t, p: t[0] == "x"),
    "rules add up": (
        policy(ingress=[{"from": [{"podSelector": {}}], "ports": [{"port": 80}]},
                        {"from": [{"namespaceSelector": labels(ns="y")}], "ports": [{"port": 81}]}]),
        lambda s, t, p: t[0] == "x" and not (s[0] == "x" and p == 80) and not (s[0] == "y" and p == 81)),
    "egress of one pod to a namespace": (
        policy(podSelector=A, policyTypes=["Egress"], egress=[{"to": [{"namespaceSelector": labels(ns="y")}]}]),
        lambda s, t, p: s == "x/a" and t[0] != "y"),
    "egress on a port by name": (
        policy(podSelector=A, policyTypes=["Egress"], egress=[{"ports": [{"port": "serve-80"}]}]),
        lambda s, t, p: s == "x/a" and p != 80),
    "egress and ingress at once": (
        policy(podSelector=A, policyTypes=["Ingress", "Egress"], ingress=[{"from": [{"podSelector": labels(pod="b")}]}],
               egress=[{"to": [{"namespaceSelector": labels(ns="z")}]}]),
        lambda s, t, p: (t == "x/a" and s != "x/b") or (s == "x/a" and t[0] != "z")),
    "egress to all pods by their network": (
        policy(podSelector=A, policyTypes=["Egress"], egress=[{"to": [{"ipBlock": {"cidr": "10.244.0.0/24"}}]}]),
        lambda s, t, p: False),
    "egress to a network but for all of it": (
        policy(podSelector=A, policyTypes=["Egress"],
               egress=[{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.244.0.0/24"]}}]}]),
        lambda s, t, p: s == "x/a"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_who_reaches_whom(world: World, case: str) -> None:
    manifest, refused = CASES[case]
    everything = {(source, target, port) for source, target in PAIRS for port in PORTS}
    world.cluster.apply(manifest)
    try:
        world.until({each for each in everything if not refused(*each)})
    finally:
        world.cluster("-n", "netpol-x", "delete", "networkpolicy", "case")


def test_a_policy_follows_the_labels_of_pods_and_namespaces(world: World) -> None:
    everything = {(source, target, port) for source, target in PAIRS for port in PORTS}
    asked = policy(ingress=[{"from": [{"namespaceSelector": labels(ns="y"), "podSelector": labels(pod="late")}]}])
    world.cluster.apply(asked)
    try:
        world.until({each for each in everything if each[1][0] != "x"})
        world.cluster("-n", "netpol-y", "label", "pod", "a", "pod=late", "--overwrite")
        world.until({each for each in everything if each[1][0] != "x" or each[0] == "y/a"})
        world.cluster("label", "namespace", "netpol-y", "ns=other", "--overwrite")
        world.until({each for each in everything if each[1][0] != "x"})
    finally:
        world.cluster("-n", "netpol-y", "label", "pod", "a", "pod=a", "--overwrite")
        world.cluster("label", "namespace", "netpol-y", "ns=y", "--overwrite")
        world.cluster("-n", "netpol-x", "delete", "networkpolicy", "case")


def test_a_service_is_the_pods_behind_it(world: World) -> None:
    """Policies count for the pod that a Service leads to, by its own port."""
    world.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "a", "namespace": "netpol-x"},
            "spec": {"selector": {"pod": "a"}, "ports": [{"port": 8000, "targetPort": 80}]},
        },
        policy(podSelector=A, ingress=[{"from": [{"namespaceSelector": labels(ns="y")}], "ports": [{"port": 80}]}]),
    )
    url = "http://a.netpol-x:8000/"
    ask = f"import urllib.request as u; print(u.urlopen('{url}', timeout=2).status)"
    try:
        assert _until_said(world, "netpol-y", ask, "200\n")
        assert _until_said(world, "netpol-z", ask, "")
    finally:
        world.cluster("-n", "netpol-x", "delete", "networkpolicy/case", "service/a")


def _until_said(world: World, namespace: str, code: str, wanted: str) -> bool:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        command = world.cluster.command("-n", namespace, "exec", "b", "--", "python3", "-c", code)
        if subprocess.run(command, capture_output=True, text=True, check=False).stdout == wanted:
            return True
    return False


def test_rules_come_back_when_the_agent_is_killed(world: World) -> None:
    everything = {(source, target, port) for source, target in PAIRS for port in PORTS}
    world.cluster.kill("policy-agent")
    world.cluster.apply(policy(policyTypes=["Ingress"]))
    try:
        world.until({each for each in everything if each[1][0] != "x"})
    finally:
        world.cluster("-n", "netpol-x", "delete", "networkpolicy", "case")
    assert (PLACE / "log/policy-agent.log").exists()
