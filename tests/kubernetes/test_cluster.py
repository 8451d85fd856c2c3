"""`make cluster` is a Kubernetes that runs pods, comes back when its parts are killed, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from .cluster import PLACE, TOP, Cluster, make

QUIET = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "quiet", "finalizers": ["test.rsparkhub/look"]},
    "spec": {
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "quiet",
                "image": "localhost/rspark-cluster/pause:1",
                "imagePullPolicy": "Never",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}

pytestmark = [pytest.mark.timeout(1500), pytest.mark.skipif(os.geteuid() != 0, reason="a node needs root")]


kubectl = Cluster()


def programs(place: Path = PLACE) -> list[psutil.Process]:
    """Processes of a cluster: its programs, its containerd, and the shims of its pods."""
    marks = (str(place), "/run/rspark-cluster/")
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if any(mark in line for mark in marks) and process.pid != os.getpid():
            found.append(process)
    return found


def rules() -> str:
    return "".join(
        subprocess.run([f"{name}-save"], capture_output=True, text=True, check=True).stdout for name in ("iptables", "ip6tables")
    )


@pytest.fixture
def cluster() -> Iterator[None]:
    if any(process.info["cmdline"][1:2] == ["keep"] for process in programs()):
        pytest.fail("A cluster runs here already; `make cluster-down` ends it.")
    make("cluster")
    try:
        yield
    finally:
        make("cluster-down")


def test_a_pod_runs_and_ends_with_0_when_it_is_told_to(cluster: None) -> None:
    kubectl("apply", "-f", "-", given=QUIET)
    kubectl("wait", "--for=condition=Ready", "pod/quiet", "--timeout=60s")
    kubectl("delete", "pod", "quiet", "--wait=false")
    kubectl(
        "wait", "--for=jsonpath={.status.containerStatuses[0].state.terminated.reason}=Completed", "pod/quiet", "--timeout=60s"
    )
    pod = kubectl.get("pod", "quiet")
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    kubectl("patch", "pod", "quiet", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')


def test_who_has_no_certificate_is_refused(cluster: None) -> None:
    said = subprocess.run(
        ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "https://127.0.0.1:6443/api/v1/namespaces"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout == "401"


def test_a_killed_api_server_is_back_by_itself(cluster: None) -> None:
    server = next(process for process in programs() if "kube-apiserver" in process.cmdline()[0])
    server.kill()
    server.wait(10)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        command = [PLACE / "bin/kubectl", "--kubeconfig", PLACE / "kubeconfig", "get", "--raw", "/readyz"]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return
    pytest.fail("the API server did not come back within 30 s")


def test_a_second_make_cluster_says_that_one_runs(cluster: None) -> None:
    assert "A cluster runs already" in make("cluster")


@pytest.mark.long  # KWOK is built for it
def test_more_nodes_join_real_and_simulated_and_pods_of_both_run(cluster: None) -> None:
    assert "node-2 has joined" in make("cluster", NODES="2")
    make("cluster-scale", NODES="20")
    names = kubectl("get", "nodes", "-o", "name").split()
    assert len(names) == 22
    for name, node in (("real", "node-2"), ("simulated", "kwok-20")):
        pod = {**QUIET, "metadata": {"name": name}, "spec": {**QUIET["spec"], "nodeName": node}}
        kubectl("apply", "-f", "-", given=pod)
        kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
        kubectl("delete", "pod", name, "--timeout=60s")
    make("cluster-scale", NODES="2")
    assert len(kubectl("get", "nodes", "-o", "name").split()) == 4
    (code, said) = refused("cluster-scale", "NODES=many")
    assert (code, said.strip().splitlines()[0]) == (2, "cluster: NODES=many is no number of nodes: give one from 0 to 5000")


def refused(*words: str) -> tuple[int, str]:
    done = subprocess.run(["make", "--no-print-directory", *words], cwd=TOP, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_nothing_is_left_when_it_is_taken_away_also_after_everything_was_killed(cluster: None) -> None:
    kubectl("apply", "-f", "-", given={**QUIET, "metadata": {"name": "quiet"}})
    kubectl("wait", "--for=condition=Ready", "pod/quiet", "--timeout=60s")
    sandboxes = [one["sandbox"] for text in noted() for one in json.loads(text)["result"]["interfaces"] if "sandbox" in one]
    assert sandboxes
    make("cluster", NODES="2")
    keeper = int((PLACE / "state/keeper").read_text().split()[0])
    os.kill(keeper, signal.SIGKILL)
    psutil.wait_procs(programs(), timeout=5)  # they end with their keeper; the pod's shim lives on

    make("cluster")  # starts on what was left
    assert (
        "No resources found"
        in subprocess.run(
            [PLACE / "bin/kubectl", "--kubeconfig", PLACE / "kubeconfig", "get", "pods"],
            capture_output=True,
            text=True,
            check=True,
        ).stderr
    )
    make("cluster-down")
    nothing_is_left()
    assert not any(map(os.path.exists, sandboxes))


def noted() -> list[str]:
    """What the network plugins note of each pod."""
    return [file.read_text() for file in Path("/var/lib/cni/results").glob("rspark-*")]


def nothing_is_left() -> None:
    assert noted() == []
    assert programs() == []
    assert not Path("/run/rspark-cluster").exists()
    assert list(Path("/sys/class/net").glob("rspark*")) == []
    assert list(Path("/sys/fs/cgroup").glob("**/rspark-cluster-*")) == []
    assert [
        line for line in Path("/proc/mounts").read_text().splitlines() if "rspark-cluster" in line or str(PLACE) in line
    ] == []
    assert "KUBE-" not in rules()
    assert not (PLACE / "state").exists()


@pytest.fixture
def other() -> Iterator[Path]:
    """Another checkout's folder of the cluster; of a short path, since sockets are in it."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_cluster_of_another_checkout_is_respected_while_it_runs_and_cleared_away_when_it_was_killed(other: Path) -> None:
    make("cluster-down")
    (other / "bin").symlink_to(PLACE / "bin")
    program = PLACE / "bin/cluster"
    subprocess.run([program, "up", other], check=True, capture_output=True)
    keeper = int((other / "state/keeper").read_text().split()[0])
    try:
        (code, said) = refused("cluster")
        assert (code, said.splitlines()[0]) == (
            2,
            f"cluster: this machine has a cluster already, in {other}: `make cluster-down` in that checkout ends it",
        )
        make("cluster-down")  # takes away what is of this checkout, and nothing is
        assert psutil.pid_exists(keeper)
        subprocess.run([program, "up", other, "2"], check=True, capture_output=True)
        there = [PLACE / "bin/kubectl", "--kubeconfig", other / "kubeconfig"]
        subprocess.run([*there, "apply", "-f", "-"], input=json.dumps(QUIET), text=True, check=True)
        subprocess.run([*there, "wait", "--for=condition=Ready", "pod/quiet", "--timeout=60s"], check=True)
    finally:
        os.kill(keeper, signal.SIGKILL)
    sockets = list(Path("/run/rspark-cluster").glob("node-*/containerd.sock"))
    assert len(sockets) == 2
    psutil.wait_procs([process for process in programs(other) if "shim" not in process.name()], timeout=5)
    assert "No cluster runs here, so nothing was loaded" in make("images")

    make("cluster")
    kubectl("apply", "-f", "-", given={**QUIET, "metadata": {"name": "quiet"}})
    kubectl("wait", "--for=condition=Ready", "pod/quiet", "--timeout=60s")
    assert not (other / "state").exists()
    make("cluster-down")
    nothing_is_left()
    assert programs(other) == []
    assert str(other) not in Path("/proc/mounts").read_text()


def test_a_folder_with_a_path_that_is_too_long_is_refused_before_anything_starts(tmp_path: Path) -> None:
    other = tmp_path / ("deep" * 20)
    done = subprocess.run([PLACE / "bin/cluster", "up", other], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"the path {other} is too long for the sockets" in done.stderr
    assert not other.exists()
