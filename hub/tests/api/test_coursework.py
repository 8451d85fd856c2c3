"""The folder of a course: who reads and hands in what, what is late, what is too much, and what becomes of it."""

import asyncio
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from world import World, make_app

from rsparkhub.api.serializers.views import hand_in_views
from rsparkhub.domain.coursework import MOST_DATA, Assignment, CourseFile, FileKind
from rsparkhub.domain.errors import Conflict, NotAllowed, NotFound
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.user import Data
from rsparkhub.store.events import By
from rsparkhub.store.tables import course_files

GROUP = "/hub/api/groups/stat101"
HAND_INS = f"{GROUP}/hand-ins"


@pytest.fixture
async def tess(world: World) -> httpx.AsyncClient:
    """The instructor of stat101, which has a folder, and in which bob and cleo are; tom teaches math202, in which eve is."""
    for name in ("tess", "tom", "cleo"):
        await world.add_person(name)
    for group, people, teacher in (("stat101", ["bob", "cleo"], "tess"), ("math202", ["eve"], "tom")):
        await world.store.users.add_group(group, members=people, now=world.clock())
        await world.store.courses.set_instructors(group, [teacher], by=By("ada", world.clock()))
    client = await world.program("tess")
    answer = await client.put(f"{GROUP}/course-folder", json={"course_folder": True})
    assert (answer.status_code, answer.json()["course_folder"]) == (200, True)
    return client


def set_room(world: World, **room: int) -> None:
    """Have the app go on with other limits."""
    context = world.app.state.context
    world.app.state.context = replace(context, settings=context.settings.model_copy(update=room))


async def hand_in(client: httpx.AsyncClient, file: str, content: bytes = b"1 + 1\n") -> dict[str, Any]:
    answer = await client.post(HAND_INS, params={"file": file}, content=content)
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def in_session_of(world: World, owner: str) -> httpx.AsyncClient:
    """A program in a session that runs, by the session's own token."""
    session = await world.session_of(owner)
    await world.controller.run(session)
    return await world.in_session(session)


@contextmanager
def read_from(world: World) -> Iterator[list[str]]:
    """Note every statement that the store executes."""
    engine = world.store.database._engine  # type: ignore[attr-defined]
    noted: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        noted.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


async def audit(world: World) -> list[str]:
    events = (await (await world.program("ada")).get("/hub/api/audit?kind=group")).json()["events"]
    return [event["text"] for event in events]


async def test_what_is_handed_in_is_kept_beside_what_was_before(world: World, tess: httpx.AsyncClient) -> None:
    bob = await world.program("bob")
    first = await hand_in(bob, "lab1.Rmd")
    large = bytes(range(256)) * 4096  # of more than one piece
    world.clock.advance(seconds=1)
    second = await hand_in(bob, "lab1.Rmd", large)
    assert (first["person"], first["size"], second["size"]) == ("bob", 6, len(large))
    own = (await bob.get(f"{GROUP}/my-hand-ins")).json()["hand_ins"]
    assert [each["id"] for each in own] == [first["id"], second["id"]]
    assert (await bob.get(f"{HAND_INS}/{second['id']}")).content == large
    assert (await tess.get(f"{HAND_INS}/{first['id']}")).content == b"1 + 1\n"
    assert (await audit(world))[:4] == [
        "tess reads lab1.Rmd, which bob handed in to the group stat101.",
        "bob hands in lab1.Rmd to the group stat101.",
        "bob hands in lab1.Rmd to the group stat101.",
        "tess opens the course folder of the group stat101.",
    ]


async def test_a_session_hands_in_for_its_owner_and_reads_nothing_of_others(world: World, tess: httpx.AsyncClient) -> None:
    of_cleo = await hand_in(await world.program("cleo"), "lab1.Rmd")
    inside = await in_session_of(world, "bob")
    world.clock.advance(seconds=1)
    assert (await hand_in(inside, "lab1.Rmd"))["person"] == "bob"
    assert [each["person"] for each in (await inside.get(f"{GROUP}/my-hand-ins")).json()["hand_ins"]] == ["bob"]
    assert (await inside.get(f"{HAND_INS}/{of_cleo['id']}")).status_code == 404
    # An instructor's session may have other people in it: by its token nobody reads what students handed in.
    of_tess = await in_session_of(world, "tess")
    for path in (HAND_INS, f"{HAND_INS}.zip"):
        assert (await of_tess.get(path)).status_code == 403
    assert (await of_tess.get(f"{HAND_INS}/{of_cleo['id']}")).status_code == 404
    answer = await of_tess.put(f"{GROUP}/data", params={"path": "a.csv"}, content=b"1")
    assert answer.status_code == 403
    assert [each["person"] for each in (await tess.get(HAND_INS)).json()["hand_ins"]] == ["cleo", "bob"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_page_that_a_session_shows_hands_in_nothing(world: World, tess: httpx.AsyncClient) -> None:
    """What a session's own host shows may be a stranger's app."""
    from rsparkhub.domain.access import Action, Coursework, Identity, may

    bob = await world.store.users.get("bob")
    at_host = Identity(user=bob, how="cookie", session="kq4wz7m2xb")
    assert not any(may(at_host, action, Coursework("stat101")) for action in Action)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("who", ["cleo", "eve", "tom", "zoe"])
async def test_nobody_else_reads_lists_or_changes_what_somebody_handed_in(
    world: World, tess: httpx.AsyncClient, who: str
) -> None:
    done = await hand_in(await world.program("bob"), "lab1.Rmd")
    returned = await tess.post(f"{HAND_INS}/{done['id']}/returned", params={"file": "remarks.txt"}, content=b"Good.")
    if who == "zoe":
        await world.add_person("zoe")
    client = await world.program(who)
    refused = {404} if who == "cleo" else {403}
    for path in (f"{HAND_INS}/{done['id']}", f"{GROUP}/returned/{returned.json()['id']}", f"{GROUP}/returned/{done['id']}"):
        assert {(await client.get(path)).status_code} == refused
        assert {(await client.get(f"{GROUP}/data/{done['id']}")).status_code} == refused
    for path in (HAND_INS, f"{HAND_INS}.zip"):
        assert (await client.get(path)).status_code == 403
    for method, path in (
        ("POST", f"{HAND_INS}/{done['id']}/returned?file=a"), ("DELETE", f"{GROUP}/data/{done['id']}"),
        ("PUT", f"{GROUP}/data?path=a"), ("PUT", f"{GROUP}/course-folder"), ("DELETE", f"{HAND_INS}/{done['id']}"),
        ("PUT", f"{HAND_INS}/{done['id']}"),
    ):  # fmt: skip
        json = {"course_folder": False} if path.endswith("folder") else None
        assert (await client.request(method, path, json=json)).status_code in {403, 405}, path
    if who != "cleo":
        assert (await client.post(HAND_INS, params={"file": "lab1.Rmd"}, content=b"1")).status_code == 403
        assert (await client.get(f"{GROUP}/my-hand-ins")).status_code == 403
    assert (await tess.get(f"{HAND_INS}/{done['id']}")).content == b"1 + 1\n"


async def test_what_comes_back_is_found_beside_what_was_handed_in(world: World, tess: httpx.AsyncClient) -> None:
    inside = await in_session_of(world, "bob")
    done = await hand_in(inside, "lab1.Rmd")
    returned = await tess.post(f"{HAND_INS}/{done['id']}/returned", params={"file": "remarks.txt"}, content=b"Good.")
    assert returned.status_code == 201
    (own,) = (await inside.get(f"{GROUP}/my-hand-ins")).json()["hand_ins"]
    assert [(each["file"], each["by"]) for each in own["returned"]] == [("remarks.txt", "tess")]
    assert (await inside.get(f"{GROUP}/returned/{own['returned'][0]['id']}")).content == b"Good."


async def test_what_comes_after_it_was_due_is_taken_and_marked(world: World, tess: httpx.AsyncClient) -> None:
    due = world.clock() + timedelta(minutes=5)
    elsewhere = due.astimezone(timezone(timedelta(hours=1)))
    answer = await tess.put(f"{GROUP}/course-folder", json={"course_folder": True, "due": elsewhere.isoformat()})
    assert answer.json()["due"] == due.isoformat().replace("+00:00", "Z")
    assert (await audit(world))[0].endswith(f"with work due {due:%Y-%m-%d %H:%M} UTC.")
    bob = await world.program("bob")
    assert (await bob.get("/hub/api/courses")).json()["courses"][0]["due"] == answer.json()["due"]
    assert not (await hand_in(bob, "lab1.Rmd"))["late"]
    world.clock.advance(minutes=6)
    assert (await hand_in(bob, "lab1.Rmd"))["late"]
    assert [each["late"] for each in (await tess.get(HAND_INS)).json()["hand_ins"]] == [False, True]


async def test_an_assignment_has_a_due_time_of_its_own(world: World, tess: httpx.AsyncClient) -> None:
    now = world.clock()
    default, soon, later = [(now + timedelta(hours=hours)).isoformat().replace("+00:00", "Z") for hours in (10, 2, 20)]
    rule: dict[str, Any] = {"course_folder": True, "due": default}
    own = [{"name": "lab1", "due": soon}, {"name": "lab2", "due": later}]
    answer = await tess.put(f"{GROUP}/course-folder", json=rule | {"assignments": own})
    assert (answer.json()["due"], answer.json()["assignments"]) == (default, own)
    assert [line.rpartition(" due ")[0] for line in (await audit(world))[:2]] == [
        "tess sets lab2 of the group stat101", "tess sets lab1 of the group stat101",
    ]  # fmt: skip
    bob = await world.program("bob")
    assert (await bob.get("/hub/api/courses")).json()["courses"][0]["assignments"] == own
    assert (await bob.get("/hub/api/me")).json()["courses"][0]["due"] == soon
    world.clock.advance(hours=3)
    for file, assignment, due, late in (
        ("Lab1.Rmd", "lab1", soon, True), ("lab2.tar.gz", "lab2", later, False), ("lab10.Rmd", None, default, False),
    ):  # fmt: skip
        done = await hand_in(bob, file)
        assert (done["assignment"], done["due"], done["late"]) == (assignment, due, late)
    # What is not named stays, and a name in another case is the same one; what came before stays as it came.
    answer = await tess.put(f"{GROUP}/course-folder", json=rule | {"assignments": [{"name": "LAB1", "due": later}]})
    assert {each["name"]: each["due"] for each in answer.json()["assignments"]} == {"LAB1": later, "lab2": later}
    answer = await tess.put(f"{GROUP}/course-folder", json=rule | {"assignments": [{"name": "lab1", "due": None}]})
    assert [each["name"] for each in answer.json()["assignments"]] == ["lab2"]
    assert (await audit(world))[0] == "tess takes the due time of lab1 away, in the group stat101."
    own_work = (await bob.get(f"{GROUP}/my-hand-ins")).json()["hand_ins"]
    assert [each["file"] for each in own_work if each["late"]] == ["Lab1.Rmd"]
    assert (await hand_in(bob, "lab1.Rmd"))["due"] == default
    # What came before its assignment got a time of its own is for that, and in time or late as it was.
    await tess.put(f"{GROUP}/course-folder", json=rule | {"assignments": [{"name": "lab10", "due": soon}]})
    (before,) = [each for each in (await tess.get(HAND_INS)).json()["hand_ins"] if each["file"] == "lab10.Rmd"]
    assert (before["assignment"], before["due"], before["late"]) == ("lab10", default, False)


async def test_what_a_change_of_the_folder_leaves_out_stays(world: World, tess: httpx.AsyncClient) -> None:
    due, own = [(world.clock() + timedelta(hours=hours)).isoformat().replace("+00:00", "Z") for hours in (10, 2)]

    async def put(**rule: object) -> tuple[object, object, list[str]]:
        said = (await tess.put(f"{GROUP}/course-folder", json=rule)).json()
        return said["course_folder"], said["due"], [each["name"] for each in said["assignments"]]

    assert await put(due=due) == (True, due, [])
    assert await put(assignments=[{"name": "lab1", "due": own}]) == (True, due, ["lab1"])
    assert await put(course_folder=False) == (False, due, ["lab1"])
    assert await put(course_folder=None) == (False, due, ["lab1"])
    events = len(await audit(world))
    assert await put() == (False, due, ["lab1"])
    assert len(await audit(world)) == events
    assert await put(due=None) == (False, None, ["lab1"])


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_assignments_have_names_that_files_have_and_a_number(world: World, tess: httpx.AsyncClient) -> None:
    due = (world.clock() + timedelta(hours=1)).isoformat()

    async def put(*names: str) -> httpx.Response:
        own = [{"name": name, "due": due} for name in names]
        return await tess.put(f"{GROUP}/course-folder", json={"course_folder": True, "assignments": own})

    assert (await put("week1/lab1")).status_code == 422
    assert (await put(*(f"lab{number}" for number in range(100)))).status_code == 200
    full = await put("one-more")
    assert (full.status_code, full.json()["detail"].partition(".")[0]) == (
        409, "A course has up to 100 assignments with due times of their own",
    )  # fmt: skip
    assert len((await tess.get(GROUP)).json()["assignments"]) == 100
    await world.store.users.remove_group("stat101", now=world.clock())
    await world.store.users.add_group("stat101", members=["bob"], now=world.clock())
    assert (await (await world.program("ada")).get(GROUP)).json()["assignments"] == []


def test_the_assignments_of_a_course_are_gone_through_once_for_all_hand_ins() -> None:
    at = datetime(2026, 12, 5, tzinfo=UTC)
    files = [
        CourseFile(
            id=f"h{number}", group="stat101", kind=FileKind.HAND_IN, person="bob", by="bob", name=f"lab{number}.Rmd", size=1,
            digest="", created=at,
        )
        for number in range(3)
    ]  # fmt: skip
    once = (Assignment(name=f"Lab{number}", due=at) for number in range(2))
    assert [each.assignment for each in hand_in_views(files, assignments=once)] == ["Lab0", "Lab1", None]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_work_is_due_when_it_is_said_or_it_is_refused(world: World, tess: httpx.AsyncClient) -> None:
    async def put(due: str, *, alone: bool) -> httpx.Response:
        rule = {"due": due} if alone else {"assignments": [{"name": "lab1", "due": due}]}
        return await tess.put(f"{GROUP}/course-folder", json={"course_folder": True} | rule)

    for alone in (True, False):
        for due in ("0202-12-05T23:59:00Z", "9999-12-31T23:59:59Z", "2000-12-31T23:00:00Z", "2199-12-31T23:59:59-01:00"):
            answer = await put(due, alone=alone)
            assert (answer.status_code, "in a year from 2001 to 2199" in answer.text) == (409, True)
        for due in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"):
            answer = await put(due, alone=alone)
            assert (answer.status_code, "in a year from 2001 to 2199" in answer.text) == (409, True)
        for due, kept in (
            ("2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"),
            ("2199-12-31T23:59:59Z", "2199-12-31T23:59:59Z"),
            ("2027-03-28T03:30:00+02:00", "2027-03-28T01:30:00Z"),  # in Berlin, after its clocks went on
        ):
            said = (await put(due, alone=alone)).json()
            assert (said["due"] if alone else said["assignments"][0]["due"]) == kept


@pytest.mark.long
async def test_a_student_is_told_which_course_has_something_and_what_is_due_next(world: World, tess: httpx.AsyncClient) -> None:
    async def told(who: str) -> list[tuple[str, bool, str | None]]:
        courses = (await (await world.program(who)).get("/hub/api/me")).json()["courses"]
        return [(each["group"], each["course_folder"], each["due"]) for each in courses]

    assert (await told("bob"), await told("eve")) == ([("stat101", True, None)], [("math202", False, None)])
    due = (world.clock() + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    await tess.put(f"{GROUP}/course-folder", json={"course_folder": True, "due": due})
    assert await told("bob") == [("stat101", True, due)]
    await tess.put(f"{GROUP}/course-folder", json={"course_folder": False, "due": due})
    assert await told("bob") == [("stat101", False, None)]
    await tess.put(f"{GROUP}/course-folder", json={"course_folder": True, "due": due})
    world.clock.advance(minutes=6)
    assert await told("bob") == [("stat101", True, None)]


async def test_all_come_as_one_zip_with_a_folder_for_each_person(world: World, tess: httpx.AsyncClient) -> None:
    bob, cleo = await world.program("bob"), await world.program("cleo")
    large = bytes(range(256)) * 4096
    for client, content in ((bob, b"1"), (bob, large), (cleo, b"3")):
        await hand_in(client, "lab 1.Rmd", content)
        world.clock.advance(seconds=1)
    await hand_in(cleo, "empty.txt", b"")
    answer = await tess.get(f"{HAND_INS}.zip")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''stat101.zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert all(re.fullmatch(r"\w+/20261124-12000\d-UTC-\w+/[^/]+", name) for name in archive.namelist())
        found = [(name.split("/")[0], name.split("/")[-1], archive.read(name)) for name in archive.namelist()]
    assert found == [
        ("bob", "lab 1.Rmd", b"1"), ("bob", "lab 1.Rmd", large), ("cleo", "lab 1.Rmd", b"3"), ("cleo", "empty.txt", b""),
    ]  # fmt: skip
    assert (await audit(world))[0] == "tess collects all that was handed in to the group stat101."


async def test_data_are_for_everybody_in_the_group_and_instructors_replace_them(world: World, tess: httpx.AsyncClient) -> None:
    inside = await in_session_of(world, "bob")
    for content in (b"a,b\n", b"a,b,c\n"):
        answer = await tess.put(f"{GROUP}/data", params={"path": "week1/flights.csv"}, content=content)
        assert answer.status_code == 200
    (course,) = (await inside.get("/hub/api/courses")).json()["courses"]
    assert [(file["path"], file["size"]) for file in course["data"]] == [("week1/flights.csv", 6)]
    (short,) = (await inside.get("/hub/api/courses", params={"data": "false"})).json()["courses"]
    assert (short, course["files"]) == (course | {"data": []}, 1)
    assert course["file_size"] == world.app.state.context.settings.course_file_size
    address = f"{GROUP}/data/{course['data'][0]['id']}"
    assert (await inside.get(address)).content == b"a,b,c\n"
    for method, path in (("PUT", f"{GROUP}/data?path=week1/flights.csv"), ("DELETE", address)):
        assert (await inside.request(method, path)).status_code == 403
    clash = await tess.put(f"{GROUP}/data", params={"path": "week1"}, content=b"1")
    assert (clash.status_code, clash.json()["detail"]) == (
        409, "week1/flights.csv is there, and a file is no folder. Choose another path, or take it away.",
    )  # fmt: skip
    assert (await tess.delete(address)).status_code == 204
    assert (await inside.get(address)).status_code == 404
    assert (await (await world.program("eve")).get("/hub/api/courses")).json() == {"courses": []}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_names_that_lead_elsewhere_are_refused(world: World, tess: httpx.AsyncClient) -> None:
    bob = await world.program("bob")
    for name in ("", ".hidden", "..", "../cleo/lab1.Rmd", "/a", "a\\b", "-rf", "a\nb", "a\0b", "a ", "a.", "x" * 201):
        answer = await bob.post(HAND_INS, params={"file": name}, content=b"1")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input"), name
        for path in (name, f"week1/{name}"):
            answer = await tess.put(f"{GROUP}/data", params={"path": path}, content=b"1")
            assert answer.status_code == 422, path
    assert (await bob.post(HAND_INS, params={"file": "a/b"}, content=b"1")).status_code == 422
    assert (await tess.get(HAND_INS)).json() == {"hand_ins": []}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_name_is_the_same_whichever_form_its_accents_have(world: World, tess: httpx.AsyncClient) -> None:
    bob = await world.program("bob")
    for form in ("NFD", "NFC"):
        name = unicodedata.normalize(form, "étude.R")
        assert (await hand_in(bob, name))["file"] == "étude.R"
        assert (await tess.put(f"{GROUP}/data", params={"path": f"week1/{name}"}, content=b"1")).status_code == 200
    (course,) = (await bob.get("/hub/api/courses")).json()["courses"]
    assert [file["path"] for file in course["data"]] == ["week1/étude.R"]


async def test_a_student_fills_no_disk(world: World, tess: httpx.AsyncClient) -> None:
    set_room(world, course_file_size=2 * 2**20, hand_in_room=3 * 2**20, hand_ins_per_student=3, course_data_room=2**20)
    bob = await world.program("bob")

    async def refused(size: int) -> tuple[int, str]:
        answer = await bob.post(HAND_INS, params={"file": "a"}, content=bytes(size))
        return answer.status_code, answer.json()["detail"]

    await hand_in(bob, "a", bytes(2 * 2**20))
    status, said = await refused(2**20 + 1)
    assert (status, said.partition(".")[0]) == (409, "A student can hand in up to 3 MiB in a course, and this would be more")
    assert said.endswith("Ask an instructor of it to remove what isn't needed any more: `rsparkhub group remove-hand-in`.")
    await hand_in(bob, "a")
    await hand_in(bob, "a")
    status, said = await refused(1)
    assert (status, said.partition(".")[0]) == (409, "A student can hand in up to 3 times in a course")
    await hand_in(await world.program("cleo"), "a", bytes(2**20))  # each has their own
    answer = await tess.put(f"{GROUP}/data", params={"path": "a"}, content=bytes(2**20 + 1))
    assert answer.status_code == 409

    # Nothing is told of a length that isn't there, and no more is read.
    async def endless() -> Any:
        while True:
            yield b"1"

    assert (await bob.post(HAND_INS, params={"file": "a"}, content=endless())).status_code == 422


async def test_what_does_not_come_to_its_end_is_nothing(world: World, tess: httpx.AsyncClient) -> None:
    room, by = world.settings.course_room, By("bob", world.clock())
    store = world.store.coursework
    left = await store.begin("stat101", FileKind.HAND_IN, "lab1.Rmd", size=10, room=replace(room, hand_ins=1), by=by)
    await store.write(left, 0, b"half")
    bob = await world.program("bob")
    assert (await bob.get(f"{GROUP}/my-hand-ins")).json() == {"hand_ins": []}
    assert (await bob.get(f"{HAND_INS}/{left}")).status_code == 404
    set_room(world, hand_ins_per_student=1)
    assert (await bob.post(HAND_INS, params={"file": "a"}, content=b"1")).status_code == 409  # it has its room
    world.clock.advance(hours=2)
    await hand_in(bob, "lab1.Rmd")
    set_room(world, hand_ins_per_student=2)
    short = await bob.post(HAND_INS, params={"file": "a"}, content=b"1", headers={"Content-Length": "2"})
    assert (short.status_code, short.json()["detail"]) == (422, "The file did not come whole. Send it again.")
    world.clock.advance(seconds=1)
    await hand_in(bob, "whole.Rmd")  # its room is free again
    assert [each["file"] for each in (await bob.get(f"{GROUP}/my-hand-ins")).json()["hand_ins"]] == ["lab1.Rmd", "whole.Rmd"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("tess")
async def test_of_a_file_that_is_too_large_it_is_said_how_large_one_may_be(world: World, tmp_path: Path) -> None:
    for most, said in ((2 * 2**20, "2 MiB"), (1000, "1000 bytes")):
        settings = world.settings.model_copy(update={"course_file_size": most})
        folder = tmp_path / said
        folder.mkdir()
        app, authenticator = make_app(settings=settings, store=world.store, clock=world.clock, folder=folder, pages=world.pages)
        transport = httpx.ASGITransport(app=app)
        bob = await replace(world, app=app, authenticator=authenticator, transport=transport).program("bob")
        await hand_in(bob, "a", bytes(most))
        answer = await bob.post(HAND_INS, params={"file": "a"}, content=bytes(most + 1))
        assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (
            413, "too-large", f"A file of a course has up to {said}. Leave out what can be computed again.",
        )  # fmt: skip


async def test_of_two_that_come_at_once_there_is_room_for_one(world: World, tess: httpx.AsyncClient) -> None:
    set_room(world, hand_ins_per_student=1)
    bob, again = await world.program("bob"), await world.program("bob")
    sent = [client.post(HAND_INS, params={"file": "a"}, content=b"1") for client in (bob, again)]
    assert sorted(answer.status_code for answer in await asyncio.gather(*sent)) == [201, 409]
    assert len((await tess.get(HAND_INS)).json()["hand_ins"]) == 1


async def test_all_courses_together_fill_no_disk(world: World, tess: httpx.AsyncClient) -> None:
    set_room(world, course_files_room=3000)
    bob, tom = await world.program("bob"), await world.program("tom")
    await tom.put("/hub/api/groups/math202/course-folder", json={"course_folder": True})
    assert (await tom.put("/hub/api/groups/math202/data?path=a.csv", content=bytes(2000))).status_code == 200
    full = await bob.post(HAND_INS, params={"file": "a"}, content=bytes(1001))
    assert full.status_code == 409
    assert "Ask an administrator to make room: by the setting course_files_room" in full.json()["detail"]
    await hand_in(bob, "a", bytes(1000))
    # What takes the place of something else needs no more room than there is then.
    assert (await tom.put("/hub/api/groups/math202/data?path=a.csv", content=bytes(2000))).status_code == 200


async def test_data_that_take_the_place_of_others_need_no_room_beside_them(world: World, tess: httpx.AsyncClient) -> None:
    set_room(world, course_data_room=1000)
    for _ in range(2):
        assert (await tess.put(f"{GROUP}/data?path=a.csv", content=bytes(800))).status_code == 200
    assert (await tess.put(f"{GROUP}/data?path=b.csv", content=bytes(300))).status_code == 409


async def test_a_course_gives_so_many_files_and_who_asks_for_themselves_reads_none(world: World, tess: httpx.AsyncClient) -> None:
    assert (await tess.put(f"{GROUP}/data?path=first.csv", content=b"1")).status_code == 200
    ((of, of_group),) = [(each.id, each.group) for each in await world.store.coursework.list("stat101", FileKind.DATA)]
    row = {
        "group": of_group, "kind": "data", "by": "tess", "size": 0, "digest": "", "created": world.clock(), "whole": True,
    }  # fmt: skip
    rows = [row | {"id": f"{of}{number}", "name": f"many/{number}"} for number in range(MOST_DATA - 1)]
    await world.store.database.write(lambda connection: connection.rows(sa.insert(course_files), rows))
    more = await tess.put(f"{GROUP}/data?path=more.csv", content=b"")
    assert (more.status_code, more.json()["detail"].partition(".")[0]) == (409, "The data of a course have up to 5000 files")
    assert (await tess.put(f"{GROUP}/data?path=first.csv", content=b"2")).status_code == 200  # in the place of one
    bob = await world.program("bob")
    with read_from(world) as statements:
        assert [each["course_folder"] for each in (await bob.get("/hub/api/me")).json()["courses"]] == [True]
    assert statements
    assert not [each for each in statements if "course_files.digest" in each]
    (course,) = (await bob.get("/hub/api/courses")).json()["courses"]
    assert len(course["data"]) == MOST_DATA


async def test_each_file_of_many_is_given_by_as_many_statements_that_return_as_few_rows(
    world: World, tess: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[int] = []

    async def note(connection: Any) -> None:
        rows = type(connection).rows

        async def counted(self: Any, *asked: Any) -> Any:
            found = await rows(self, *asked)
            answers.append(len(found))
            return found

        monkeypatch.setattr(type(connection), "rows", counted)

    await world.store.database.write(note)

    async def give(path: str) -> list[int]:
        answers.clear()
        answer = await tess.put(f"{GROUP}/data", params={"path": path}, content=b"1")
        assert answer.status_code == 200, answer.text
        return [*answers]

    first = await give("week1/0.csv")
    for number in range(1, 40):
        await give(f"week1/{number}.csv")
    assert await give("week2/last.csv") == first
    assert sum(first) < 20


async def test_a_file_is_in_the_way_of_its_folder_alone(world: World, tess: httpx.AsyncClient) -> None:
    for path in ("week1/a/b.csv", "Week1", "week1.csv", "week1-a", "week10", "week1/a b", "week"):
        assert (await tess.put(f"{GROUP}/data", params={"path": path}, content=b"1")).status_code == 200, path
    for path, clash in (
        ("week1", "week1/"), ("week1/a", "week1/a/b.csv"), ("week1/a/b.csv/c/d", "week1/a/b.csv"), ("week/x", "week"),
    ):  # fmt: skip
        refused = await tess.put(f"{GROUP}/data", params={"path": path}, content=b"1")
        assert refused.status_code == 409
        assert refused.json()["detail"].startswith(clash)


async def test_an_instructor_sees_what_the_data_of_a_course_take(world: World, tess: httpx.AsyncClient) -> None:
    set_room(world, course_data_room=1000, course_file_size=600)
    assert (await tess.get(f"{GROUP}/data")).json() == {"data": [], "size": 0, "room": 1000}
    assert (await tess.get(GROUP)).json()["file_size"] == 600
    for path in ("week2/b.csv", "a.csv"):
        assert (await tess.put(f"{GROUP}/data", params={"path": path}, content=bytes(300))).status_code == 200
    said = (await tess.get(f"{GROUP}/data")).json()
    assert ([file["path"] for file in said["data"]], said["size"]) == (["a.csv", "week2/b.csv"], 600)
    # Also for administrators, who are in no course.
    assert (await (await world.program("ada")).get(f"{GROUP}/data")).json() == said
    for client in (await world.program("bob"), await world.program("tom"), await in_session_of(world, "tess")):
        assert (await client.get(f"{GROUP}/data")).status_code == 403


async def test_a_file_is_no_folder_also_where_both_come_at_once(world: World, tess: httpx.AsyncClient) -> None:
    store, by, kind = world.store.coursework, By("tess", world.clock()), FileKind.DATA
    room = world.settings.course_room
    file, inside = [await store.begin("stat101", kind, path, size=0, room=room, by=by) for path in ("a", "a/b")]
    await store.finish("stat101", kind, file, digest="", by=by)
    with pytest.raises(Conflict, match="a is there, and a file is no folder"):
        await store.finish("stat101", kind, inside, digest="", by=by)


async def test_who_is_removed_while_they_send_is_told_so(world: World, tess: httpx.AsyncClient) -> None:
    store, by, kind = world.store.coursework, By("bob", world.clock()), FileKind.HAND_IN
    file = await store.begin("stat101", kind, "a", size=4, room=world.settings.course_room, by=by)
    await world.store.users.remove("bob", data=Data.DELETE, now=world.clock())
    with pytest.raises(Conflict, match="what it belongs to was deleted meanwhile"):
        await store.write(file, 0, b"half")
    with pytest.raises(NotAllowed):
        await store.finish("stat101", kind, file, digest="", by=by)
    await world.store.users.remove_group("stat101", now=world.clock())
    with pytest.raises(NotFound, match="no group called stat101"):
        await store.begin("stat101", kind, "a", size=4, room=world.settings.course_room, by=By("cleo", world.clock()))


async def test_what_an_instructor_removes_makes_room(world: World, tess: httpx.AsyncClient) -> None:
    set_room(world, hand_ins_per_student=1)
    bob = await world.program("bob")
    done = await hand_in(bob, "lab1.Rmd")
    returned = await tess.post(f"{HAND_INS}/{done['id']}/returned", params={"file": "remarks.txt"}, content=b"Good.")
    for client in (bob, await world.program("tom"), await in_session_of(world, "tess")):
        assert (await client.delete(f"{HAND_INS}/{done['id']}")).status_code == 403
    assert (await tess.delete(f"{HAND_INS}/{returned.json()['id']}")).status_code == 404
    assert (await tess.delete(f"/hub/api/groups/math202/hand-ins/{done['id']}")).status_code == 403
    store, by, room = world.store.coursework, By("tess", world.clock()), replace(world.settings.course_room, hand_ins=5)
    removed = await store.get("stat101", done["id"])
    half = await store.begin("stat101", FileKind.RETURNED, "more.txt", size=4, of=removed, room=room, by=by)
    assert (await tess.delete(f"{HAND_INS}/{done['id']}")).status_code == 204
    with pytest.raises(Conflict):  # it is nobody's any more, and takes no room
        await store.write(half, 0, b"more")
    with pytest.raises(NotFound, match="was removed meanwhile"):
        await store.begin("stat101", FileKind.RETURNED, "more.txt", size=4, of=removed, room=room, by=by)
    assert (await tess.delete(f"{HAND_INS}/{done['id']}")).status_code == 404
    assert (await bob.get(f"{GROUP}/returned/{returned.json()['id']}")).status_code == 404
    assert (await audit(world))[0] == "tess removes lab1.Rmd, which bob handed in to the group stat101."
    again = await hand_in(bob, "lab1.Rmd")
    ada = await world.program("ada")
    assert (await ada.delete(f"{HAND_INS}/{again['id']}")).status_code == 204


async def test_instructors_see_who_has_handed_in(world: World, tess: httpx.AsyncClient) -> None:
    bob = await world.program("bob")
    for _ in range(2):
        await hand_in(bob, "lab1.Rmd")
    people = (await tess.get(GROUP)).json()["people"]
    assert {each["name"]: each["hand_ins"] for each in people} == {"bob": 2, "cleo": 0, "tess": 0}


async def test_a_role_that_is_taken_away_opens_nothing_any_more(world: World, tess: httpx.AsyncClient) -> None:
    bob = await world.program("bob")
    done = await hand_in(bob, "lab1.Rmd")
    ada = await world.program("ada")
    await ada.put(f"{GROUP}/instructors", json={"instructors": []})
    for path in (HAND_INS, f"{HAND_INS}.zip"):
        assert (await tess.get(path)).status_code == 403
    assert (await tess.get(f"{HAND_INS}/{done['id']}")).status_code == 404
    await ada.put(GROUP, json={"members": ["cleo"]})
    assert (await bob.post(HAND_INS, params={"file": "a"}, content=b"1")).status_code == 403
    assert (await bob.get(f"{HAND_INS}/{done['id']}")).status_code == 403
    assert (await tess.get(f"{HAND_INS}/{done['id']}")).status_code == 403


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_folder_that_is_closed_takes_nothing_and_keeps_all(world: World, tess: httpx.AsyncClient) -> None:
    bob = await world.program("bob")
    await hand_in(bob, "lab1.Rmd")
    cleo = await world.program("cleo")
    await tess.put(f"{GROUP}/course-folder", json={"course_folder": False})
    for client in (bob, tess):
        answer = await client.post(HAND_INS, params={"file": "a"}, content=b"1")
        assert (answer.status_code, answer.json()["detail"]) == (
            409, "stat101 takes no work now. Its instructors and administrators open its course folder.",
        )  # fmt: skip
    assert len((await tess.get(HAND_INS)).json()["hand_ins"]) == 1
    assert (await cleo.get("/hub/api/courses")).json() == {"courses": []}  # it has nothing for her
    assert [each["group"] for each in (await bob.get("/hub/api/courses")).json()["courses"]] == ["stat101"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_instructors_give_and_give_back_when_the_time_for_work_is_over(world: World, tess: httpx.AsyncClient) -> None:
    bob, inside = await world.program("bob"), await in_session_of(world, "bob")
    done = await hand_in(bob, "lab1.Rmd")
    await tess.put(f"{GROUP}/course-folder", json={"course_folder": False})
    back = await tess.post(f"{HAND_INS}/{done['id']}/returned", params={"file": "remarks.txt"}, content=b"Good.")
    given = await tess.put(f"{GROUP}/data", params={"path": "solution.Rmd"}, content=b"2")
    assert (back.status_code, given.status_code) == (201, 200)
    (course,) = (await inside.get("/hub/api/courses")).json()["courses"]
    assert (course["course_folder"], [file["path"] for file in course["data"]]) == (False, ["solution.Rmd"])
    assert (await inside.get(f"{GROUP}/returned/{back.json()['id']}")).content == b"Good."


@pytest.mark.usefixtures("tess")
async def test_of_who_is_removed_the_course_keeps_what_they_handed_in(world: World) -> None:
    for who in ("bob", "cleo"):
        await hand_in(await world.program(who), "lab1.Rmd")
    await world.store.users.remove("bob", now=world.clock())
    await world.store.users.remove("cleo", data=Data.DELETE, now=world.clock())
    await world.add_person("bob")
    await world.store.users.set_members("stat101", ["bob", "tess"], by=By("ada", world.clock()))
    ada = await world.program("ada")
    assert [each["person"] for each in (await ada.get(HAND_INS)).json()["hand_ins"]] == ["bob"]
    later = await world.program("bob")  # of the same name, and nobody else's
    assert (await later.get(f"{GROUP}/my-hand-ins")).json() == {"hand_ins": []}
    assert (await hand_in(later, "lab1.Rmd"))["person"] == "bob.2"


async def test_of_a_group_that_is_removed_it_is_kept_until_it_is_deleted(world: World, tess: httpx.AsyncClient) -> None:
    ada = await world.program("ada")
    await hand_in(await world.program("bob"), "lab1.Rmd")
    assert (await ada.get("/hub/api/removed-groups/stat101/hand-ins.zip")).status_code == 404  # it is there
    assert (await ada.delete(GROUP)).status_code == 204
    await world.store.users.add_group("stat101", members=["bob"], now=world.clock())
    await ada.put(f"{GROUP}/course-folder", json={"course_folder": True})
    assert (await ada.get(HAND_INS)).json() == {"hand_ins": []}
    (left,) = (await ada.get("/hub/api/removed-groups")).json()["removed"]
    assert (left["id"], left["left"], left["data"]) == ("stat101", ["course folder"], "keep")
    kept = await ada.get("/hub/api/removed-groups/stat101/hand-ins.zip")
    assert len(zipfile.ZipFile(io.BytesIO(kept.content)).namelist()) == 1
    assert (await ada.delete("/hub/api/removed-groups/stat101?data=delete")).status_code == 202
    assert (await ada.get("/hub/api/removed-groups")).json() == {"removed": []}
    await hand_in(await world.program("bob"), "lab1.Rmd")
    await ada.delete(f"{GROUP}?data=delete")
    assert (await ada.get("/hub/api/removed-groups")).json() == {"removed": []}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("tess")
async def test_a_token_that_only_looks_hands_in_nothing(world: World) -> None:
    bob = await world.program("bob", Scope.READ)
    assert (await bob.get("/hub/api/courses")).status_code == 200
    assert (await bob.post(HAND_INS, params={"file": "a"}, content=b"1")).status_code == 403
