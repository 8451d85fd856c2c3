"""Sessions as pods of a real node: from the command line of a hub on this machine to the API server and back."""

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from .cluster import Cluster
from .hub import NAMESPACE, Hub, gone, pods
from .processes import in_pod

pytestmark = [pytest.mark.timeout(900)]


def ends_of(cluster: Cluster, session: str, during: Callable[[], None]) -> list[dict[str, Any]]:
    """Give how the container of a session's pod ended while something was done, as the API server told it."""
    path = f"/api/v1/namespaces/{NAMESPACE}/pods?watch=1&timeoutSeconds=120&labelSelector=rsparkhub/session={session}"
    with subprocess.Popen(cluster.command("get", "--raw", path), stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["type"] == "ADDED"
        during()
        ends = []
        for event in map(json.loads, watching.stdout):
            for container in event["object"]["status"].get("containerStatuses", []):
                if "terminated" in container["state"]:
                    ends.append(container["state"]["terminated"])
            if event["type"] == "DELETED":
                break
        else:
            raise AssertionError(f"The pod of {session} was not deleted within 120 s.")
        watching.terminate()
    gone(cluster, session)
    return ends


def writes(cluster: Cluster, session: str) -> list[str]:
    """Name the calls of the controller that changed something of a session, as the audit log has them."""
    found = []
    for line in cluster.audit.read_text().splitlines():
        call = json.loads(line)
        about = call.get("objectRef", {})
        ours = call.get("userAgent", "").startswith("rsparkhub") and call["verb"] in ("create", "update", "patch", "delete")
        if ours and session in about.get("name", "") and call["stage"] == "ResponseComplete":
            found.append(f"{call['verb']} {about['resource']}")
    return found


def test_a_session_sleeps_with_exit_code_0_and_wakes_with_its_work(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("lab")
    assert hub.run(session, "psql", "-Atc", "select count(*) from flights", "flights") == "336776\n"
    assert hub.run(session, "psql", "-h", "postgres", "-Atc", "select 1") == "1\n"
    hub.run(session, "bash", "-c", "echo kept > ~/kept.txt")
    (ended, *_) = ends_of(namespace, session, lambda: hub.do("suspend", session))
    assert ended["exitCode"] == 0
    record = json.loads(ended["message"])
    assert (record["session"], record["how"], record["code"]) == (session, "suspended", 0)
    assert hub.show(session)["last_exit"]["code"] == 0
    hub.do("resume", session)
    assert hub.run(session, "cat", "kept.txt") == "kept\n"
    hub.delete(session)
    gone(namespace, session)


def test_a_start_takes_at_most_six_writes_and_an_end_three(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("shell")
    started = writes(namespace, session)
    assert 1 < len(started) <= 6, started
    hub.do("stop", session)
    gone(namespace, session)
    ended = writes(namespace, session)[len(started) :]
    assert 1 < len(ended) <= 3, ended


def test_a_start_of_a_person_who_has_a_home_takes_two_writes(hub: Hub, namespace: Cluster) -> None:
    for _ in range(2):
        session = hub.start("shell")
        started = writes(namespace, session)
        hub.delete(session)
        gone(namespace, session)
    assert sorted(started) == ["create pods", "create secrets"]


def test_what_is_there_is_restricted(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("shell")
    (pod,) = pods(namespace, session)
    assert hub.run(session, "id", "-u") == "1000\n"
    command = namespace.command("-n", NAMESPACE, "run", "root", "--image=any", "--restart=Never")
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "violates PodSecurity" in refused.stderr
    assert pod["spec"]["automountServiceAccountToken"] is False
    hub.delete(session)


def test_a_pod_that_is_evicted_goes_on_elsewhere(hub: Hub, namespace: Cluster) -> None:
    """What a drain does with each pod."""
    session = hub.start("lab")
    hub.run(session, "bash", "-c", "echo before > ~/moved.txt")
    (before,) = pods(namespace, session)
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": before["metadata"]["name"], "namespace": NAMESPACE},
    }
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{before['metadata']['name']}/eviction"
    namespace("create", "--raw", path, "-f", "-", given=eviction)

    seen = hub.until(session, _runs_again)
    assert _uid(pods(namespace, session)) != _uid([before])
    assert seen["last_exit"]["code"] == 0
    assert seen["last_exit"]["saved"] is not None
    assert hub.run(session, "cat", "moved.txt") == "before\n"
    hub.delete(session)


def _runs_again(seen: dict[str, Any]) -> bool:
    """Return whether a session's second generation runs: before the end of the first was noticed, that one is said to run."""
    return bool(seen["state"] == "running" and seen["generation"] == 2)


def _uid(found: list[dict[str, Any]]) -> str:
    [pod] = found
    return str(pod["metadata"]["uid"])


@pytest.mark.parametrize("kind", ["pod", "secret"])
def test_what_is_deleted_behind_its_back_runs_again(hub: Hub, namespace: Cluster, kind: str) -> None:
    session = hub.start("shell")
    (before,) = pods(namespace, session)
    force = ["--force", "--grace-period=0"] if kind == "pod" else []
    namespace("-n", NAMESPACE, "delete", kind, before["metadata"]["name"], "--wait=false", *force)

    hub.until(session, _runs_again)
    assert _uid(pods(namespace, session)) != _uid([before])
    assert hub.run(session, "echo", "here") == "here\n"
    hub.delete(session)
    gone(namespace, session)


def test_an_agent_that_is_killed_takes_its_pod_with_it_and_the_page_says_so(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("shell")
    min(in_pod(session, "rspark_session.agent"), key=lambda one: one.create_time()).kill()
    seen = hub.until(session, lambda seen: seen["state"] == "failed")
    assert seen["reason"].startswith("Your session ended unexpectedly (killed by the system).")
    assert seen["last_exit"]["code"] == 137
    gone(namespace, session)
    hub.delete(session)


def test_too_much_memory_is_said_in_words(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("greedy")
    eats = "import mmap; m = mmap.mmap(-1, 2**30); [m.__setitem__(i, 1) for i in range(0, 2**30, 4096)]"
    hub.command("session", "exec", session, "--", "python", "-c", eats)
    # The kernel ends the largest process of the group; a session whose agent lives goes on.
    alive = hub.command("session", "exec", session, "--", "echo", "alive")
    if alive.returncode == 0:
        assert alive.stdout == "alive\n"
    else:  # the row may say a moment later than the command that it failed
        assert "needed more memory" in hub.until(session, lambda seen: seen["state"] == "failed")["reason"]
    hub.delete(session)


def test_more_than_any_node_has_waits_and_says_why(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("huge", wait=False)
    seen = hub.until(session, lambda seen: bool(seen["reason"]))
    assert seen["state"] == "starting"
    assert seen["reason"] == (
        "It waits for a place on the cluster: no node has enough cores free. It starts as soon as there is room; end a session "
        "that you don't need, or ask your administrator for more."
    )
    assert "Insufficient cpu" in seen["detail"]
    hub.do("stop", session)
    gone(namespace, session)
    hub.delete(session)


def test_a_node_that_is_not_there_is_said_in_words(hub: Hub) -> None:
    session = hub.start("picky", wait=False)
    assert "no node is of the kind that it asks for" in hub.until(session, lambda seen: bool(seen["reason"]))["reason"]
    hub.delete(session)


def test_an_image_that_can_not_be_fetched_is_said_in_words(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("nowhere", wait=False)
    seen = hub.until(session, lambda seen: bool(seen["reason"]))
    assert "The image of this environment" in seen["reason"]
    assert "localhost/rsparkhub/nowhere:1" in seen["detail"]
    hub.delete(session)
    gone(namespace, session)


def test_a_name_that_is_none_of_an_image_fails_at_once(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("misspelt", wait=False)
    seen = hub.until(session, lambda seen: seen["state"] == "failed")
    assert seen["reason"] == "The name of this environment's image is wrong. Ask your administrator to correct it."
    gone(namespace, session)
    hub.delete(session)


def test_a_quota_that_is_full_is_said_in_words(hub: Hub, namespace: Cluster) -> None:
    namespace.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "full", "namespace": NAMESPACE},
            "spec": {"hard": {"pods": "1"}},
        }
    )
    used = ["-n", NAMESPACE, "get", "resourcequota", "full", "-o", "jsonpath={.status.hard.pods}"]
    deadline = time.monotonic() + 30
    while namespace(*used) != "1":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    try:
        first, second = hub.start("shell", wait=False), hub.start("shell", wait=False)
        failed = {hub.until(one, lambda seen: seen["state"] in ("running", "failed"))["reason"] for one in (first, second)}
        assert any(reason and reason.startswith("All that the cluster sets aside for sessions is in use.") for reason in failed)
        for session in (first, second):
            hub.delete(session)
            gone(namespace, session)
    finally:
        namespace("-n", NAMESPACE, "delete", "resourcequota", "full")


def test_one_without_leave_reaches_nothing_outside(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("closed")
    policies = namespace.get("-n", NAMESPACE, "networkpolicies", "-l", f"rsparkhub/session={session}")["items"]
    assert [policy["spec"]["policyTypes"] for policy in policies] == [["Egress"]]
    assert (
        hub.run(session, "bash", "-c", "timeout 2 bash -c '</dev/tcp/10.244.0.1/6443' && echo reached || echo refused")
        == "refused\n"
    )
    hub.delete(session)
    gone(namespace, session)


#: Tries to reach PostgreSQL: prints whether it could.
REACH = """
import socket
try:
    socket.create_connection(("postgres", 5432), timeout=3).close()
    print("reached")
except OSError:
    print("refused")
"""


def test_a_session_reaches_the_services_it_asked_for_and_one_of_the_version_before_all(hub: Hub, namespace: Cluster) -> None:
    asked, other = hub.start("lab"), hub.start("shell")

    def until(session: str, expected: str) -> None:
        deadline = time.monotonic() + 30  # policies follow a label within seconds
        while (said := hub.run(session, "python", "-c", REACH)) != f"{expected}\n":
            assert time.monotonic() < deadline, said
            time.sleep(0.5)

    until(asked, "reached")
    until(other, "refused")
    namespace("-n", NAMESPACE, "label", "pod", f"rspark-{other}-1", "rsparkhub/policies-")  # as that version made its pods
    until(other, "reached")
    for session in (asked, other):
        hub.delete(session)


def test_logs_of_each_part_are_there_after_the_end(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("lab")
    hub.do("stop", session)
    gone(namespace, session)
    told = hub.command("session", "logs", session, "--service", "interface")
    assert "Server" in told.stdout, told.stdout + told.stderr
    hub.delete(session)
