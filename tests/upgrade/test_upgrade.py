"""The version before runs with a session in each state; this version takes its data folder over, and nothing is lost."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.installation import ROOT, Installation
from tests.kernels import RemoteKernel
from tests.postgres_server import PostgresServer
from tests.upgrade import earlier

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]

DEADLINE = 180.0


@pytest.fixture(scope="module")
def command_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of the version before."""
    if not earlier.is_in_history():
        pytest.skip("this checkout was cloned without its history: the version before isn't in it")
    return earlier.install(tmp_path_factory.mktemp("before") / "checkout")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Settings that name the store."""
    if request.param == "sqlite":
        yield {}
        return
    server = PostgresServer(keeps_promises=True)
    try:
        server.start()
        yield {"RSPARKHUB_STORE_URL": server.url(server.create_database())}
    finally:
        server.remove()


class World:
    """One installation and its sessions, seen through the API."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.http = installation.client()

    def start(self, environment: str, name: str) -> str:
        answer = self.http.post("/hub/api/sessions", json={"environment": environment, "name": name})
        answer.raise_for_status()
        return str(answer.json()["id"])

    def show(self, session: str) -> dict[str, Any]:
        answer = self.http.get(f"/hub/api/sessions/{session}")
        answer.raise_for_status()
        return dict(answer.json())

    def ask(self, session: str, what: str) -> None:
        until(lambda: self.show(session), lambda found: not found["busy"])  # else it asks first
        self.http.post(f"/hub/api/sessions/{session}/{what}").raise_for_status()

    def until(self, session: str, state: str) -> dict[str, Any]:
        return until(lambda: self.show(session), lambda found: found["state"] == state)

    def kernel(self, session: str, kernel_id: str | None = None) -> RemoteKernel:
        """A kernel of a session, through the edge, at the session's own host as a program reaches it."""
        headers = {"Authorization": f"Bearer {self.installation.token}"}
        return RemoteKernel(f"{self.installation.address}/s/{session}", headers, kernel_id=kernel_id)


def until(look: Callable[[], dict[str, Any]], good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE
    while not good(found := look()):
        assert time.monotonic() < deadline, json.dumps(found, indent=1)
        time.sleep(0.2)
    return found


def agents_of(data: Path) -> dict[str, int]:
    """Pids of the agents that run, by ensemble."""
    found = {}
    for process in psutil.process_iter():
        try:
            environ, words = process.environ(), process.cmdline()
        except psutil.Error:
            continue
        if "rspark_session.agent" in words and "RSPARK_ENSEMBLE" in environ and str(data) in environ.get("RSPARK_HOME", ""):
            found[environ["RSPARK_ENSEMBLE"]] = process.pid
    return found


@pytest.fixture
def data(tmp_path: Path, store: dict[str, str]) -> Iterator[Path]:
    """The data folder; what a test that failed has left running there is ended."""
    folder = tmp_path / "data"
    yield folder
    if agents_of(folder):
        Installation(folder, environ=store).down()


def test_everything_goes_on_under_the_new_version(command_before: Path, store: dict[str, str], data: Path) -> None:
    settings = {**store, "RSPARKHUB_MOST_RUNNING": "1", "RSPARKHUB_SESSION_R_LIBS": str(command_before.parents[2] / ".r-library")}
    before = Installation(data, environ=settings, command=command_before)
    after = Installation(data, port=before.port, environ={**settings, "RSPARKHUB_SESSION_R_LIBS": str(ROOT / ".r-library")})
    with ExitStack() as stack:
        before.up()
        stack.callback(lambda: before.process and before.process.poll() is None and before.interrupt())
        old = World(before)
        assert before.command("user", "add", "bob").returncode == 0
        asleep = old.start("r-basics", "asleep")
        old.until(asleep, "running")
        sleeper = old.kernel(asleep)
        sleeper.run("kept <- 6 * 7")
        old.ask(asleep, "suspend")
        assert old.until(asleep, "suspended")["last_exit"]["code"] == 0
        running = old.start("r-basics", "running")
        old.until(running, "running")
        worker = old.kernel(running)
        worker.run("going <- 'on'")
        queued = old.start("terminal", "queued")
        old.until(queued, "queued")
        assert before.interrupt() == 0
    agents = agents_of(data)
    assert f"{running}.1" in agents

    with after:
        new = World(after)
        # What ran goes on: the same agent, the same R with what it holds, reached through the new edge.
        assert new.show(running)["state"] == "running"
        assert agents_of(data) == agents
        assert "on" in new.kernel(running, worker.id).run("cat(going)").text
        assert until(lambda: new.show(running), lambda found: found["memory"] > 0)["reason"] is None
        # What waits still waits, until what runs is asked to sleep: by the new version, of the old agent, which ends with 0.
        assert new.show(queued)["queue_position"] == 1
        new.ask(running, "suspend")
        assert new.until(running, "suspended")["last_exit"]["code"] == 0
        new.until(queued, "running")
        new.ask(queued, "stop")
        new.until(queued, "stopped")
        # What slept wakes with what the old version's agent kept.
        for session, code, kept in ((asleep, "cat(kept)", "42"), (running, "cat(going)", "on")):
            new.ask(session, "resume")
            new.until(session, "running")
            [kernel] = [each["id"] for each in new.http.get(f"/s/{session}/api/kernels").raise_for_status().json()]
            assert kept in new.kernel(session, kernel).run(code).text
            new.ask(session, "stop")
            new.until(session, "stopped")
        # People, history and usage are there.
        assert [user["name"] for user in new.http.get("/hub/api/users").json()["users"]] == ["bob", "root"]
        events = new.http.get("/hub/api/audit", params={"session": asleep}).json()["events"]
        assert events[0]["kind"] == "created"
        usage = new.http.get("/hub/api/usage", params={"all": "true"}).raise_for_status().json()
        assert {row["session"] for row in usage["sessions"]} >= {asleep, running}
    with httpx.Client() as client, pytest.raises(httpx.ConnectError):
        client.get(after.address)
