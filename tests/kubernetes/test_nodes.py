"""What becomes of sessions when a node is drained, or lost: two real nodes, whose pods share the homes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from .cluster import Cluster, make
from .hub import Hub, gone, pods
from .processes import ensemble, in_pod
from .spark import computing, executors, running, until

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def nodes(namespace: Cluster) -> Iterator[Cluster]:
    """The cluster with a second node, which takes nothing any more afterwards."""
    make("cluster", NODES="2")
    make("images")
    namespace("uncordon", "node-1", "node-2")
    yield namespace
    namespace("uncordon", "node-1")
    namespace("cordon", "node-2")


@contextmanager
def only(cluster: Cluster, node: str) -> Iterator[None]:
    """Let new pods come to one node alone."""
    other = {"node-1": "node-2", "node-2": "node-1"}[node]
    cluster("cordon", other)
    try:
        yield
    finally:
        cluster("uncordon", other)


@contextmanager
def lost(cluster: Cluster, node: str) -> Iterator[None]:
    """Let a node say nothing any more, as one without a network; what runs on it goes on running."""
    (kubelet,) = (
        one
        for one in psutil.process_iter(["cmdline"])
        if f"--hostname-override={node}" in (one.info["cmdline"] or []) and one.info["cmdline"][0].endswith("/kubelet")
    )
    kubelet.suspend()
    try:
        cluster("wait", f"node/{node}", "--for=condition=Ready=Unknown", "--timeout=90s")
        yield
    finally:
        kubelet.resume()
        cluster("wait", f"node/{node}", "--for=condition=Ready", "--timeout=90s")


def node_of(cluster: Cluster, session: str) -> str | None:
    found = [one for one in pods(cluster, session) if one["metadata"]["labels"]["rsparkhub/component"] == "session"]
    return found[0]["spec"].get("nodeName") if len(found) == 1 else None


def test_a_drain_takes_a_session_to_another_node_with_its_variables(hub: Hub, nodes: Cluster) -> None:
    with only(nodes, "node-2"):
        session = hub.start("lab")
    hub.r(session, "answer <- 6 * 7")
    hub.run(session, "bash", "-c", "echo kept > ~/drained.txt")
    assert node_of(nodes, session) == "node-2"
    nodes("drain", "node-2", "--pod-selector=rsparkhub/session", "--delete-emptydir-data", "--timeout=180s")
    try:
        seen = hub.until(session, lambda seen: seen["state"] == "running" and seen["generation"] == 2)
        assert node_of(nodes, session) == "node-1"
        assert seen["last_exit"]["code"] == 0
        assert hub.run(session, "cat", "drained.txt") == "kept\n"
        assert "42" in hub.r(session, "cat(answer)")
    finally:
        nodes("uncordon", "node-2")
        hub.delete(session)
    gone(nodes, session)


def test_a_session_of_a_lost_node_goes_on_elsewhere_and_nothing_of_it_is_left_there(hub: Hub, nodes: Cluster) -> None:
    with only(nodes, "node-2"):
        session = hub.start("shell")
    hub.run(session, "bash", "-c", "echo kept > ~/lost.txt")
    with lost(nodes, "node-2"):
        hub.until(session, lambda seen: seen["state"] == "running" and seen["generation"] == 2, seconds=240)
        assert node_of(nodes, session) == "node-1"
        assert hub.run(session, "cat", "lost.txt") == "kept\n"
        assert agents(session) == {1, 2}, "the first runs on where nobody hears it"
    until(lambda: agents(session) == {2})
    hub.delete(session)
    gone(nodes, session)


def test_no_executor_outlives_a_session_whose_node_is_lost(hub: Hub, nodes: Cluster) -> None:
    def elsewhere() -> None:
        nodes("uncordon", "node-1")
        nodes("cordon", "node-2")

    nodes("cordon", "node-1")
    try:
        with computing(hub, nodes, before=elsewhere) as session:
            first = {one["metadata"]["name"]: one["spec"]["nodeName"] for one in running(executors(nodes, session))}
            assert set(first.values()) == {"node-1"}
            with lost(nodes, "node-2"):
                until(lambda: not first.keys() & {one["metadata"]["name"] for one in executors(nodes, session)}, seconds=240)
                hub.until(session, lambda seen: seen["state"] == "running" and seen["generation"] == 2)
    finally:
        nodes("uncordon", "node-1", "node-2")


def test_no_executor_on_a_lost_node_outlives_its_session(hub: Hub, nodes: Cluster) -> None:
    """The API server can't end what it doesn't reach: an executor ends by itself when its driver is gone."""

    def elsewhere() -> None:
        nodes("uncordon", "node-2")
        nodes("cordon", "node-1")

    nodes("cordon", "node-2")
    try:
        with computing(hub, nodes, before=elsewhere) as session:
            assert {one["spec"]["nodeName"] for one in running(executors(nodes, session))} == {"node-2"}
            with lost(nodes, "node-2"):
                assert len(java(session)) == 2
                hub.do("stop", session)
                until(lambda: not java(session))
            until(lambda: not executors(nodes, session))
    finally:
        nodes("uncordon", "node-1", "node-2")


def agents(session: str) -> set[int]:
    """Give the generations of a session of which an agent runs on this machine, whatever its node says."""
    told = [ensemble(one) for one in in_pod(session, "rspark_session.agent")]
    return {one["generation"] for one in told if one}  # one that has just ended tells nothing


def java(session: str) -> list[Any]:
    """Give the executors of a session that run on this machine, whatever their node says."""
    return [
        one
        for one in psutil.process_iter(["cmdline"])
        if "KubernetesExecutorBackend" in " ".join(one.info["cmdline"] or [])
        and f"rspark-{session}-" in " ".join(one.info["cmdline"])
    ]
