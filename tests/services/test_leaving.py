"""Who leaves, disabled or removed, is out everywhere within seconds: what they run, have open, and are let in by."""

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from rsparkhub.factory import Factory
from rsparkhub.installed.settings import load_settings
from tests.install.running import Running, environ
from tests.installation import COMMAND, ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
ENVIRONMENT = """
apiVersion: rsparkhub/v1
kind: Environment
metadata: {name: all, title: All, description: "Rc² with HDFS, Hive and object storage."}
spec:
  interface: rc2
  kernels: [bash]
  services:
    spark: {mode: local, memory: 1Gi}
    hdfs: {scope: shared, quota: 1Gi}
    hive: {scope: shared}
    s3: {scope: shared}
"""
PATIENCE = 240.0  # seconds, on a slow machine; here it takes some

#: Starts a job in Rc², and holds its client's connection until that ends.
JOB = """
import asyncio, json, sys, websockets
async def main():
    headers = {"Authorization": "Bearer " + sys.argv[2]}
    async with websockets.connect(sys.argv[1], additional_headers=headers, max_size=None) as socket:
        await socket.send(json.dumps({"type": "hello"}))
        await socket.send(json.dumps({"type": "start_job", "id": "1", "path": "job.sh"}))
        async for message in socket:
            print(message, flush=True)
asyncio.run(main())
"""
S3 = """
import boto3, sys
for page in boto3.client("s3").list_buckets()["Buckets"]: print(page["Name"])
"""


class Person:
    """Somebody with a session that has all of it, and with much that is open."""

    def __init__(self, here: Running, name: str, token: str) -> None:
        self.here, self.name, self.token = here, name, token
        self._environ = environ(RSPARKHUB_URL=here.url, RSPARKHUB_TOKEN=token)
        self.open: dict[str, Callable[[], bool]] = {}
        self._opened: list[subprocess.Popen[bytes]] = []
        started = self.command("session", "start", "all", "--wait", "--json", "--timeout", "400")
        assert started.returncode == 0, started.stdout + started.stderr
        self.session = str(json.loads(started.stdout)["id"])

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run `rsparkhub WORDS` as this person."""
        return subprocess.run([COMMAND, *words], env=self._environ, capture_output=True, text=True, timeout=500, check=False)

    def sh(self, script: str) -> str:
        """Run a script of a shell inside the session; return all that it prints."""
        done = self.command("session", "exec", self.session, "--", "bash", "-c", f"{{ {script}; }} 2>&1 || true")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def begin(self, what: str, *command: str) -> None:
        """Start a program that holds something open until it is cut off."""
        program = subprocess.Popen(command, env=self._environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._opened.append(program)
        self.open[what] = lambda: program.poll() is None

    def stream(self, what: str, path: str) -> None:
        """Read a stream of the hub until it ends."""
        begun = threading.Event()

        def read() -> None:
            headers = {"Authorization": f"Bearer {self.token}"}
            with (
                contextlib.suppress(httpx.HTTPError),
                httpx.stream(
                    "GET", f"{self.here.address}/hub/api/{path}", headers=headers, timeout=httpx.Timeout(60, read=None)
                ) as answer,
            ):
                assert answer.status_code == 200
                begun.set()
                for _ in answer.iter_raw():
                    pass

        reading = threading.Thread(target=read, daemon=True)
        reading.start()
        assert begun.wait(PATIENCE), what
        self.open[what] = reading.is_alive

    def end(self) -> None:
        """End what is still open."""
        for program in self._opened:
            program.kill()
            program.wait()

    def token_file(self) -> Path:
        """Return the file with the token for HDFS."""
        return max(self.here.data.glob(f"sessions/{self.session}/*/hdfs/token"), key=lambda path: int(path.parts[-3]))

    def processes(self) -> list[psutil.Process]:
        """Return what runs of the session."""
        return [process for process in psutil.process_iter() if self.session in self._ensemble(process)]

    @staticmethod
    def _ensemble(process: psutil.Process) -> str:
        try:
            return process.environ().get("RSPARK_ENSEMBLE", "")
        except psutil.Error:  # it has ended, or is the kernel's
            return ""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("leaving")
    (folder / "environments").mkdir()
    (folder / "environments/all.yaml").write_text(ENVIRONMENT)
    with Running(folder / "data", environ=environ(RSPARKHUB_ENVIRONMENTS=str(folder / "environments"))) as running:
        yield running


@pytest.fixture(scope="module")
def people(here: Running) -> Iterator[dict[str, Person]]:
    async def tokens() -> dict[str, str]:
        async with Factory(load_settings(data=here.data)) as factory:
            found = {}
            for name in ("ada", "ben", "eve"):
                await factory.store.users.add(name, admin=False, now=datetime.now(UTC))
                _, found[name] = await factory.authenticator.make_token(name, name="tests", now=datetime.now(UTC))
            return found

    found = {name: Person(here, name, token) for name, token in asyncio.run(tokens()).items()}
    yield found
    for person in found.values():
        person.end()


def until(look: Callable[[], Any], what: str) -> Any:
    """Wait until `look` returns something, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.1)
    return found


def open_much(person: Person) -> None:
    """Open all that a person may have open, and start a job that goes on for hours."""
    person.sh("printf 'echo begun > begun; sleep 7000 & sleep 7001' > job.sh")
    person.stream("news of all sessions", "events")
    person.stream("a log", f"sessions/{person.session}/logs?service=agent&follow=true")
    person.begin("a command", str(COMMAND), "session", "exec", person.session, "--", "sleep", "7002")
    url = f"{person.here.address}/s/{person.session}/rc2/api/socket".replace("http:", "ws:")
    person.begin("a client of Rc²", sys.executable, "-c", JOB, url, person.token)
    until(lambda: "begun" in person.sh("cat begun"), "the job runs")
    assert [what for what, is_open in person.open.items() if not is_open()] == []


def in_object_storage(variables: dict[str, str]) -> str:
    """Ask object storage with the variables of a session, which somebody has written down."""
    done = subprocess.run(
        [ROOT / ".venv-session/bin/python", "-c", S3],
        env=environ(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout + done.stderr


def copied(person: Person, folder: Path) -> dict[str, str]:
    """Return the variables by which object storage is asked, with the files that they name copied."""
    folder.mkdir()
    variables = {}
    for name in ("AWS_ENDPOINT_URL", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE"):
        value = person.sh(f'printf %s "${name}"')
        if value.startswith("/"):
            copy = folder / name
            copy.write_text(person.sh(f"cat {value}"))
            value = str(copy)
        if value:
            variables[name] = value
    return variables


def in_hdfs(here: Running, name: str, token: str) -> int:
    """Ask HDFS with a token that somebody has written down."""
    endpoint = json.loads(next(here.data.glob("sessions/hdfs/*/hdfs.json")).read_text())
    trusted = ssl.create_default_context(cadata=endpoint["certificate"])
    url = f"https://localhost:{endpoint['https']}/webhdfs/v1/user/{name}?op=LISTSTATUS&delegation={token}"
    return httpx.get(url, verify=trusted, timeout=60).status_code


@pytest.mark.parametrize(
    ("name", "leave"), [("ada", ("user", "disable", "ada")), ("ben", ("user", "remove", "ben", "--data", "archive"))]
)
def test_nothing_of_who_leaves_goes_on(
    here: Running, people: dict[str, Person], tmp_path: Path, name: str, leave: tuple[str, ...]
) -> None:
    person = people[name]
    open_much(person)
    token, s3 = person.token_file().read_text(), copied(person, tmp_path / "s3")
    assert in_hdfs(here, name, token) == 200
    assert f"user-{name}" in in_object_storage(s3)
    hive = here.data / "services/hive"
    left = here.command(*leave)
    assert left.returncode == 0, left.stdout + left.stderr
    for what, is_open in person.open.items():
        until(lambda is_open=is_open: not is_open(), f"{what} was closed")
    until(lambda: person.processes() == [], "the session ended")
    until(lambda: in_hdfs(here, name, token) in (401, 403), "the token for HDFS was taken back")
    until(lambda: f"user-{name}" not in in_object_storage(s3), "the key for object storage was taken back")
    until(lambda: not any(person.session in file.read_text(errors="ignore") for file in hive.glob("*.json")), "Hive forgot it")
    headers = {"Authorization": f"Bearer {person.token}"}
    for path in ("/hub/api/me", f"/hub/api/sessions/{person.session}", f"/s/{person.session}/rc2/api/consoles"):
        assert httpx.get(here.address + path, headers=headers, timeout=60).status_code in (401, 403, 404)
    assert people["eve"].sh("hdfs dfs -ls / > /dev/null && echo there").strip().endswith("there")  # others notice nothing


def test_who_is_let_in_again_has_all_of_it_again(here: Running, people: dict[str, Person]) -> None:
    ada = people["ada"]
    assert here.command("user", "enable", "ada").returncode == 0
    resumed = ada.command("session", "resume", ada.session, "--wait", "--timeout", "400")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert in_hdfs(here, "ada", ada.token_file().read_text()) == 200
    assert "user-ada" in ada.sh(f"{ROOT}/.venv-session/bin/python -c '{S3.strip()}'")
    assert "begun" in ada.sh("cat begun")
