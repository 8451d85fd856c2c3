"""Rounds of failure at random moments, while sessions start, run, sleep and end on real and on simulated nodes.

At the end what runs equals what is wanted: the test prints lost, leaked and doubled. `ROUNDS`, `SIMULATED` and `SEED` of the
environment say how much of it, and what to do again.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chaos.patient_client import PatientClient
from tests.installation import COMMAND
from tests.postgres_server import PostgresServer

from . import simulated
from .cluster import Cluster, make
from .hub import Hub, environment, settings

pytestmark = [pytest.mark.long, pytest.mark.timeout(2400)]

#: Two hubs in one namespace would each take the other's sessions for wanted by nobody.
NAMESPACE = "rspark-failures"
ROUNDS = int(os.environ.get("ROUNDS", "33"))
REAL = 3
SIMULATED = int(os.environ.get("SIMULATED", "200"))
PATIENCE = 420.0  # seconds until all is as it is wanted, after the last failure

SPARK = {"services": {"spark": {"mode": "kubernetes", "workers": 0, "max": 1, "memory": "512Mi"}}}
ENVIRONMENTS = {
    "shell": environment("shell"),
    "simulated": environment("simulated", kubernetes=simulated.PLACEMENT),
    "simulated-spark": environment("simulated-spark", kubernetes=simulated.PLACEMENT, kernels=["r"], **SPARK),
}
#: What a session with executors has beside its pod and its Secret.
BESIDE = ("Service", "ServiceAccount", "NetworkPolicy")


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    server = PostgresServer(keeps_promises=True)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def hub(images: Cluster, database: PostgresServer, tmp_path: Path) -> Iterator[Hub]:
    """A hub of its own, whose processes may be killed, and its namespace."""
    (tmp_path / "environments").mkdir()
    for name, text in ENVIRONMENTS.items():
        (tmp_path / "environments" / f"{name}.yaml").write_text(text)
    environ = settings(images) | {
        "RSPARKHUB_ENVIRONMENTS": str(tmp_path / "environments"),
        "RSPARKHUB_KUBERNETES__NAMESPACE": NAMESPACE,
        "RSPARKHUB_STORE_URL": database.url(database.create_database()),
        "RSPARKHUB_MOST_RUNNING": "1000",
        "RSPARKHUB_MOST_STARTING": "20",
        "RSPARKHUB_MOST_SESSIONS_PER_PERSON": "1000",
        # A rest after each sweep of 200 sessions: two cores run the cluster, the hub and the test.
        "RSPARKHUB_LOOK_EVERY": "20s",
        "RSPARKHUB_SWEEP_EVERY": "10s",
    }
    command = [COMMAND, "render", "kubernetes", "namespace"]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout
    images.apply(*yaml.safe_load_all(rendered))
    make("cluster-scale", NODES=str(SIMULATED // 20))
    with simulated.agents(), Hub(tmp_path / "data", environ=environ) as running:
        yield running  # type: ignore[misc]
    images("delete", "namespace", NAMESPACE, "--timeout=240s")
    for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
        images("delete", kind, f"{NAMESPACE}-executors")
    make("cluster-scale", NODES="0")


class Failures:
    """What goes wrong, each by its name."""

    def __init__(self, hub: Hub, cluster: Cluster, database: PostgresServer, chosen: random.Random) -> None:
        self._hub, self._cluster, self._database, self._chosen = hub, cluster, database, chosen
        self.done: Counter[str] = Counter()
        self._next: list[str] = []
        self._all: dict[str, Callable[[], None]] = {
            "hub": lambda: self._kill("hub"),
            "controller": lambda: self._kill("controller"),
            "edge": lambda: self._kill("edge"),
            "PostgreSQL": self._kill_database,
            "API server": self._kill_api_server,
            "pod deleted": lambda: self._delete("pods"),
            "pod deleted by force": lambda: self._delete("pods", "--force", "--grace-period=0"),
            "Secret deleted": lambda: self._delete("secrets"),
            "Service deleted": lambda: self._delete("services"),
            "account deleted": lambda: self._delete("serviceaccounts"),
            "policy deleted": lambda: self._delete("networkpolicies"),
        }

    def one(self) -> None:
        """Let one of them happen; none comes again before each has been."""
        if not self._next:
            self._next = self._chosen.sample(list(self._all), len(self._all))
        name = self._next.pop()
        self._all[name]()
        self.done[name] += 1

    def _kill(self, name: str) -> None:
        """Kill one of the hub's processes; `up` starts it again."""
        held = json.loads((self._hub.data / "lock").read_text() or "{}")
        pid = held.get("processes", {}).get(name, (0,))[0]
        if pid:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def _kill_database(self) -> None:
        self._database.kill()
        time.sleep(self._chosen.uniform(0, 2))
        self._database.run()

    def _kill_api_server(self) -> None:
        try:
            self._cluster.kill("kube-apiserver")
        except AssertionError:  # it is on its way back from the last time
            return

    def _delete(self, kind: str, *words: str) -> None:
        """Delete an object of a session behind the controller's back."""
        command = self._cluster.command("-n", NAMESPACE, "get", kind, "-l", "rsparkhub/session", "-o", "name")
        names = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
        if names:
            subprocess.run(
                self._cluster.command("-n", NAMESPACE, "delete", self._chosen.choice(names), "--wait=false", *words),
                capture_output=True,
                check=False,
            )


class Person:
    """One who starts sessions, sends them to sleep, wakes and deletes them, and remembers what is wanted."""

    def __init__(self, client: PatientClient, chosen: random.Random) -> None:
        self._client, self._chosen = client, chosen
        self.wanted: dict[str, str] = {}  # running, suspended or deleted, by session
        self.environment: dict[str, str] = {}

    async def start(self, environment: str, number: int) -> str:
        made = await self._client.ask("POST", "/sessions", key=f"{environment}-{number}", body={"environment": environment})
        self.wanted[made["id"]], self.environment[made["id"]] = "running", environment
        return str(made["id"])

    async def start_many(self, seconds: float) -> None:
        """Start the simulated ones, spread over some time: every fourth asks for executors."""
        for number in range(SIMULATED):
            await self.start("simulated" if number % 4 else "simulated-spark", number)
            await asyncio.sleep(self._chosen.uniform(0, 2 * seconds / SIMULATED))

    async def change_wanted(self, *, keep: set[str]) -> None:
        """Want something else of a session."""
        session = self._chosen.choice([one for one, state in self.wanted.items() if state != "deleted"])
        what = self._chosen.choice(["suspend", "resume", "suspend", "resume", "delete"])
        if what == "delete" and session in keep:
            what = "resume"
        await self.ask(session, what)
        self.wanted[session] = {"suspend": "suspended", "resume": "running", "delete": "deleted"}[what]

    async def ask(self, session: str, what: str) -> None:
        if what == "delete":
            await self._client.ask("DELETE", f"/sessions/{session}")
        else:
            await self._client.ask("POST", f"/sessions/{session}/{what}")

    async def ask_again(self, states: dict[str, str]) -> None:
        """Ask for what failed: such a session waits until somebody does."""
        for session, state in states.items():
            if state == "failed" and self.wanted[session] != "deleted":
                await self.ask(session, {"running": "resume", "suspended": "suspend"}[self.wanted[session]])

    async def states(self) -> dict[str, str]:
        """Give how the sessions are, by the hub's word."""
        states: dict[str, str] = {}
        for session in self.wanted:
            try:
                states[session] = (await self._client.session(session))["state"]
            except RuntimeError as refusal:
                if ": 404 " not in str(refusal):
                    raise
                states[session] = "deleted"
        return states


@asynccontextmanager
async def person(hub: Hub, chosen: random.Random) -> AsyncIterator[Person]:
    client = PatientClient(hub.address, hub.token)
    try:
        yield Person(client, chosen)
    finally:
        await client.close()


async def test_what_runs_is_what_is_wanted(hub: Hub, images: Cluster, database: PostgresServer) -> None:
    seed = int(os.environ.get("SEED", str(random.randrange(10**6))))
    print(f"SEED={seed} ROUNDS={ROUNDS} SIMULATED={SIMULATED}")
    chosen = random.Random(seed)
    failures = Failures(hub, images, database, chosen)
    async with person(hub, chosen) as ada:
        real = [await ada.start("shell", number) for number in range(REAL)]
        await asyncio.to_thread(hub.until, real[0], lambda said: said["state"] == "running")
        await asyncio.to_thread(hub.run, real[0], "bash", "-c", "echo kept > ~/kept.txt")
        starting = asyncio.create_task(ada.start_many(seconds=1.5 * ROUNDS))
        for _ in range(ROUNDS):
            await asyncio.sleep(chosen.uniform(0.1, 2.5))  # the moment is what is random
            if chosen.random() < 0.5:
                await ada.change_wanted(keep={real[0]})
            failures.one()  # in this thread: PostgreSQL ends with the one that started it
        await starting
        print(dict(failures.done))
        images.until_ready()

        deadline = time.monotonic() + PATIENCE
        while True:
            states = await ada.states()
            seen = look(images, ada, states)
            if not any(seen.values()):
                break
            assert time.monotonic() < deadline, {name: found[:20] for name, found in seen.items()}
            await ada.ask_again(states)
            await asyncio.sleep(1)
        print(f"settled after {time.monotonic() - deadline + PATIENCE:.0f} s: lost 0, leaked 0, doubled 0")
        print(dict(Counter(ada.wanted.values())))

        await ada.ask(real[0], "resume")
        await asyncio.to_thread(hub.until, real[0], lambda said: said["state"] == "running")
        assert await asyncio.to_thread(hub.run, real[0], "cat", "kept.txt") == "kept\n"


def look(cluster: Cluster, ada: Person, states: dict[str, str]) -> dict[str, list[str]]:
    """Compare what runs with what is wanted: what is missing, what nobody wants, and what is there twice."""
    lost = [f"{session} is {state}" for session, state in states.items() if state != ada.wanted[session]]
    kinds = ("Pod", "Secret", *BESIDE)
    listed: list[Any] = cluster.get("-n", NAMESPACE, ",".join(kinds), "-l", "rsparkhub/session")["items"]
    there = Counter((one["kind"], one["metadata"]["labels"]["rsparkhub/session"]) for one in listed)
    running = {session for session, state in ada.wanted.items() if state == "running"}
    for session in running:
        needed = kinds if ada.environment[session] == "simulated-spark" else ("Pod", "Secret")
        lost += [f"no {kind} of {session}" for kind in needed if (kind, session) not in there]
    return {
        "lost": lost,
        "leaked": [f"{kind} of {session}" for kind, session in there if session not in running],
        "doubled": [f"{kind} of {session}" for (kind, session), count in there.items() if count > 1],
    }
