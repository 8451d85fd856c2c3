"""A curious student on one machine, as root runs it: real sessions, real processes, and each attempt is refused."""

import asyncio
import json
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.process import proc
from rsparkhub.backends.process.run_folder import RunFolder
from rsparkhub.factory import Factory
from rsparkhub.installed.settings import load_settings
from tests.install.running import Running, environ
from tests.installation import COMMAND

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="people have accounts of their own where the hub is root"),
]
STUDENT = Path(__file__).with_name("student.py")


class Person:
    """Somebody with a session that runs."""

    def __init__(self, here: Running, name: str, token: str) -> None:
        self.name = name
        self._environ = environ(RSPARKHUB_URL=here.url, RSPARKHUB_TOKEN=token)
        started = self.command("session", "start", "terminal", "--wait", "--json", "--timeout", "240")
        assert started.returncode == 0, started.stderr
        self.session = str(json.loads(started.stdout)["id"])
        self.home = here.data / "homes" / name
        self.folder = RunFolder(here.data / "sessions", EnsembleRef(self.session, 1))
        shim = self.folder.shim()
        assert shim is not None
        assert shim.agent is not None
        self.shim, self.agent = shim.process.pid, psutil.Process(shim.agent.pid)
        self.uid = self.agent.uids().real

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run `rsparkhub WORDS` as this person."""
        return subprocess.run([COMMAND, *words], env=self._environ, capture_output=True, text=True, timeout=300, check=False)

    def shown(self) -> dict[str, Any]:
        """Return what the hub says of the session."""
        found: dict[str, Any] = json.loads(self.command("session", "show", self.session, "--json").stdout)
        return found

    def run(self, *words: str) -> str:
        """Run a command inside the session, and return what it printed."""
        done = self.command("session", "exec", self.session, "--", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("walls") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def people(here: Running) -> dict[str, Person]:
    """Ada, who is curious, and Bob; each with a session."""

    async def tokens() -> dict[str, str]:
        async with Factory(load_settings(data=here.data)) as factory:
            found = {}
            for name in ("ada", "bob"):
                await factory.store.users.add(name, admin=False, now=datetime.now(UTC))
                _, found[name] = await factory.authenticator.make_token(name, name="tests", now=datetime.now(UTC))
            return found

    return {name: Person(here, name, token) for name, token in asyncio.run(tokens()).items()}


def test_each_person_has_an_account_and_only_what_is_theirs(here: Running, people: dict[str, Person]) -> None:
    ada, bob = people["ada"], people["bob"]
    assert len({0, ada.uid, bob.uid}) == 3
    assert pwd.getpwuid(ada.uid).pw_name.startswith("rspark-ada")
    for person in (ada, bob):
        for process in (person.agent, *person.agent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                assert process.uids().effective == person.uid, process
        assert person.home.stat().st_uid == person.uid
        assert person.home.stat().st_mode & 0o777 == 0o700
    assert ada.run("id", "-un").strip() == pwd.getpwuid(ada.uid).pw_name
    assert psutil.Process(ada.shim).uids().real == 0


ASK = "import sys, urllib.request as u; print(u.urlopen('http://127.0.0.1:%d/pid', timeout=5).status)"


def test_a_port_that_a_person_opens_is_theirs_alone(here: Running, people: dict[str, Person]) -> None:
    ada, bob = people["ada"], people["bob"]
    found = json.loads(subprocess.run(
        [COMMAND, "doctor", "--json"], env=environ(RSPARKHUB_DATA=str(here.data)), capture_output=True, text=True, check=False
    ).stdout)  # fmt: skip
    (ports,) = [finding for finding in found["findings"] if finding["name"] == "ports"]
    if ports["level"] != "ok":
        assert "nft" in ports["says"] or "control group" in ports["says"]
        pytest.skip(ports["says"])
    serve = (
        "import http.server as h; s = h.ThreadingHTTPServer(('127.0.0.1', 0), h.SimpleHTTPRequestHandler); "
        "open('port', 'w').write(str(s.server_port)); s.serve_forever()"
    )
    bob.run("sh", "-c", f'touch pid; setsid python -uc "{serve}" > serving 2>&1 &')
    deadline = time.monotonic() + 60
    while not (bob.home / "port").exists() or not (bob.home / "port").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    ask = ASK % int((bob.home / "port").read_text())
    assert bob.run("python", "-c", ask) == "200\n"
    refused = ada.command("session", "exec", ada.session, "--", "python", "-c", ask)
    assert refused.returncode != 0
    assert "Connection refused" in refused.stderr + refused.stdout
    assert subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout == "200\n"  # root


def test_a_curious_student_gets_nothing(here: Running, people: dict[str, Person]) -> None:
    ada, bob = people["ada"], people["bob"]
    (bob.home / "diary").write_text("his own")
    (bob.home / "diary").chmod(0o644)  # closed by the home, whatever the file says
    program, asked = ada.home / "student.py", ada.home / "asked.json"
    shutil.copyfile(STUDENT, program)
    asked.write_text(json.dumps(what_is_asked(here, ada, bob)))
    for path in (program, asked):
        os.chown(path, ada.uid, -1)
    said = ada.run("python", str(program), str(asked)).splitlines()
    assert said[-1:] == ["tried"]
    assert said[:-1] == []


def test_what_the_student_left_behind_leads_the_hub_nowhere(here: Running, people: dict[str, Person]) -> None:
    ada = people["ada"]
    assert ada.shown()["state"] == "running", "an end that she wrote herself is none"
    tails = ada.folder.log_tails(64 * 1024)
    assert not {"cli", "hub", "shadow"} & {name for name, text in tails.items() if text}
    assert here.token not in json.dumps(tails)
    assert ada.command("session", "delete", ada.session, "--wait").returncode == 0
    assert (here.data / "cli.json").exists()
    deadline = time.monotonic() + 10
    while proc.find(ada.shim) is not None or [p for p in proc.everyone() if proc.user_of(p.pid) == ada.uid]:
        assert time.monotonic() < deadline, "something of her session goes on"
        time.sleep(0.05)


def test_a_checkout_and_a_python_in_roots_home_are_seen_and_nothing_else_there(people: dict[str, Person]) -> None:
    """This Python may lie in /root, as pyenv and uv put it, and the folder of this test is closed: both are covered."""
    bob = people["bob"]
    assert bob.run("python", "-c", "import rspark_session; print('seen')").strip() == "seen"
    closed = str(bob.home.parents[3])
    assert Path(closed).stat().st_mode & 0o007 == 0
    home = pwd.getpwuid(0).pw_dir
    for folder in (closed, home):
        assert bob.run("sh", "-c", f"ls -A {folder} 2>/dev/null || true") == ""
    assert bob.run("sh", "-c", f"cat {home}/.bashrc 2>/dev/null || true") == ""


def test_a_program_that_the_kernel_ends_for_want_of_memory_is_named(people: dict[str, Person]) -> None:
    bob = people["bob"]
    # The kernel may take the shell that waits for it too.
    bob.command("session", "exec", bob.session, "--", "python", "-c", "bytearray(3 << 30)")
    deadline = time.monotonic() + 30
    while not (reasons := [part["reason"] for part in bob.shown()["services"] if part["reason"]]):
        assert time.monotonic() < deadline, "nothing was said"
        time.sleep(0.5)
    assert "used all of its memory" in reasons[0]
    assert bob.shown()["state"] == "running", "the session itself goes on"


def what_is_asked(here: Running, ada: Person, bob: Person) -> dict[str, Any]:
    """Return what the student knows: more than any student would."""
    document = json.loads((bob.folder.path / "ensemble.json").read_text())
    services = [json.loads(file.read_text()) for file in here.data.glob("sessions/*/1/ensemble.json")]
    secrets = [
        here.token,
        document["secret"],
        *(each["secret"] for each in services),
        *([document["token"]] if document["token"] else []),
    ]
    ours = [psutil.Process(pid) for pid in here.processes().values()]
    every = [
        bob.agent,
        *bob.agent.children(recursive=True),
        *ours,
        *(child for one in ours for child in one.children(recursive=True)),
    ]
    for each in services:
        shim = RunFolder(here.data / "sessions", EnsembleRef(each["id"], 1)).shim()
        if each["kind"] == "service" and shim is not None and shim.agent is not None:
            every += [psutil.Process(shim.agent.pid), *psutil.Process(shim.agent.pid).children(recursive=True)]
    ports = {
        connection.laddr.port
        for process in every
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    files = [
        path for folder in (bob.folder.path, bob.home, here.data / "services") for path in folder.rglob("*") if path.is_file()
    ]
    return {
        "data": str(here.data),
        "run": str(ada.folder.path),
        "groups": ada.folder.groups(),
        "secrets": secrets,
        "victim": {
            "name": "bob",
            "session": bob.session,
            "uids": [bob.uid],
            "pids": [process.pid for process in every],
            "ports": sorted(ports - {here.port}),
            "files": [str(path) for path in files[:200]],
            "folders": [str(bob.folder.path), str(bob.folder.session), str(bob.folder.keep), str(bob.folder.log)],
        },
    }  # fmt: skip
