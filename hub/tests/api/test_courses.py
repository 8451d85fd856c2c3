"""Instructors of a group: what they do for it, for it alone, and what its people are told."""

import csv
import io
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from world import World

from rsparkhub.domain.errors import NotAllowed
from rsparkhub.domain.roster import RosterRow
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.session import State, Wanted
from rsparkhub.store.events import By

GROUP = "/hub/api/groups/stat101"


@pytest.fixture
async def taught(world: World) -> str:
    """A running session of bob's, who is taught in stat101 by tess; tom teaches math202, in which eve is."""
    ada = await world.program("ada")
    for name in ("tess", "tom"):
        await world.add_person(name)
    for group, member, teacher in (("stat101", "bob", "tess"), ("math202", "eve", "tom")):
        await world.store.users.add_group(group, members=[member], now=world.clock())
        made = await ada.put(f"/hub/api/groups/{group}/instructors", json={"instructors": [teacher]})
        assert (made.status_code, made.json()["instructors"]) == (200, [teacher])
    session = await world.session_of("bob", name="Homework")
    await world.controller.run(session)
    return session


def set_adding(world: World, whom: str) -> None:
    """Have the app go on under another setting."""
    context = world.app.state.context
    world.app.state.context = replace(context, settings=context.settings.model_copy(update={"instructors_add": whom}))


async def rule(world: World, *, view: bool) -> None:
    answer = await (await world.program("ada")).patch(GROUP, json={"instructors_view": view})
    assert (answer.status_code, answer.json()["instructors_view"]) == (200, view)


async def audit(world: World, *kinds: str) -> list[str]:
    query = "&".join(f"kind={kind}" for kind in kinds)
    events = (await (await world.program("ada")).get(f"/hub/api/audit?{query}")).json()["events"]
    return [event["text"] for event in events]


@pytest.mark.usefixtures("taught")
async def test_an_instructor_sees_who_is_in_the_group_and_their_sessions_and_no_others(world: World) -> None:
    await world.session_of("eve")
    await world.session_of("tess", name="Preparation")  # an instructor's own is no student's
    tess = await world.program("tess")
    shown = (await tess.get(GROUP)).json()
    assert [(each["name"], each["instructor"]) for each in shown["people"]] == [("bob", False), ("tess", True)]
    assert (shown["instructors_view"], shown["may_add"], shown["announcement"]) == (False, "new", None)
    listed = (await tess.get(f"{GROUP}/sessions")).json()["sessions"]
    assert [(each["owner"], each["name"], each["state"]) for each in listed] == [("bob", "Homework", "running")]
    assert [each["group"] for each in (await tess.get("/hub/api/me")).json()["courses"] if each["instructor"]] == ["stat101"]


@pytest.mark.usefixtures("taught")
async def test_the_list_of_sessions_has_pages(world: World) -> None:
    for number in range(3):
        world.clock.advance(seconds=1)
        await world.session_of("bob", name=f"n{number}")
    tess = await world.program("tess")
    names: list[str] = []
    query = "?limit=3"
    while True:
        page = (await tess.get(f"{GROUP}/sessions{query}")).json()
        names += [each["name"] for each in page["sessions"]]
        if page["next"] is None:
            break
        query = f"?limit=3&after={page['next']}"
    assert names == ["n2", "n1", "n0", "Homework"]


async def test_of_another_group_they_see_and_do_nothing(world: World, taught: str) -> None:
    tom = await world.program("tom")
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None), ("GET", "/sessions", None), ("POST", "/people", {"people": ["eve"]}),
        ("POST", "/roster", {"text": "new"}), ("PUT", "/announcement", {"text": "Hi"}),
    ]  # fmt: skip
    for group in ("stat101", "none"):  # whether it is there is not told
        for method, path, body in calls:
            answer = await tom.request(method, f"/hub/api/groups/{group}{path}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed"), (method, path)
    for method, path in (("GET", ""), ("GET", "/logs"), ("POST", "/suspend"), ("POST", "/stop"), ("DELETE", "")):
        assert (await tom.request(method, f"/hub/api/sessions/{taught}{path}")).status_code == 404
    assert (await world.store.sessions.get(taught)).wanted is Wanted.RUNNING


async def test_they_put_a_session_to_sleep_and_stop_it_and_do_no_more_with_it(world: World, taught: str) -> None:
    tess = await world.program("tess")
    url = f"/hub/api/sessions/{taught}"
    assert (await tess.get(url)).json()["owner"] == "bob"
    for method, path in (("POST", "/resume"), ("POST", "/extend"), ("DELETE", ""), ("GET", "/logs"), ("GET", "/shares")):
        refused = await tess.request(method, f"{url}{path}")
        assert refused.status_code == 403, path
        assert refused.json()["detail"] == "You are an instructor of stat101, who may not do this. Ask its owner."
    assert (await tess.post(f"{url}/suspend", json={"confirm": True})).json()["wanted"] == "suspended"
    assert (await tess.post(f"{url}/stop", json={"confirm": True})).json()["wanted"] == "stopped"
    assert (await audit(world, "wanted"))[:2] == ["tess asks Homework to stop.", "tess asks Homework to sleep."]


async def test_nobody_teaches_administrators_and_instructors(world: World, taught: str) -> None:
    ada = await world.program("ada")
    await ada.put(GROUP, json={"members": ["ada", "bob", "tess"]})
    assert (await ada.get("/hub/api/groups")).json()["groups"][1]["instructors"] == ["tess"]  # who stays is what they were
    of_ada = await world.session_of("ada")
    tess = await world.program("tess")
    assert (await tess.get(f"/hub/api/sessions/{of_ada}")).status_code == 404
    await ada.put(f"{GROUP}/instructors", json={"instructors": ["tess", "bob"]})
    assert (await tess.get(f"/hub/api/sessions/{taught}")).status_code == 404
    assert (await tess.get(f"{GROUP}/sessions")).json()["sessions"] == []


async def test_who_is_one_no_longer_is_a_member_and_may_nothing(world: World, taught: str) -> None:
    ada, tess = await world.program("ada"), await world.program("tess")
    assert (await tess.get(f"/hub/api/sessions/{taught}")).status_code == 200
    assert (await ada.put(f"{GROUP}/instructors", json={"instructors": []})).json() == {
        "name": "stat101", "members": ["bob", "tess"], "instructors": [], "instructors_view": False,
    }  # fmt: skip
    assert (await tess.get(f"/hub/api/sessions/{taught}")).status_code == 404
    assert (await tess.get(GROUP)).status_code == 403
    assert (await audit(world, "group"))[:1] == ["ada sets who the instructors of the group stat101 are; no longer: tess."]


@pytest.mark.usefixtures("taught")
async def test_people_are_told_the_rule_and_what_the_group_is_told(world: World) -> None:
    bob, tess = await world.program("bob"), await world.program("tess")
    assert (await bob.get("/hub/api/me")).json()["courses"] == [
        {
            "group": "stat101", "instructor": False, "instructors_view": False, "announcement": None,
            "course_folder": False, "due": None,
        }
    ]  # fmt: skip
    await rule(world, view=True)
    work = {"environment": "rspark", "source": "https://git.example/labs", "document": "lab1.Rmd"}
    answer = await tess.put(f"{GROUP}/announcement", json={"text": "Lab 1 is out.\nUntil Friday.", "work": work})
    assert answer.status_code == 200
    [course] = (await bob.get("/hub/api/me")).json()["courses"]
    assert course["instructors_view"] is True
    assert course["announcement"] == {
        "text": "Lab 1 is out.\nUntil Friday.", "by": "tess", "at": "2026-11-24T12:00:00Z",
        "link": "/hub/start?environment=rspark&from=https://git.example/labs&open=lab1.Rmd",
    }  # fmt: skip
    [own] = (await tess.get("/hub/api/me")).json()["courses"]
    assert own["instructors_view"] is False  # nobody looks into an instructor's
    assert (await tess.put(f"{GROUP}/announcement", json={})).json()["announcement"] is None
    assert (await bob.get("/hub/api/me")).json()["courses"][0]["announcement"] is None
    assert (await audit(world, "group"))[:3] == [
        "tess takes back what the group stat101 was told.",
        "tess tells the group stat101: Lab 1 is out.\nUntil Friday.",
        "ada lets instructors of the group stat101 look into its sessions.",
    ]


@pytest.mark.usefixtures("taught")
async def test_work_that_may_not_be_handed_out_is_refused(world: World) -> None:
    tess = await world.program("tess")
    for body, status, says in (
        ({"work": {"environment": "rspark", "source": "tutorial"}}, 409, "Say in `text`"),
        ({"text": "Hi", "work": {"environment": "lab", "source": "tutorial"}}, 404, "lab"),  # of a group that she is not in
        ({"text": "a\x07b"}, 422, ""),
        ({"text": " \n "}, 422, "can't be blank"),
        (
            {
                "text": "Hi",
                "work": {"environment": "rspark", "source": "https://git.example/x", "folder": "é" * 400, "document": "é" * 400},
            },
            422,
            "4000",
        ),
    ):
        answer = await tess.put(f"{GROUP}/announcement", json=body)
        assert answer.status_code == status, answer.text
        assert says in answer.text


async def add(client: httpx.AsyncClient, text: str, **more: object) -> httpx.Response:
    return await client.post(f"{GROUP}/roster", json={"text": text, **more})


@pytest.mark.usefixtures("taught")
async def test_they_add_new_people_to_their_group_with_links(world: World) -> None:
    tess = await world.program("tess")
    answer = await add(tess, "name,full name,e-mail\nzoe,Zoe Zed,zoe@example.org\nyan,Yan,\n")
    assert (answer.status_code, answer.json()["added"]) == (200, ["zoe", "yan"])
    zoe = await world.store.users.get("zoe")
    assert (zoe.groups, zoe.teaches, zoe.admin, zoe.full_name) == ({"stat101"}, frozenset(), False, "Zoe Zed")
    rows = list(csv.DictReader(io.StringIO(answer.json()["links"])))
    [token] = parse_qs(urlsplit(rows[0]["link"]).query)["token"]
    assert (await world.authenticator.sign_in_with_link(token, now=world.clock())).user.name == "zoe"
    again = (await add(tess, "zoe,Another Name,other@example.org")).json()
    assert (again["added"], again["there"], again["links"]) == ([], ["zoe"], "")
    assert (await world.store.users.get("zoe")).full_name == "Zoe Zed"  # of whoever is there nothing is changed


@pytest.mark.usefixtures("taught")
@pytest.mark.parametrize("text", ["new,,,math202", "new,,,stat101,instructor", "new,New,no-address"])
async def test_a_list_of_theirs_is_about_their_group_alone(world: World, text: str) -> None:
    answer = (await add(await world.program("tess"), f"zoe\n{text}")).json()
    assert ([each["line"] for each in answer["problems"]], answer["added"]) == ([2], [])
    assert "zoe" not in {user.name for user in await world.store.users.list()}


@pytest.mark.usefixtures("taught")
async def test_they_put_in_nobody_who_is_here_already_unless_a_setting_says_so(world: World) -> None:
    tess = await world.program("tess")
    for check in (True, False):
        [problem] = (await add(tess, "zoe\neve\nbob\n", check=check)).json()["problems"]
        assert (problem["line"], "eve is here already" in problem["text"]) == (2, True)
    assert "zoe" not in {user.name for user in await world.store.users.list()}
    assert (await tess.post(f"{GROUP}/people", json={"people": ["eve"]})).status_code == 403
    set_adding(world, "anybody")
    # an administrator is put in by administrators
    [problem] = (await add(tess, "zoe\nada\n")).json()["problems"]
    assert (problem["line"], "ada" in problem["text"]) == (2, True)
    refused = await tess.post(f"{GROUP}/people", json={"people": ["ada"]})
    assert (refused.status_code, "ada" in refused.json()["detail"]) == (409, True)
    assert (await add(tess, "zoe\neve\n")).json()["there"] == ["eve"]
    joined = await tess.post(f"{GROUP}/people", json={"people": ["tom", "bob"]})
    assert [each["name"] for each in joined.json()["people"]] == ["bob", "eve", "tess", "tom", "zoe"]
    assert (await tess.post(f"{GROUP}/people", json={"people": ["none"]})).status_code == 404
    set_adding(world, "nobody")
    assert (await add(tess, "wim")).status_code == 403


@pytest.mark.usefixtures("taught")
async def test_they_make_no_instructors_no_rule_and_no_links_for_others(world: World) -> None:
    tess = await world.program("tess")
    for method, path, body in (
        ("PUT", f"{GROUP}/instructors", {"instructors": ["tess", "bob"]}),
        ("PATCH", GROUP, {"instructors_view": True}),
        ("PUT", GROUP, {"members": []}),
        ("DELETE", GROUP, None),
        ("POST", "/hub/api/users/bob/link", None),
        ("POST", "/hub/api/users/bob/password", {"password": "correct horse"}),
        ("POST", "/hub/api/roster", {"text": "new"}),
    ):
        assert (await tess.request(method, path, json=body)).status_code == 403, path


@pytest.mark.usefixtures("taught")
async def test_a_class_with_its_instructors_comes_by_one_list_of_an_administrator(world: World) -> None:
    ada = await world.program("ada")
    text = "name,group,role\ntia,bio303,instructor\nzoe,bio303,member\nyan,bio303,\n"
    assert (await ada.post("/hub/api/roster", json={"text": text, "links": False})).json()["problems"] == []
    assert (await world.store.users.get("tia")).teaches == {"bio303"}
    assert [each.teaches for each in (await world.store.courses.get("bio303")).people if each.name != "tia"] == [frozenset()] * 2


@pytest.mark.usefixtures("taught")
async def test_they_add_people_up_to_a_bound_and_administrators_any(world: World) -> None:
    tess = await world.program("tess")
    context = world.app.state.context
    settings = context.settings.model_copy(update={"instructors_add_up_to": 3, "instructors_add": "anybody"})
    world.app.state.context = replace(context, settings=settings)
    for check in (True, False):
        [problem] = (await add(tess, "zoe\nbob\nyan\nwim\n", check=check)).json()["problems"]
        assert (problem["line"], "up to 3" in problem["text"]) == (3, True)
    assert "zoe" not in {user.name for user in await world.store.users.list()}
    assert (await add(tess, "zoe\nbob\n")).json()["added"] == ["zoe"]
    refused = await tess.post(f"{GROUP}/people", json={"people": ["eve"]})
    assert (refused.status_code, "up to 3" in refused.json()["detail"]) == (409, True)
    assert (await (await world.program("ada")).post(f"{GROUP}/people", json={"people": ["eve"]})).status_code == 200


@pytest.mark.usefixtures("taught")
async def test_who_lost_the_role_after_the_request_came_in_does_nothing(world: World) -> None:
    courses, by = world.store.courses, By("tess", world.clock())
    await courses.announce("stat101", None, by=by)
    await (await world.program("ada")).put(f"{GROUP}/instructors", json={"instructors": []})
    for late in (
        courses.announce("stat101", None, by=by),
        courses.add("stat101", ["eve"], by=by),
        courses.add_all("stat101", [RosterRow(line=1, name="zoe")], take_in=False, by=by),
    ):
        with pytest.raises(NotAllowed):
            await late
    assert "zoe" not in {user.name for user in await world.store.users.list()}


@pytest.mark.usefixtures("taught")
async def test_a_list_of_an_administrator_takes_the_role_away_where_it_says_member(world: World) -> None:
    ada = await world.program("ada")
    for text, teaches in (("tess,,,stat101,", {"stat101"}), ("tess,,,stat101,member", set())):
        assert (await ada.post("/hub/api/roster", json={"text": text, "links": False})).json()["there"] == ["tess"]
        assert (await world.store.users.get("tess")).teaches == teaches
    assert (await audit(world, "group"))[:1] == ["ada sets who the instructors of the group stat101 are; no longer: tess."]


async def test_their_tokens_have_scopes_as_others_have(world: World, taught: str) -> None:
    sessions, users = await world.program("tess", Scope.SESSIONS), await world.program("tess", Scope.USERS)
    assert (await sessions.get(f"{GROUP}/sessions")).status_code == 200
    assert (await sessions.put(f"{GROUP}/announcement", json={"text": "Hi"})).status_code == 403
    assert (await users.put(f"{GROUP}/announcement", json={"text": "Hi"})).status_code == 200
    assert (await users.post(f"/hub/api/sessions/{taught}/stop")).status_code == 403


async def test_of_an_administrator_who_reads_a_log_the_owner_is_told(world: World, taught: str) -> None:
    ada, bob = await world.program("ada"), await world.program("bob")
    await world.controller.end(taught, State.STOPPED)
    await ada.get(f"/hub/api/sessions/{taught}/logs?service=agent")
    [visit] = (await bob.get(f"/hub/api/sessions/{taught}")).json()["visits"]
    assert (visit["by"], visit["group"], visit["to"]) == ("ada", None, "log")
