"""The folder of a course on one machine, as root runs it: two students in sessions that run, and their instructor."""

import asyncio
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from rsparkhub.factory import Factory
from rsparkhub.installed.settings import load_settings
from rsparkhub.store.events import By
from tests.install.running import Running
from tests.interfaces.waiting import until
from tests.walls.test_one_machine import Person

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="people have accounts of their own where the hub is root"),
]

GROUP = "/hub/api/groups/stat101"
PLACE = "courses/stat101/data/week1/flights.csv"
#: What a curious student tries from their session: calls of the hub, by the session's token and by none, and links.
CURIOUS = """
import json, os, subprocess, urllib.error, urllib.request
url, token = os.environ["RSPARK_HUB_URL"], open(os.environ["RSPARK_TOKEN_FILE"]).read().strip()
asked = json.load(open("asked.json"))
for method, path, body in asked["calls"]:
    for headers in ({"Authorization": f"Bearer {token}"}, {}):
        call = urllib.request.Request(url + path, data=body and body.encode(), headers=headers, method=method)
        try:
            print(method, path, urllib.request.urlopen(call).read()[:200])
        except urllib.error.HTTPError:
            pass
for path in asked["files"]:
    try:
        print(path, open(path, "rb").read()[:200])
    except OSError:
        pass
    for link in (os.link, os.symlink):
        try:
            link(path, "stolen.txt")
            print(path, open("stolen.txt", "rb").read()[:200])
        except OSError:
            pass
        if os.path.lexists("stolen.txt"):
            os.unlink("stolen.txt")
    os.symlink(path, "stolen.txt")
    code = "for (file in c('stolen.txt', commandArgs(TRUE))) try(print(rspark::hand_in(file, 'stat101')), silent = TRUE)"
    print(subprocess.run(["Rscript", "-e", code, path], capture_output=True, text=True).stdout, end="")
    os.unlink("stolen.txt")
open("secret.txt", "w").write("hers")
subprocess.run(["Rscript", "-e", "rspark::hand_in('secret.txt', 'stat101')"], check=True, capture_output=True)
print("tried")
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("course") / "data") as running:
        yield running


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
def tess(here: Running, tokens: dict[str, str]) -> Iterator[httpx.Client]:
    """The instructor, whose course has a folder and some data."""
    with httpx.Client(base_url=here.url, headers={"Authorization": f"Bearer {tokens['tess']}"}, timeout=120) as client:
        rule = {"course_folder": True, "due": "2026-01-01T12:00:00Z"}
        client.put(f"{GROUP}/course-folder", json=rule).raise_for_status()
        client.put(f"{GROUP}/data", params={"path": "week1/flights.csv"}, content=b"a,b\n").raise_for_status()
        yield client


@pytest.fixture(scope="module")
def students(here: Running, tokens: dict[str, str], tess: httpx.Client) -> dict[str, Person]:
    """Ada and Bob, each with a session that begins when the course has its folder."""
    return {name: Person(here, name, tokens[name]) for name in ("ada", "bob")}


def handed_in(tess: httpx.Client) -> list[dict[str, Any]]:
    """Return all that was handed in, oldest first."""
    found: list[dict[str, Any]] = tess.get(f"{GROUP}/hand-ins").raise_for_status().json()["hand_ins"]
    return found


def give_back(tess: httpx.Client, hand_in: str, content: bytes) -> str:
    """Give remarks back, and return their id."""
    answer = tess.post(f"{GROUP}/hand-ins/{hand_in}/returned", params={"file": "remarks.txt"}, content=content)
    return str(answer.raise_for_status().json()["id"])


def in_r(person: Person, code: str) -> str:
    return person.run("Rscript", "-e", f"suppressMessages(library(rspark)); {code}")


def test_what_students_hand_in_is_theirs_and_their_instructors(tess: httpx.Client, students: dict[str, Person]) -> None:
    ada, bob = students["ada"], students["bob"]
    # In R, in a session, without a token: a file, and a folder. The file is the second's too.
    in_r(bob, "dir.create('lab'); writeLines('1 + 1', 'lab/lab1.R'); hand_in('lab/lab1.R'); hand_in('lab', course = 'stat101')")
    file, folder = handed_in(tess)
    assert [(each["person"], each["file"], each["late"]) for each in (file, folder)] == [
        ("bob", "lab1.R", True), ("bob", "lab.tar.gz", True),
    ]  # fmt: skip
    give_back(tess, file["id"], b"Good.\n")
    # What came back is found without the course's name also when the time for work is over.
    rule = {"course_folder": False, "due": "2026-01-01T12:00:00Z"}
    tess.put(f"{GROUP}/course-folder", json=rule).raise_for_status()
    assert in_r(bob, "cat(hand_ins()$returned, readLines(hand_ins_returned()))").split() == ["remarks.txt", "Good."]
    tess.put(f"{GROUP}/course-folder", json=rule | {"course_folder": True}).raise_for_status()
    with zipfile.ZipFile(io.BytesIO(tess.get(f"{GROUP}/hand-ins.zip").raise_for_status().content)) as archive:
        found = [archive.read(name) for name in archive.namelist()]
    assert found[0] == b"1 + 1\n"
    with tarfile.open(fileobj=io.BytesIO(found[1])) as packed:
        assert "lab/lab1.R" in packed.getnames()
    large = os.urandom(20 * 2**20)  # through the edge, as all of this
    done = tess.post(f"{GROUP}/hand-ins", params={"file": "large.bin"}, content=large).raise_for_status().json()
    assert tess.get(f"{GROUP}/hand-ins/{done['id']}").content == large
    # The data come into each session by themselves. They are copies: whoever changes theirs changes nobody else's.
    for person in (ada, bob):
        until((person.home / PLACE).exists, bool, within=400)  # the agent looks every two minutes
        assert (person.home / PLACE).stat().st_uid == person.uid
        assert (person.home / PLACE).stat().st_mode & 0o777 == 0o444
    ada.run("sh", "-c", f"chmod -R u+w courses && echo mine > {PLACE}")
    assert (bob.home / PLACE).read_text() == "a,b\n"


def test_a_curious_student_gets_nothing_of_anothers(here: Running, tess: httpx.Client, students: dict[str, Person]) -> None:
    ada, bob = students["ada"], students["bob"]
    in_r(bob, "writeLines('his own', 'secret.txt'); hand_in('secret.txt', 'stat101')")
    victim = handed_in(tess)[-1]
    hand_in, back = f"{GROUP}/hand-ins/{victim['id']}", give_back(tess, victim["id"], b"for Bob")
    calls = [
        ["GET", f"{GROUP}/hand-ins", None], ["GET", f"{GROUP}/hand-ins.zip", None], ["GET", hand_in, None],
        ["GET", f"{GROUP}/returned/{back}", None], ["GET", f"{GROUP}/returned/{victim['id']}", None],
        ["GET", f"{GROUP}/data/{victim['id']}", None], ["GET", f"{GROUP}/data/{back}", None],
        ["DELETE", hand_in, None], ["DELETE", f"{GROUP}/data/{victim['id']}", None], ["PUT", hand_in, "mine"],
        ["POST", f"{hand_in}/returned?file=remarks.txt", "mine"], ["PUT", f"{GROUP}/data?path=lab.Rmd", "mine"],
        ["POST", f"{GROUP}/hand-ins?file=../bob/secret.txt", "mine"], ["POST", f"{GROUP}/hand-ins?file=..%2Fsecret.txt", "mine"],
        ["PUT", f"{GROUP}/course-folder", '{"course_folder": false}'],
        ["GET", "/hub/api/removed-groups/stat101/hand-ins.zip", None],
    ]  # fmt: skip
    # What is kept is in the hub's own files, which no account of a person reads.
    files = [str(bob.home / "secret.txt"), str(here.data / "rsparkhub.sqlite")]
    (ada.home / "curious.py").write_text(CURIOUS)
    (ada.home / "asked.json").write_text(json.dumps({"calls": calls, "files": files}))
    for name in ("curious.py", "asked.json"):
        os.chown(ada.home / name, ada.uid, -1)
    assert ada.run("python", "curious.py") == "tried\n"
    # A name that is taken made another hand-in, and left the first.
    assert [(each["person"], each["file"]) for each in handed_in(tess)[-2:]] == [("bob", "secret.txt"), ("ada", "secret.txt")]
    assert tess.get(hand_in).content == b"his own\n"


def test_whose_role_is_taken_away_reads_nothing_any_more(here: Running, tess: httpx.Client) -> None:
    assert tess.get(f"{GROUP}/hand-ins").status_code == 200

    async def end() -> None:
        async with Factory(load_settings(data=here.data)) as factory:
            await factory.store.courses.set_instructors("stat101", [], by=By("ada", datetime.now(UTC)))

    asyncio.run(end())
    until(lambda: tess.get(f"{GROUP}/hand-ins").status_code, lambda status: status == 403)
