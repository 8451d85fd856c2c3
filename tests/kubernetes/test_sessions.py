"""Sessions as pods of a real node: from the command line of a hub on this machine to the API server and back."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.installation import COMMAND, Installation

from .cluster import Cluster

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

NAMESPACE = "rspark-sessions"
IMAGE = "docker.io/rsparkhub/session:dev"


def environment(name: str, **spec: Any) -> str:
    small = {"resources": {"cpu": 1, "memory": "1Gi"}, "home": {"size": "1Gi"}, "lifecycle": {"grace": "30s"}}
    return yaml.safe_dump(
        {
            "apiVersion": "rsparkhub/v1",
            "kind": "Environment",
            "metadata": {"name": name, "title": name.capitalize()},
            "spec": {"interface": "terminal", "image": IMAGE, "kernels": ["bash"], **small, **spec},
        }
    )


ENVIRONMENTS = {
    "shell": environment("shell"),
    "lab": environment("lab", interface="jupyterlab", kernels=["r", "python"], services={"postgres": {"scope": "shared"}}),
    "huge": environment("huge", resources={"cpu": 512, "memory": "1Gi"}),
    "greedy": environment("greedy", resources={"cpu": 1, "memory": "200Mi"}),
    "nowhere": environment("nowhere", image="docker.io/rsparkhub/nowhere:1"),
    "misspelt": environment("misspelt", image="Not An Image"),
    "picky": environment("picky", kubernetes={"node_selector": {"kind": "none"}}),
    "closed": environment("closed", kubernetes={"egress": []}),
}


class Hub(Installation):
    """A hub of this machine whose sessions are pods."""

    def start(self, name: str, *, wait: bool = True) -> str:
        done = self.command("session", "start", name, "--json", *(["--wait"] if wait else []), within=240)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(json.loads(done.stdout)["id"])

    def do(self, what: str, session: str) -> None:
        done = self.command("session", what, session, "--wait", within=240)
        assert done.returncode == 0, done.stdout + done.stderr

    def show(self, session: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.command("session", "show", session, "--json").stdout)
        return found

    def until(self, session: str, good: Callable[[dict[str, Any]], bool], *, seconds: float = 120) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while not good(seen := self.show(session)):
            assert time.monotonic() < deadline, seen
            time.sleep(0.2)
        return seen

    def run(self, session: str, *words: str) -> str:
        done = self.command("session", "exec", session, "--", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def delete(self, session: str) -> None:
        with self.client() as client:
            client.delete(f"/hub/api/sessions/{session}")
        deadline = time.monotonic() + 60
        while self.command("session", "show", session).returncode == 0:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture(scope="module")
def namespace(images: Cluster) -> Iterator[Cluster]:
    """The namespace of sessions, as the chart makes it."""
    command = [COMMAND, "render", "kubernetes", "namespace"]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True, env=settings(images)).stdout
    images.apply(*yaml.safe_load_all(rendered))
    yield images
    images("delete", "namespace", NAMESPACE, "--timeout=120s")


def settings(cluster: Cluster) -> dict[str, str]:
    return os.environ | {
        "RSPARKHUB_BACKEND": "kubernetes",
        "RSPARKHUB_KUBERNETES__KUBECONFIG": str(cluster.kubeconfig),
        "RSPARKHUB_KUBERNETES__SERVICE_IMAGE": IMAGE,
        "RSPARKHUB_KUBERNETES__SPARK_IMAGE": "docker.io/rsparkhub/spark:dev",
        "RSPARKHUB_KUBERNETES__CPU_REQUESTS": "0.1",
        "RSPARKHUB_KUBERNETES__MEMORY_REQUESTS": "0.25",
        "RSPARKHUB_SWEEP_EVERY": "5s",
        "RSPARKHUB_LOOK_EVERY": "2s",
    }


@pytest.fixture(scope="module")
def hub(namespace: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    for name, text in ENVIRONMENTS.items():
        (folder / "environments").mkdir(exist_ok=True)
        (folder / "environments" / f"{name}.yaml").write_text(text)
    environ = settings(namespace) | {"RSPARKHUB_ENVIRONMENTS": str(folder / "environments")}
    with Hub(folder / "data", environ=environ) as running:
        yield running  # type: ignore[misc]


def pods(cluster: Cluster, session: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cluster.get("-n", NAMESPACE, "pods", "-l", f"rsparkhub/session={session}")["items"]
    return found


def gone(cluster: Cluster, session: str) -> None:
    """Wait until nothing of a session is left but its person's home."""
    deadline = time.monotonic() + 60
    kinds = "pods,secrets,services,serviceaccounts,networkpolicies,configmaps"
    while left := cluster("-n", NAMESPACE, "get", kinds, "-l", f"rsparkhub/session={session}", "-o", "name"):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def ends_of(cluster: Cluster, session: str, during: Callable[[], None]) -> list[dict[str, Any]]:
    """Give how the container of a session's pod ended while something was done, as the API server told it."""
    words = ("-n", NAMESPACE, "get", "pods", "-l", f"rsparkhub/session={session}", "--watch", "-o", "json")
    watching = subprocess.Popen(cluster.command(*words), stdout=subprocess.PIPE, text=True)
    try:
        during()
        gone(cluster, session)
    finally:
        watching.terminate()
    said, _ = watching.communicate(timeout=30)
    ends, decoder, at = [], json.JSONDecoder(), 0
    while at < len(said.rstrip()):
        pod, at = decoder.raw_decode(said, at)
        at += len(said[at:]) - len(said[at:].lstrip())
        for container in pod["status"].get("containerStatuses", []):
            if "terminated" in container["state"]:
                ends.append(container["state"]["terminated"])
    return ends


def writes(cluster: Cluster, session: str) -> list[str]:
    """Name the calls of the controller that changed something of a session, as the audit log has them."""
    found = []
    for line in cluster.audit.read_text().splitlines():
        call = json.loads(line)
        about = call.get("objectRef", {})
        ours = call["userAgent"].startswith("kr8s") and call["verb"] in ("create", "update", "patch", "delete")
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

    def again(seen: dict[str, Any]) -> bool:
        return seen["state"] == "running" and bool(pods(namespace, session)) and _uid(pods(namespace, session)) != _uid([before])

    seen = hub.until(session, again)
    assert seen["last_exit"]["code"] == 0
    assert seen["last_exit"]["saved"] is not None
    assert hub.run(session, "cat", "moved.txt") == "before\n"
    hub.delete(session)


def _uid(found: list[dict[str, Any]]) -> str:
    return str(found[0]["metadata"]["uid"])


@pytest.mark.parametrize("kind", ["pod", "secret"])
def test_what_is_deleted_behind_its_back_runs_again(hub: Hub, namespace: Cluster, kind: str) -> None:
    session = hub.start("shell")
    (before,) = pods(namespace, session)
    force = ["--force", "--grace-period=0"] if kind == "pod" else []
    namespace("-n", NAMESPACE, "delete", kind, before["metadata"]["name"], "--wait=false", *force)

    def again(seen: dict[str, Any]) -> bool:
        found = pods(namespace, session)
        return seen["state"] == "running" and len(found) == 1 and _uid(found) != _uid([before])

    hub.until(session, again)
    assert hub.run(session, "echo", "here") == "here\n"
    hub.delete(session)
    gone(namespace, session)


def test_an_agent_that_is_killed_takes_its_pod_with_it_and_the_page_says_so(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("shell")
    first = [
        one for one in psutil.process_iter() if "rspark_session.agent" in " ".join(_cmdline(one)) and _session_of(one) == session
    ]
    min(first, key=lambda one: one.create_time()).kill()
    seen = hub.until(session, lambda seen: seen["state"] == "failed")
    assert seen["reason"].startswith("Your session ended unexpectedly (killed by the system).")
    assert seen["last_exit"]["code"] == 137
    gone(namespace, session)
    hub.delete(session)


def _cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _session_of(process: psutil.Process) -> str:
    """Read in the agent's own file which session it is of: its environment doesn't say."""
    try:
        return str(json.loads(Path(f"/proc/{process.pid}/root/etc/rspark/ensemble.json").read_text())["id"])
    except (OSError, ValueError):
        return ""


def test_too_much_memory_is_said_in_words(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("greedy")
    eats = "import mmap; m = mmap.mmap(-1, 2**30); [m.__setitem__(i, 1) for i in range(0, 2**30, 4096)]"
    hub.command("session", "exec", session, "--", "python", "-c", eats)
    # The kernel ends the largest process of the group; a session whose agent lives goes on.
    if hub.show(session)["state"] == "running":
        assert hub.run(session, "echo", "alive") == "alive\n"
    else:
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
    assert "docker.io/rsparkhub/nowhere:1" in seen["detail"]
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


def test_logs_of_each_part_are_there_after_the_end(hub: Hub, namespace: Cluster) -> None:
    session = hub.start("lab")
    hub.do("stop", session)
    gone(namespace, session)
    told = hub.command("session", "logs", session, "--service", "interface")
    assert "Server" in told.stdout, told.stdout + told.stderr
    hub.delete(session)
