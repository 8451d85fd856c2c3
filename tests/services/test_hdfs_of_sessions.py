"""HDFS as people use it: a token for each start of a session, gone with its end, and what becomes of a home."""

import asyncio
import json
import os
import pwd
import ssl
import subprocess
import tarfile
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
from tests.installation import COMMAND

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
ENVIRONMENT = """
apiVersion: rsparkhub/v1
kind: Environment
metadata: {name: files, title: Files, description: A shell with HDFS.}
spec:
  interface: terminal
  services:
    hdfs: {scope: shared, quota: 1Gi}
"""


class Person:
    """Somebody with a session that has HDFS."""

    def __init__(self, here: Running, token: str) -> None:
        self._here, self.token = here, token
        self._environ = environ(RSPARKHUB_URL=here.url, RSPARKHUB_TOKEN=token)
        started = self.command("session", "start", "files", "--wait", "--json", "--timeout", "400")
        assert started.returncode == 0, started.stderr
        self.session = str(json.loads(started.stdout)["id"])

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run `rsparkhub WORDS` as this person."""
        return subprocess.run([COMMAND, *words], env=self._environ, capture_output=True, text=True, timeout=500, check=False)

    def sh(self, script: str) -> str:
        """Run a script of a shell inside the session; return all that it prints."""
        done = self.command("session", "exec", self.session, "--", "bash", "-c", f"{{ {script}; }} 2>&1 || true")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def web(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request to WebHDFS through the edge, as a program with the person's token does."""
        url = f"{self._here.address}/s/{self.session}/hdfs{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.request(method, url, headers=headers, follow_redirects=True, timeout=60, **more)

    def token_file(self) -> Path:
        """Return the file with the token of the newest generation."""
        return max(self._here.data.glob(f"sessions/{self.session}/*/hdfs/token"), key=lambda path: int(path.parts[-3]))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("hdfs")
    (folder / "environments").mkdir()
    (folder / "environments/files.yaml").write_text(ENVIRONMENT)
    with Running(folder / "data", environ=environ(RSPARKHUB_ENVIRONMENTS=str(folder / "environments"))) as running:
        yield running


@pytest.fixture(scope="module")
def people(here: Running) -> dict[str, Person]:
    async def tokens() -> dict[str, str]:
        async with Factory(load_settings(data=here.data)) as factory:
            found = {}
            for name in ("ada", "ben"):
                await factory.store.users.add(name, admin=False, now=datetime.now(UTC))
                _, found[name] = await factory.authenticator.make_token(name, name="tests", now=datetime.now(UTC))
            return found

    return {name: Person(here, token) for name, token in asyncio.run(tokens()).items()}


def holders(here: Running) -> set[tuple[str, int]]:
    """Return the generations that have a token, as the service has written them down."""
    known = json.loads((here.data / "services/hdfs/credentials.json").read_text())
    return {(credential["session"], credential["generation"]) for credential in known}


def until(look: Callable[[], Any], what: str, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.1)


def test_a_file_written_through_the_edge_is_read_in_the_session_and_by_nobody_else(people: dict[str, Person]) -> None:
    ada, ben = people["ada"], people["ben"]
    assert ada.web("PUT", "/webhdfs/v1/user/ada/a.txt?op=CREATE", content=b"ada's own").status_code == 201
    assert "ada's own" in ada.sh("hdfs dfs -cat a.txt")
    assert ben.web("GET", "/webhdfs/v1/user/ada/a.txt?op=OPEN").status_code == 403
    assert ben.web("GET", "/webhdfs/v1/user/ada/a.txt?op=OPEN&user.name=ada").status_code == 403
    url = f"{ada._here.address}/s/{ada.session}/hdfs/webhdfs/v1/user/ada/a.txt?op=OPEN"
    assert httpx.get(url, headers={"Authorization": f"Bearer {ben.token}"}).status_code in (403, 404)
    assert httpx.get(url).status_code in (302, 303, 401)


@pytest.mark.skipif(os.geteuid() != 0, reason="services have accounts of their own where the hub is root")
def test_its_servers_run_under_an_account_of_their_own(here: Running, people: dict[str, Person]) -> None:
    commands = [(process, " ".join(process.info["cmdline"] or ())) for process in psutil.process_iter(["cmdline"])]
    # The shim, which watches over them, is root's.
    servers = [process for process, command in commands if f"{here.data}/services/hdfs" in command and "shim.py" not in command]
    assert len(servers) >= 3  # the command, NameNode and DataNode
    accounts = {process.uids().effective for process in servers}
    assert len(accounts) == 1
    name = pwd.getpwuid(accounts.pop()).pw_name
    assert name.startswith("rspark-service-hdfs")
    for folder in ("kerberos", "tickets", "certificate", "blocks", "name"):
        said = people["ben"].sh(f"ls {here.data}/services/hdfs/{folder}")
        assert "Permission denied" in said or "No such file" in said, said
    pids = " ".join(str(process.pid) for process in servers)
    said = people["ben"].sh(f"for pid in {pids}; do cat /proc/$pid/environ; ls /proc/$pid/fd; kill $pid; done")
    assert said.count("Permission denied") >= 2 * len(servers), said
    assert said.count("Operation not permitted") == len(servers), said


def test_a_sleep_takes_the_token_back_and_a_resume_brings_another(here: Running, people: dict[str, Person]) -> None:
    ada = people["ada"]
    first = ada.token_file().read_text()
    assert (ada.session, 1) in holders(here)
    endpoint = json.loads(next(here.data.glob("sessions/hdfs/*/hdfs.json")).read_text())
    assert ada.command("session", "suspend", ada.session, "--yes", "--wait").returncode == 0
    until(lambda: (ada.session, 1) not in holders(here), "the token was taken back")
    trusted = httpx.Client(verify=_trust(endpoint["certificate"]))
    url = f"https://localhost:{endpoint['https']}/webhdfs/v1/user/ada?op=LISTSTATUS&delegation="
    assert trusted.get(url + first).status_code in (401, 403)
    resumed = ada.command("session", "resume", ada.session, "--wait")
    assert resumed.returncode == 0, resumed.stderr
    second = ada.token_file().read_text()
    assert second != first
    assert trusted.get(url + second).status_code == 200
    assert ada.web("GET", "/webhdfs/v1/user/ada/a.txt?op=OPEN").content == b"ada's own"
    assert (people["ben"].session, 1) in holders(here)


def test_a_person_who_is_removed_leaves_an_archive(here: Running, people: dict[str, Person]) -> None:
    ben = people["ben"]
    content = os.urandom(300_000)
    assert ben.web("PUT", "/webhdfs/v1/user/ben/deep/b.bin?op=CREATE", content=content).status_code == 201
    removed = here.command("user", "remove", "ben", "--data", "archive")
    if removed.returncode != 0:
        raise AssertionError(removed.stdout + removed.stderr)
    archive = here.data / "archive/ben/hdfs.tar"
    until(archive.exists, "the home was archived")
    with tarfile.open(archive) as tar:
        member = tar.extractfile("ben/deep/b.bin")
        assert member is not None
        assert member.read() == content
    assert archive.stat().st_mode & 0o077 == 0
    until(lambda: ben.session not in {session for session, _ in holders(here)}, "the token was taken back")


def _trust(certificate: str) -> Any:
    return ssl.create_default_context(cadata=certificate)
