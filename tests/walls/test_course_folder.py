"""The folder of a course on one machine, as root runs it: two students in sessions that run, and their instructor."""

import asyncio
import io
import json
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rsparkhub.factory import Factory
from rsparkhub.installed.settings import load_settings
from rsparkhub.store.events import By
from tests.install.running import Running, environ
from tests.installation import COMMAND
from tests.interfaces.waiting import until
from tests.walls.test_one_machine import Person

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="people have accounts of their own where the hub is root"),
]

#: What a curious student tries by what is in their session: the hub's own calls, with the session's token and with none.
CURIOUS = """
import json, os, sys, urllib.error, urllib.request
url, token = os.environ["RSPARK_HUB_URL"], open(os.environ["RSPARK_TOKEN_FILE"]).read().strip()
for method, path, body in json.load(open(sys.argv[1])):
    for headers in ({"Authorization": f"Bearer {token}"}, {}):
        asked = urllib.request.Request(f"{url}/hub/api{path}", data=body and body.encode(), headers=headers, method=method)
        try:
            print(method, path, urllib.request.urlopen(asked).read()[:200])
        except urllib.error.HTTPError:
            pass
print("tried")
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("course") / "data") as running:
        yield running


class Teacher:
    """Tess, who teaches and needs no session for it."""

    def __init__(self, here: Running, token: str) -> None:
        self._environ = environ(RSPARKHUB_URL=here.url, RSPARKHUB_TOKEN=token)

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run `rsparkhub WORDS` as her."""
        return subprocess.run([COMMAND, *words], env=self._environ, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def tokens(here: Running) -> dict[str, str]:
    """A token of each: Ada, who is curious, Bob, and Tess who teaches them."""

    async def make() -> dict[str, str]:
        async with Factory(load_settings(data=here.data)) as factory:
            found, now = {}, datetime.now(UTC)
            for name in ("ada", "bob", "tess"):
                await factory.store.users.add(name, admin=False, now=now)
                _, found[name] = await factory.authenticator.make_token(name, name="tests", now=now)
            await factory.store.users.add_group("stat101", members=["ada", "bob"], now=now)
            await factory.store.courses.set_instructors("stat101", ["tess"], by=By("ada", now))
            return found

    return asyncio.run(make())


@pytest.fixture(scope="module")
def tess(here: Running, tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Teacher:
    """The instructor, whose course has a folder and some data."""
    teacher = Teacher(here, tokens["tess"])
    command(teacher, "folder", "stat101", "--open", "--due", "2026-01-01T12:00")
    flights = tmp_path_factory.mktemp("data") / "flights.csv"
    flights.write_text("a,b\n")
    command(teacher, "give", "stat101", str(flights), "--as", "week1/flights.csv")
    return teacher


@pytest.fixture(scope="module")
def students(here: Running, tokens: dict[str, str], tess: Teacher) -> dict[str, Person]:
    """Ada and Bob, each with a session that begins when the course has its folder."""
    return {name: Person(here, name, tokens[name]) for name in ("ada", "bob")}


def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run `rsparkhub WORDS` as her."""
    return subprocess.run([COMMAND, *words], env=self._environ, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def tokens(here: Running) -> dict[str, str]:
    """A token of each: Ada, who is curious, Bob, and Tess who teaches them."""

    async def make() -> dict[str, str]:
        async with Factory(load_settings(data=here.data)) as factory:
            found, now = {}, datetime.now(UTC)
            for name in ("ada", "bob", "tess"):
                await factory.store.users.add(name, admin=False, now=now)
                _, found[name] = await factory.authenticator.make_token(name, name="tests", now=now)
            await factory.store.users.add_group("stat101", members=["ada", "bob"], now=now)
            await factory.store.courses.set_instructors("stat101", ["tess"], by=By("ada", now))
            return found

    return {name: Person(here, name, token) for name, token in asyncio.run(tokens()).items()}


def command(person: Person | Teacher, *words: str) -> str:
    done = person.command("group", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def handed_in(instructor: Teacher, file: str | None = None) -> list[dict[str, Any]]:
    """Return what was handed in, oldest first: all, or what is called so."""
    listed = json.loads(command(instructor, "hand-ins", "stat101", "--json"))["hand_ins"]
    return [each for each in listed if file in {None, each["file"]}]


def in_r(person: Person, code: str) -> str:
    return person.run("Rscript", "-e", f"suppressMessages(library(rspark)); {code}")


def test_what_students_hand_in_is_theirs_and_their_instructors(
    tess: Teacher, students: dict[str, Person], tmp_path: Path
) -> None:
    ada, bob = students["ada"], students["bob"]
    # In R, in a session, without a token: a file, and a folder.
    bob.run("sh", "-c", "mkdir -p lab && echo '1 + 1' > lab/lab1.R && ln -sf /etc/passwd lab/link")
    in_r(bob, "hand_in('lab/lab1.R'); hand_in('lab', course = 'stat101')")
    listed = handed_in(tess)
    assert [(each["person"], each["file"], each["late"]) for each in listed] == [
        ("bob", "lab1.R", True), ("bob", "lab.tar.gz", True),
    ]  # fmt: skip
    remarks = tmp_path / "remarks.txt"
    remarks.write_text("Good.\n")
    command(tess, "return", "stat101", listed[0]["id"], str(remarks))
    assert in_r(bob, "cat(readLines(hand_ins_returned()))") == "Good."
    assert in_r(bob, "cat(hand_ins()$returned)").split() == ["remarks.txt"]

    collected = tmp_path / "all.zip"
    command(tess, "collect", "stat101", str(collected))
    with zipfile.ZipFile(collected) as archive:
        found = {Path(name).name: archive.read(name) for name in archive.namelist()}
    assert found["lab1.R"] == b"1 + 1\n"
    with tarfile.open(fileobj=io.BytesIO(found["lab.tar.gz"])) as packed:
        assert "lab/lab1.R" in packed.getnames()

    # The data come into each session by themselves, to be read. They are copies: whoever changes theirs changes nobody else's.
    place = "courses/stat101/data/week1/flights.csv"
    for person in (ada, bob):
        until(lambda person=person: (person.home / place).exists(), bool)
        assert (person.home / place).stat().st_uid == person.uid
        assert (person.home / place).stat().st_mode & 0o777 == 0o444
    ada.run("sh", "-c", f"chmod -R u+w courses && echo mine > {place}")
    assert (bob.home / place).read_text() == "a,b\n"
    assert json.loads(command(tess, "data", "--json"))["courses"][0]["data"][0]["size"] == 4


def test_a_curious_student_gets_nothing_of_anothers(here: Running, tess: Teacher, students: dict[str, Person]) -> None:
    ada, bob = students["ada"], students["bob"]
    in_r(bob, "writeLines('his own', 'secret.txt'); hand_in('secret.txt', 'stat101')")
    victim = next(
        each for each in json.loads(command(tess, "hand-ins", "stat101", "--json"))["hand_ins"] if each["file"] == "secret.txt"
    )
    remarks = here.data / "remarks.txt"
    remarks.write_text("for Bob")
    command(tess, "return", "stat101", victim["id"], str(remarks))
    back = handed_in(tess, "secret.txt")[0]["returned"][0]["id"]
    group, hand_in = "/groups/stat101", f"/groups/stat101/hand-ins/{victim['id']}"
    tried = [
        ["GET", f"{group}/hand-ins", None], ["GET", f"{group}/hand-ins.zip", None], ["GET", hand_in, None],
        ["GET", f"{group}/returned/{back}", None], ["GET", f"{group}/returned/{victim['id']}", None],
        ["GET", f"{group}/data/{victim['id']}", None], ["GET", f"{group}/data/{back}", None],
        ["DELETE", hand_in, None], ["DELETE", f"{group}/data/{victim['id']}", None], ["PUT", hand_in, "mine"],
        ["POST", f"{hand_in}/returned?file=remarks.txt", "mine"], ["PUT", f"{group}/data?path=lab.Rmd", "mine"],
        ["POST", f"{group}/hand-ins?file=../bob/secret.txt", "mine"], ["POST", f"{group}/hand-ins?file=..%2Fsecret.txt", "mine"],
        ["PUT", f"{group}/course-folder", '{"course_folder": false}'], ["GET", "/removed-groups/stat101/hand-ins.zip", None],
    ]  # fmt: skip
    (ada.home / "curious.py").write_text(CURIOUS)
    (ada.home / "tried.json").write_text(json.dumps(tried))
    for name in ("curious.py", "tried.json"):
        os.chown(ada.home / name, ada.uid, -1)
    assert ada.run("python", "curious.py", "tried.json") == "tried\n"
    own = json.loads(command(ada, "hand-ins", "stat101", "--own", "--json"))["hand_ins"]
    assert own == []
    for words in (("hand-ins", "stat101"), ("collect", "stat101", "/dev/null"), ("folder", "stat101", "--close")):
        assert ada.command("group", *words).returncode != 0

    # A link to what is another's can't be followed by whoever hands it in: they read as themselves.
    ada.run("ln", "-sf", str(bob.home / "secret.txt"), "stolen.txt")
    for code in ("hand_in('stolen.txt', 'stat101')", f"hand_in('{bob.home}/secret.txt', 'stat101')"):
        done = ada.command("session", "exec", ada.session, "--", "Rscript", "-e", f"library(rspark); {code}")
        assert done.returncode != 0, done.stdout
    assert ada.command("session", "exec", ada.session, "--", "ln", str(bob.home / "secret.txt"), "hard").returncode != 0
    # A name that is taken makes another hand-in, and leaves the first.
    in_r(ada, "writeLines('hers', 'secret.txt'); hand_in('secret.txt', 'stat101')")
    assert [each["person"] for each in handed_in(tess, "secret.txt")] == ["bob", "ada"]
    # What is kept is in the hub's own files, which no account of a person reads.
    for path in ("rsparkhub.sqlite", "rsparkhub.sqlite-wal"):
        assert ada.command("session", "exec", ada.session, "--", "cat", str(here.data / path)).returncode != 0


def test_whose_role_is_taken_away_reads_nothing_any_more(here: Running, tess: Teacher) -> None:
    assert handed_in(tess)

    async def end() -> None:
        async with Factory(load_settings(data=here.data)) as factory:
            await factory.store.courses.set_instructors("stat101", [], by=By("ada", datetime.now(UTC)))

    asyncio.run(end())

    def still() -> "subprocess.CompletedProcess[str]":
        return tess.command("group", "hand-ins", "stat101")

    until(still, lambda done: done.returncode != 0)
    assert "Only instructors of this group" in still().stderr
