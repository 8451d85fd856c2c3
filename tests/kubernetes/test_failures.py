"""Rounds of failure at random moments, while sessions start, run, sleep and end on a real node.

At the end what runs equals what is wanted: the test prints lost, leaked and doubled.
"""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.installation import COMMAND

from .cluster import Cluster
from .hub import ENVIRONMENTS, Hub, settings

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]

#: Two hubs in one namespace would each take the other's sessions for wanted by nobody.
NAMESPACE = "rspark-failures"
ROUNDS = int(os.environ.get("ROUNDS", "30"))
SESSIONS = 3
PATIENCE = 240.0  # seconds until all is as it is wanted, after the last failure


@pytest.fixture
def hub(images: Cluster, tmp_path: Path) -> Iterator[Hub]:
    """A hub of its own, whose processes may be killed, and its namespace."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/shell.yaml").write_text(ENVIRONMENTS["shell"])
    environ = settings(images) | {
        "RSPARKHUB_ENVIRONMENTS": str(tmp_path / "environments"),
        "RSPARKHUB_KUBERNETES__NAMESPACE": NAMESPACE,
    }
    command = [COMMAND, "render", "kubernetes", "namespace"]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout
    images.apply(*yaml.safe_load_all(rendered))
    with Hub(tmp_path / "data", environ=environ) as running:
        yield running  # type: ignore[misc]
    images("delete", "namespace", NAMESPACE, "--timeout=120s")
    for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
        images("delete", kind, f"{NAMESPACE}-executors")


def kill(hub: Hub, name: str) -> None:
    """Kill one of the hub's processes; `up` starts it again."""
    held = json.loads((hub.data / "lock").read_text() or "{}")
    pid = held.get("processes", {}).get(name, (0,))[0]
    if pid:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def delete(cluster: Cluster, kind: str, chosen: random.Random, *words: str) -> None:
    """Delete one of our pods or Secrets behind the controller's back."""
    command = cluster.command("-n", NAMESPACE, "get", kind, "-l", "rsparkhub/component=session", "-o", "name")
    names = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    if names:
        subprocess.run(
            cluster.command("-n", NAMESPACE, "delete", chosen.choice(names), "--wait=false", *words),
            capture_output=True,
            check=False,
        )


def kill_api_server(cluster: Cluster) -> None:
    try:
        cluster.kill("kube-apiserver")
    except AssertionError:  # it is on its way back from the last time
        return


def wish(hub: Hub, session: str, chosen: random.Random, wanted: dict[str, str]) -> None:
    """Want something of a session, as a person does; a hub that is away is asked again by the next round."""
    what = chosen.choice(["suspend", "resume"])
    if hub.command("session", what, session).returncode == 0:
        wanted[session] = {"suspend": "suspended", "resume": "running"}[what]


def test_what_runs_is_what_is_wanted(hub: Hub, images: Cluster) -> None:
    seed = int(os.environ.get("SEED", str(random.randrange(10**6))))
    print(f"SEED={seed} ROUNDS={ROUNDS}")
    chosen = random.Random(seed)
    sessions = [hub.start("shell") for _ in range(SESSIONS)]
    wanted = dict.fromkeys(sessions, "running")
    hub.run(sessions[0], "bash", "-c", "echo kept > ~/kept.txt")
    failures: dict[str, Callable[[], None]] = {
        "hub": lambda: kill(hub, "hub"),
        "controller": lambda: kill(hub, "controller"),
        "edge": lambda: kill(hub, "edge"),
        "API server": lambda: kill_api_server(images),
        "pod deleted": lambda: delete(images, "pods", chosen),
        "pod deleted by force": lambda: delete(images, "pods", chosen, "--force", "--grace-period=0"),
        "Secret deleted": lambda: delete(images, "secrets", chosen),
    }
    done: Counter[str] = Counter()
    for _ in range(ROUNDS):
        time.sleep(chosen.uniform(0.1, 2.0))  # the moment is what is random
        if chosen.random() < 0.4:
            wish(hub, chosen.choice(sessions), chosen, wanted)
        name = chosen.choice(list(failures))
        failures[name]()
        done[name] += 1
    print(dict(done))
    deadline = time.monotonic() + PATIENCE
    while (seen := look(hub, images, wanted)) != {"lost": [], "leaked": [], "doubled": []}:
        assert time.monotonic() < deadline, seen
        for session in sessions:  # one that failed waits until somebody asks: a person would
            if '"failed"' in hub.command("session", "show", session, "--json").stdout:
                hub.command("session", {"running": "resume", "suspended": "suspend"}[wanted[session]], session)
        time.sleep(1)
    print("lost 0, leaked 0, doubled 0")
    hub.do("resume", sessions[0])
    assert hub.run(sessions[0], "cat", "kept.txt") == "kept\n"
    for session in sessions:
        hub.delete(session)


def look(hub: Hub, cluster: Cluster, wanted: dict[str, str]) -> dict[str, list[str]]:
    """Compare what runs with what is wanted: what is missing, what nobody wants, and what is there twice."""
    states = {session: json.loads(hub.command("session", "show", session, "--json").stdout or "{}") for session in wanted}
    lost = [f"{session} is {said.get('state')}" for session, said in states.items() if said.get("state") != wanted[session]]
    listed = cluster.get("-n", NAMESPACE, "pods,secrets", "-l", "rsparkhub/component=session")["items"]
    there = Counter((one["kind"], one["metadata"]["labels"]["rsparkhub/session"]) for one in listed)
    doubled = [f"{kind} of {session}" for (kind, session), count in there.items() if count > 1]
    running = {session for session, state in wanted.items() if state == "running"}
    leaked = [f"{kind} of {session}" for kind, session in there if session not in running]
    lost += [f"no pod of {session}" for session in running if ("Pod", session) not in there]
    return {"lost": lost, "leaked": leaked, "doubled": doubled}
