"""Signing in and out, people, groups and tokens."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from world import OWN, URL, World, make_app, write_pages

from rsparkhub.domain.scope import Scope
from rsparkhub.domain.session import State
from rsparkhub.settings import Settings
from rsparkhub.store import Store

GOOD = "correct horse battery"


async def sign_in(client: httpx.AsyncClient, name: str = "bob", password: str = GOOD) -> httpx.Response:
    return await client.post("/hub/api/login", json={"name": name, "password": password})


@pytest.fixture
async def bobs_password(world: World) -> None:
    await world.authenticator.set_password("bob", GOOD)


@pytest.mark.usefixtures("bobs_password")
async def test_a_password_signs_in_a_browser_by_a_cookie_and_a_program_by_a_token(world: World) -> None:
    browser = world.nobody(**OWN)
    answer = await sign_in(browser)
    assert answer.status_code == 200
    told = answer.json()
    assert told["user"] == {
        "name": "bob", "admin": False, "groups": [], "limits": {"sessions": 10}, "version": told["user"]["version"],
        "images": False,
        "has_password": True,
        "courses": [],
        "scopes": ["all"],
    }  # fmt: skip
    assert told["expires"] == "2026-12-08T12:00:00Z"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("rsparkhub=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert (await browser.get("/hub/api/me")).json() == told["user"]
    program = world.nobody(Authorization=f"Bearer {told['token']}")
    assert (await program.get("/hub/api/me")).json() == told["user"]


@pytest.mark.usefixtures("bobs_password")
async def test_the_ways_to_sign_in_are_listed_and_can_be_asked_for(world: World) -> None:
    client = world.nobody()
    assert (await client.get("/hub/api/login")).json() == [
        {"name": "password", "title": "Name and password", "fields": ["name", "password"], "url": None}
    ]
    body = {"name": "bob", "password": GOOD}
    assert (await client.post("/hub/api/login", json={**body, "way": "password"})).status_code == 200
    for way in ("link", "nothing", ""):  # a link is no way that the page offers
        assert (await client.post("/hub/api/login", json={**body, "way": way})).status_code == 404


@pytest.mark.usefixtures("bobs_password")
async def test_under_tls_the_cookie_is_one_that_no_other_host_can_set(world: World) -> None:
    answer = await sign_in(world.nobody(**{"X-Forwarded-Proto": "https"}))
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-rsparkhub=")
    assert "Secure" in cookie.split("; ")


@pytest.mark.usefixtures("bobs_password")
@pytest.mark.parametrize(("name", "password"), [("bob", "wrong"), ("nobody", GOOD), ("eve", GOOD), ("B\0b", GOOD)])
async def test_a_wrong_name_and_a_wrong_password_are_answered_alike(world: World, name: str, password: str) -> None:
    answer, other = await sign_in(world.nobody(), name, password), await sign_in(world.nobody(), "ada", "other")
    assert answer.status_code == other.status_code == 401
    assert answer.json() == other.json()
    assert "set-cookie" not in answer.headers


@pytest.mark.usefixtures("bobs_password")
async def test_too_many_wrong_passwords_are_told_to_wait(world: World) -> None:
    client = world.nobody(**{"X-Forwarded-For": "192.0.2.1"})
    for _ in range(world.settings.login_attempts):
        await sign_in(client, password="wrong")
    answer = await sign_in(client)
    assert (answer.status_code, answer.json()["code"]) == (429, "too-many-attempts")
    assert int(answer.headers["retry-after"]) == 1


@pytest.mark.usefixtures("bobs_password")
async def test_another_sites_page_signs_nobody_in(world: World) -> None:
    answer = await sign_in(world.nobody(Origin="http://evil.example"))
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.usefixtures("bobs_password")
async def test_a_form_of_another_site_cannot_pose_as_json(world: World) -> None:
    body = f'{{"name": "bob", "password": "{GOOD}"}}'
    answer = await world.nobody().post("/hub/api/login", content=body, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers


async def test_signing_out_ends_this_sign_in_and_no_other(world: World) -> None:
    here, elsewhere = await world.browser("bob"), await world.browser("bob")
    answer = await here.post("/hub/api/logout")
    assert (answer.status_code, answer.json()) == (200, {"url": None})
    assert "Max-Age=0" in answer.headers["set-cookie"].split("; ")
    assert (await here.get("/hub/api/me")).status_code == 401
    assert (await elsewhere.get("/hub/api/me")).status_code == 200


@pytest.mark.usefixtures("bobs_password")
async def test_a_program_signs_out_what_it_signed_in(world: World) -> None:
    token = (await sign_in(world.nobody())).json()["token"]
    program = world.nobody(Authorization=f"Bearer {token}")
    assert (await program.post("/hub/api/logout")).status_code == 200
    assert (await program.get("/hub/api/me")).status_code == 401


async def test_an_api_token_outlives_a_sign_out(world: World) -> None:
    program = await world.program("bob")
    assert (await program.post("/hub/api/logout")).status_code == 200
    assert (await program.get("/hub/api/me")).status_code == 200


async def press(browser: httpx.AsyncClient, link: str, **headers: str) -> httpx.Response:
    """Press the button of a link's page, as a browser does."""
    return await browser.post("/hub/", data={"token": link}, headers={**OWN, **headers})


async def test_a_one_time_link_signs_a_browser_in_once(world: World) -> None:
    made = await (await world.program("ada")).post("/hub/api/users/eve/link")
    assert made.status_code == 201
    path = made.json()["url"].removeprefix(world.settings.url)
    link = path.partition("=")[2]
    first, second = world.nobody(), world.nobody()
    page = await first.get(path)
    assert page.status_code == 200
    assert "<button>Sign in as eve</button>" in page.text
    assert f'<input type="hidden" name="token" value="{link}">' in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "form-action 'self'" in page.headers["content-security-policy"]
    answer = await press(first, link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/hub/")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert (await first.get("/hub/api/me")).json()["name"] == "eve"
    for again in (await press(second, link), await second.get(path)):
        assert (again.status_code, again.headers["location"]) == (303, "/hub/?link=used")
        assert "set-cookie" not in again.headers


async def test_a_link_leads_on_to_an_address_of_ours_and_to_no_other(world: World) -> None:
    ada = await world.program("ada")

    async def make() -> str:
        return str((await ada.post("/hub/api/users/eve/link", json={"minutes": 5})).json()["url"]).partition("token=")[2]

    link, browser = await make(), world.nobody()
    page = await browser.get("/hub/", params={"token": link, "next": "/s/abc/lab?x=1"})
    assert '<input type="hidden" name="next" value="/s/abc/lab?x=1">' in page.text
    answer = await browser.post("/hub/", data={"token": link, "next": "/s/abc/lab?x=1"}, headers=OWN)
    # The session may be at another host, to which a form's redirect must not lead.
    assert (answer.status_code, answer.headers["refresh"]) == (200, "0; url=/s/abc/lab?x=1")
    assert '<a href="/s/abc/lab?x=1">Continue</a>' in answer.text

    link = await make()  # who is signed in already goes on at once, and the link is not used up
    onwards = await browser.get("/hub/", params={"token": link, "next": "/s/abc/"})
    assert (onwards.status_code, onwards.headers["location"]) == (303, "/s/abc/")
    assert (await world.nobody().get("/hub/", params={"token": link, "next": "/s/abc/"})).status_code == 200
    for elsewhere in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/s/../hub",
        "javascript:alert(1)",
        "/hub/\n",
    ):
        onwards = await browser.get("/hub/", params={"token": link, "next": elsewhere})
        assert onwards.headers["location"] == "/hub/", elsewhere
        answer = await world.nobody().post("/hub/", data={"token": await make(), "next": elsewhere}, headers=OWN)
        assert (answer.status_code, answer.headers["location"]) == (303, "/hub/"), elsewhere


async def test_a_link_works_for_as_long_as_is_asked_for_and_no_longer_than_the_setting(world: World) -> None:
    ada = await world.program("ada")
    for minutes, expires in ((5, "2026-11-24T12:05:00Z"), (1440, "2026-11-25T12:00:00Z"), (None, "2026-11-25T12:00:00Z")):
        made = await ada.post("/hub/api/users/eve/link", json={"minutes": minutes})
        assert made.json()["expires"] == expires
    assert (await ada.post("/hub/api/users/eve/link", json={"minutes": 0})).status_code == 422
    short = (await ada.post("/hub/api/users/eve/link", json={"minutes": 5})).json()["url"].partition("token=")[2]
    world.clock.advance(minutes=6)
    assert (await press(world.nobody(), short)).headers["location"] == "/hub/?link=used"


async def test_a_link_that_two_browsers_open_at_once_signs_one_of_them_in(world: World) -> None:
    link = await world.authenticator.make_link("eve", now=world.clock())
    answers = await asyncio.gather(*(press(world.nobody(), link) for _ in range(6)))
    assert sorted(answer.headers["location"] for answer in answers) == ["/hub/"] + ["/hub/?link=used"] * 5


@pytest.mark.parametrize("token", ["", "rsk_wrong", "x" * 5000, "%00", "%ff", "ü"])
async def test_a_link_that_never_was_one_is_told_as_used(world: World, token: str) -> None:
    for answer in (await world.nobody().get(f"/hub/?token={token}"), await press(world.nobody(), token)):
        assert (answer.status_code, answer.headers["location"]) == (303, "/hub/?link=used")
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Sec-Purpose": "prefetch", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
        {"User-Agent": "Slackbot-LinkExpanding 1.0"},
    ],
)
async def test_to_look_at_a_link_does_not_use_it_up(world: World, headers: dict[str, str]) -> None:
    link = await world.authenticator.make_link("eve", now=world.clock())
    for method in ("HEAD", "GET", "OPTIONS", "GET"):
        looked = await world.nobody(**headers).request(method, f"/hub/?token={link}")
        assert "set-cookie" not in looked.headers
    assert (await press(world.nobody(), link)).headers["location"] == "/hub/"


async def test_who_is_signed_in_is_asked_before_somebody_else_is(world: World) -> None:
    bob = await world.browser("bob")
    link = await world.authenticator.make_link("eve", now=world.clock())
    page = await bob.get(f"/hub/?token={link}")
    assert "You are signed in as bob. Continue as eve?" in page.text
    assert "Stay signed in as bob" in page.text
    assert (await bob.get("/hub/api/me")).json()["name"] == "bob"
    changed = await press(bob, link)
    new = changed.headers["set-cookie"].partition(";")[0]
    assert (await world.nobody(Cookie=new).get("/hub/api/me")).json()["name"] == "eve"
    assert (await bob.get("/hub/api/me")).status_code == 401  # the sign-in that was replaced is over


async def test_a_page_of_a_stranger_signs_nobody_in_by_a_link(world: World) -> None:
    link = await world.authenticator.make_link("eve", now=world.clock())
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await press(world.nobody(), link, **headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    assert (await press(world.nobody(), link)).headers["location"] == "/hub/"


async def test_a_person_is_added_shown_and_removed(world: World) -> None:
    ada = await world.program("ada")
    added = await ada.post("/hub/api/users", json={"name": "carl", "admin": False, "password": GOOD})
    assert added.status_code == 201
    assert added.json() == {
        "name": "carl", "admin": False, "groups": [], "created": "2026-11-24T12:00:00Z", "last_seen": None,
        "has_password": True, "disabled": None, "full_name": None, "email": None,
    }  # fmt: skip
    assert (await ada.get("/hub/api/users/carl")).json() == added.json()
    assert [user["name"] for user in (await ada.get("/hub/api/users")).json()["users"]] == ["ada", "bob", "carl", "eve"]
    assert (await sign_in(world.nobody(), "carl")).status_code == 200
    assert (await ada.delete("/hub/api/users/carl")).status_code == 204
    assert (await ada.get("/hub/api/users/carl")).status_code == 404
    assert (await sign_in(world.nobody(), "carl")).status_code == 401


async def test_the_sessions_of_a_person_who_is_removed_are_deleted(world: World) -> None:
    session = await world.session_of("bob")
    ada = await world.program("ada")
    await ada.delete("/hub/api/users/bob")
    assert (await ada.get("/hub/api/sessions", params={"all": True})).json()["sessions"] == []
    wanted = (await world.store.events.since(session, 0))[-1]
    assert (wanted.data["wanted"], wanted.by) == ("deleted", "ada")


async def test_the_last_administrator_stays(world: World) -> None:
    answer = await (await world.program("ada")).delete("/hub/api/users/ada")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_a_person_is_added_with_their_groups_or_not_at_all(world: World) -> None:
    ada = await world.program("ada")
    assert (await ada.post("/hub/api/groups", json={"name": "lab", "members": ["eve"]})).status_code == 201
    added = await ada.post("/hub/api/users", json={"name": "carl", "groups": ["stats", "lab", "stats"]})
    assert (added.status_code, added.json()["groups"]) == (201, ["lab", "stats"])
    assert (await ada.get("/hub/api/users/carl")).json() == added.json()
    groups = (await ada.get("/hub/api/groups")).json()["groups"]
    assert [(each["name"], each["members"]) for each in groups] == [("lab", ["carl", "eve"]), ("stats", ["carl"])]
    for wrong in ("everyone", "Stats", ""):
        refused = await ada.post("/hub/api/users", json={"name": "dora", "groups": ["more", wrong]})
        assert refused.status_code == 422, refused.json()
    assert (await ada.get("/hub/api/users/dora")).status_code == 404
    assert (await ada.get("/hub/api/groups")).json()["groups"] == groups


@pytest.mark.parametrize("name", ["", "Ada", "a b", "1a", "x" * 33, "ü", "a\n"])
async def test_a_name_that_a_folder_or_a_role_cannot_have_is_refused(world: World, name: str) -> None:
    answer = await (await world.program("ada")).post("/hub/api/users", json={"name": name})
    assert answer.status_code == 422
    assert "body.name" in answer.json()["detail"]


@pytest.mark.usefixtures("bobs_password")
async def test_a_person_changes_their_password_and_stays_signed_in_here_alone(world: World) -> None:
    here, elsewhere = await world.browser("bob"), await world.browser("bob")
    body = {"password": "something else", "current": GOOD}
    answer = await here.post("/hub/api/users/bob/password", json=body)
    assert answer.status_code == 204
    here.headers["Cookie"] = answer.headers["set-cookie"].partition(";")[0]
    assert (await here.get("/hub/api/me")).status_code == 200
    assert (await elsewhere.get("/hub/api/me")).status_code == 401
    assert (await sign_in(world.nobody())).status_code == 401
    assert (await sign_in(world.nobody(), password="something else")).status_code == 200


@pytest.mark.usefixtures("bobs_password")
@pytest.mark.parametrize("current", [None, "wrong"])
@pytest.mark.parametrize("how", ["browser", "program"])
async def test_who_does_not_know_the_password_does_not_change_it(world: World, current: str | None, how: str) -> None:
    client = await (world.browser("bob") if how == "browser" else world.program("bob"))
    answer = await client.post("/hub/api/users/bob/password", json={"password": "something else", "current": current})
    assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")
    assert (await sign_in(world.nobody())).status_code == 200


async def test_who_came_by_a_link_sets_a_first_password(world: World) -> None:
    bob = await world.browser("bob")
    assert (await bob.post("/hub/api/users/bob/password", json={"password": GOOD})).status_code == 204
    assert (await sign_in(world.nobody())).status_code == 200


async def test_nobody_sets_the_password_of_another_but_an_administrator(world: World) -> None:
    eve, ada = await world.browser("eve"), await world.browser("ada")
    assert (await eve.post("/hub/api/users/bob/password", json={"password": GOOD})).status_code == 403
    assert (await ada.post("/hub/api/users/bob/password", json={"password": GOOD})).status_code == 204
    assert (await sign_in(world.nobody())).status_code == 200
    assert (await ada.post("/hub/api/users/nobody/password", json={"password": GOOD})).status_code == 404


@pytest.mark.parametrize("password", ["short", "", "x" * 1001])
async def test_a_password_that_is_too_short_or_too_long_is_refused(world: World, password: str) -> None:
    ada = await world.program("ada")
    assert (await ada.post("/hub/api/users/bob/password", json={"password": password})).status_code == 422
    assert (await ada.post("/hub/api/users", json={"name": "new", "password": password})).status_code == 422
    assert (await ada.get("/hub/api/users/new")).status_code == 404


async def test_a_group_says_who_may_start_what(world: World) -> None:
    ada, bob = await world.program("ada"), await world.program("bob")

    async def visible() -> list[str]:
        answer = await bob.get("/hub/api/environments")
        return [environment["name"] for environment in answer.json()["environments"]]

    assert await visible() == ["rspark"]
    made = await ada.post("/hub/api/groups", json={"name": "lab", "members": ["eve"]})
    of_nobody = {"instructors": [], "instructors_view": False}
    assert (made.status_code, made.json()) == (201, {"name": "lab", "members": ["eve"], **of_nobody})
    changed = await ada.put("/hub/api/groups/lab", json={"members": ["bob", "eve", "bob"]})
    assert changed.json() == {"name": "lab", "members": ["bob", "eve"], **of_nobody}
    assert await visible() == ["rspark", "lab"]
    assert (await bob.get("/hub/api/environments/lab")).status_code == 200
    assert (await bob.get("/hub/api/me")).json()["groups"] == ["lab"]
    assert (await ada.get("/hub/api/groups")).json() == {"groups": [{"name": "lab", "members": ["bob", "eve"], **of_nobody}]}
    assert (await ada.delete("/hub/api/groups/lab")).status_code == 204
    assert await visible() == ["rspark"]
    assert (await bob.get("/hub/api/environments/lab")).status_code == 404


async def test_a_group_of_somebody_unknown_is_not_made(world: World) -> None:
    ada = await world.program("ada")
    assert (await ada.post("/hub/api/groups", json={"name": "lab", "members": ["nobody"]})).status_code == 404
    assert (await ada.get("/hub/api/groups")).json() == {"groups": []}
    assert (await ada.put("/hub/api/groups/lab", json={"members": []})).status_code == 404


async def test_an_environment_tells_what_it_is(world: World) -> None:
    answer = await (await world.program("bob")).get("/hub/api/environments/rspark")
    assert answer.json() == {
        "name": "rspark", "title": "RSpark", "description": "For tests.", "interface": "terminal", "interface_title": "Terminal",
        "kernels": ["r", "python", "bash"], "services": ["postgres"], "resources": {"cpu": 2.0, "memory": 4 * 2**30},
        "lifecycle": {"idle": "2h", "suspended": "7d", "longest": "1d", "grace": "1m"}, "expected_start": None,
        "expected_resume": None, "unavailable": None, "hidden": False, "options": [],
        "components": [
            {"kind": "interface", "name": "terminal", "title": "Terminal", "mark": ">_", "part": "interface"},
            {"kind": "kernel", "name": "r", "title": "R", "mark": "R", "part": None},
            {"kind": "kernel", "name": "python", "title": "Python", "mark": "Py", "part": None},
            {"kind": "kernel", "name": "bash", "title": "bash", "mark": "$_", "part": None},
            {"kind": "service", "name": "postgres", "title": "PostgreSQL", "mark": "Pg", "part": "postgres"},
        ],
    }  # fmt: skip


async def test_a_token_is_shown_once_works_and_is_taken_back(world: World) -> None:
    browser = await world.browser("bob")
    made = await browser.post("/hub/api/tokens", json={"name": "laptop", "days": 7})
    assert made.status_code == 201
    token = made.json()
    assert token["expires"] == "2026-12-01T12:00:00Z"
    program = world.nobody(Authorization=f"Bearer {token['token']}")
    assert (await program.get("/hub/api/me")).json()["name"] == "bob"
    listed = (await browser.get("/hub/api/tokens")).json()["tokens"]
    assert [(each["id"], each["name"], each["owner"]) for each in listed] == [(token["id"], "laptop", "bob")]
    assert token["token"] not in (await browser.get("/hub/api/tokens")).text
    eve = await world.program("eve")
    assert (await eve.delete(f"/hub/api/tokens/{token['id']}")).status_code == 404
    assert (await browser.delete(f"/hub/api/tokens/{token['id']}")).status_code == 204
    assert (await program.get("/hub/api/me")).status_code == 401
    assert (await browser.delete(f"/hub/api/tokens/{token['id']}")).status_code == 404


async def test_a_token_has_scopes_and_gives_none_that_it_has_not(world: World) -> None:
    browser = await world.browser("bob")
    asked = {"name": "rotates", "scopes": ["tokens", "sessions", "tokens"]}
    made = (await browser.post("/hub/api/tokens", json=asked)).json()
    assert made["scopes"] == ["sessions", "tokens"]
    program = world.nobody(Authorization=f"Bearer {made['token']}")
    assert (await program.get("/hub/api/me")).json()["scopes"] == ["sessions", "tokens"]
    assert (await browser.get("/hub/api/me")).json()["scopes"] == ["all"]
    following = (await program.post("/hub/api/tokens", json={"name": "next"})).json()
    assert following["scopes"] == ["sessions", "tokens"]  # by default what it has itself
    fewer = (await program.post("/hub/api/tokens", json={"name": "less", "scopes": ["sessions"]})).json()
    without = world.nobody(Authorization=f"Bearer {fewer['token']}")
    assert (await without.post("/hub/api/tokens", json={"name": "x"})).status_code == 403
    for scopes in (["all"], ["read"], ["sessions", "users"]):
        refused = await program.post("/hub/api/tokens", json={"name": "more", "scopes": scopes})
        assert refused.status_code == 403
        assert f"can't give the scope {scopes[-1]}, which it doesn't have" in refused.json()["detail"]
    listed = (await browser.get("/hub/api/tokens")).json()["tokens"]
    assert {each["name"]: each["scopes"] for each in listed} == {
        "rotates": ["sessions", "tokens"], "next": ["sessions", "tokens"], "less": ["sessions"],
    }  # fmt: skip
    assert (await browser.post("/hub/api/tokens", json={"name": "old"})).json()["scopes"] == ["all"]
    audit = (await (await world.browser("ada")).get("/hub/api/audit?kind=token")).json()["events"]
    assert any("makes the token “less” (sessions)." in each["text"] for each in audit)


async def test_a_token_that_keeps_people_makes_no_administrator_and_lets_nobody_in_as_one(world: World) -> None:
    """Else it could make its person a sign-in that may do everything."""
    program = await world.program("ada", Scope.USERS)
    assert (await program.post("/hub/api/users", json={"name": "new"})).status_code == 201
    assert (await program.post("/hub/api/users/new/link")).status_code == 201
    asked: list[tuple[str, dict[str, Any] | None]] = [("/users", {"name": "root", "admin": True}), ("/users/ada/link", None)]
    for path, body in asked:
        refused = await program.post(f"/hub/api{path}", json=body)
        assert refused.status_code == 403
        assert "Take one with the scope all" in refused.json()["detail"]
    assert (await program.post("/hub/api/users/nobody/link")).status_code == 404


@pytest.mark.long
@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "x" * 61},
        {"name": "x", "days": 0},
        {"name": "x", "days": 3650},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["sessions:read"]},
    ],
)
async def test_a_token_without_a_name_or_for_too_long_is_refused(world: World, body: dict[str, object]) -> None:
    assert (await (await world.browser("bob")).post("/hub/api/tokens", json=body)).status_code == 422


async def test_the_address_of_a_link_is_the_one_that_people_open(world: World) -> None:
    made = await (await world.program("ada")).post("/hub/api/users/eve/link")
    assert made.json()["url"].startswith(f"{world.settings.url}/hub/?token=rsk_")
    assert not made.json()["url"].startswith(URL)
    assert made.json()["expires"] == "2026-11-25T12:00:00Z"


async def test_where_people_are_not_apart_it_is_said_as_soon_as_there_are_two(
    settings: Settings, store: Store, tmp_path: Path, noon: datetime
) -> None:
    app, authenticator = make_app(
        settings=settings,
        store=store,
        clock=lambda: noon,
        folder=tmp_path,
        pages=write_pages(tmp_path),
        trust="Trust each other.",
    )
    await store.users.add("root", admin=True, now=noon)
    _, token = await authenticator.make_token("root", name="test", now=noon)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL, headers=headers) as root:
        assert (await root.get("/hub/api/users")).json()["notice"] is None
        assert (await root.post("/hub/api/users", json={"name": "ada"})).status_code == 201
        assert (await root.get("/hub/api/users")).json()["notice"] == "Trust each other."


async def test_where_people_are_apart_nothing_is_said(world: World) -> None:
    ada = await world.program("ada")
    assert (await ada.get("/hub/api/users")).json()["notice"] is None


class TestLeaving:
    """Who is removed or disabled, and whoever has their name afterwards."""

    async def test_a_new_person_of_an_old_name_gets_no_history_and_no_bill(self, world: World) -> None:
        ada = await world.program("ada")
        session = await world.session_of("bob")
        await world.controller.run(session)
        world.clock.advance(minutes=10)
        await world.controller.end(session, State.STOPPED)
        await ada.delete("/hub/api/users/bob")
        await ada.post("/hub/api/users", json={"name": "bob"})
        bob = await world.program("bob")
        assert (await bob.get("/hub/api/sessions")).json()["sessions"] == []
        assert (await bob.get(f"/hub/api/sessions/{session}")).status_code == 404
        assert (await bob.get("/hub/api/usage")).json()["people"] == []
        for owner, seconds in (("bob", []), ("bob (removed)", [600.0]), ("bob (removed, 2)", []), ("nobody", [])):
            usage = (await ada.get("/hub/api/usage", params={"owner": owner})).json()
            assert [each["seconds"] for each in usage["people"]] == seconds, owner
        everybody = (await ada.get("/hub/api/usage", params={"all": True})).json()
        assert [each["owner"] for each in everybody["people"]] == ["bob (removed)"]
        events = (await ada.get("/hub/api/audit", params={"owner": "bob (removed)"})).json()["events"]
        assert events[-1]["by"] == "bob (removed)"
        assert events[0]["text"] == "ada removes bob (removed). Their data are kept."
        of_the_new = (await ada.get("/hub/api/audit", params={"owner": "bob"})).json()["events"]
        assert [each["text"] for each in of_the_new] == ["ada adds bob."]

    @pytest.mark.parametrize(("data", "status"), [("keep", 204), ("delete", 204), ("archive", 409), ("burn", 422)])
    async def test_what_becomes_of_the_data_is_said(self, world: World, data: str, status: int) -> None:
        """Where sessions run in this world, nothing can be archived."""
        ada = await world.program("ada")
        answer = await ada.delete("/hub/api/users/bob", params={"data": data})
        assert answer.status_code == status
        assert (await ada.get("/hub/api/users/bob")).status_code == (404 if status == 204 else 200)
        if status == 409:
            assert "snapshot the volume" in answer.json()["detail"]

    @pytest.mark.parametrize("who", ["bob", "bob (removed)"])
    async def test_what_was_kept_is_listed_and_deleted_later(self, world: World, who: str) -> None:
        ada = await world.program("ada")
        await ada.delete("/hub/api/users/bob")
        removed = {"id": "bob", "name": "bob (removed)", "removed": "2026-11-24T12:00:00Z", "data": "keep", "left": ["home"]}
        assert (await ada.get("/hub/api/removed-users")).json() == {"removed": [removed]}
        for wrong, status in (({}, 422), ({"data": "keep"}, 422), ({"data": "archive"}, 409)):
            assert (await ada.delete(f"/hub/api/removed-users/{who}", params=wrong)).status_code == status
        answer = await ada.delete(f"/hub/api/removed-users/{who}", params={"data": "delete"})
        assert (answer.status_code, answer.json()) == (202, removed | {"data": "delete"})
        assert (await ada.delete("/hub/api/removed-users/nobody", params={"data": "delete"})).status_code == 404

    @pytest.mark.parametrize(("data", "status"), [("keep", 204), ("delete", 204), ("archive", 409), ("burn", 422)])
    async def test_what_becomes_of_the_data_of_a_group_is_said(self, world: World, data: str, status: int) -> None:
        ada = await world.program("ada")
        await world.store.accounts.get("bob", "postgres")
        await ada.post("/hub/api/groups", json={"name": "lab", "members": ["bob"]})
        answer = await ada.delete("/hub/api/groups/lab", params={"data": data})
        assert answer.status_code == status
        removed = {"id": "lab", "name": "lab (removed)", "removed": "2026-11-24T12:00:00Z", "data": data, "left": ["postgres"]}
        listed = [removed] if status == 204 else []
        assert (await ada.get("/hub/api/removed-groups")).json() == {"removed": listed}

    @pytest.mark.long
    @pytest.mark.parametrize("which", ["lab", "lab (removed)"])
    async def test_what_was_kept_of_a_group_is_deleted_later_and_in_the_audit(self, world: World, which: str) -> None:
        ada = await world.program("ada")
        await world.store.accounts.get("bob", "postgres")
        await ada.post("/hub/api/groups", json={"name": "lab"})
        await ada.delete("/hub/api/groups/lab")
        for wrong, status in (({}, 422), ({"data": "keep"}, 422), ({"data": "archive"}, 409)):
            assert (await ada.delete(f"/hub/api/removed-groups/{which}", params=wrong)).status_code == status
        for _ in range(2):
            answer = await ada.delete(f"/hub/api/removed-groups/{which}", params={"data": "delete"})
            assert (answer.status_code, answer.json()["data"]) == (202, "delete")
        assert (await ada.delete("/hub/api/removed-groups/nobody", params={"data": "delete"})).status_code == 404
        events = (await ada.get("/hub/api/audit", params={"kind": "group"})).json()["events"]
        assert [each["text"] for each in events] == [
            "ada deletes what was kept of the group lab (removed).",
            "ada removes the group lab. Its data are kept.",
            "ada adds the group lab.",
        ]

    async def test_who_is_disabled_is_let_in_nowhere_until_enabled(self, world: World) -> None:
        await world.authenticator.set_password("bob", GOOD)
        ada, token, browser = await world.program("ada"), await world.program("bob"), await world.browser("bob")
        session = await world.session_of("bob")
        await world.controller.run(session)
        own = await world.in_session(session)
        disabled = await ada.post("/hub/api/users/bob/disable")
        assert (disabled.status_code, disabled.json()["disabled"]) == (200, "2026-11-24T12:00:00Z")
        for client in (token, browser, own):
            assert (await client.get("/hub/api/me")).status_code == 401
        refused = await sign_in(world.nobody())
        assert (refused.status_code, "disabled" in refused.json()["detail"]) == (401, True)
        wrong = await sign_in(world.nobody(), password="wrong")
        assert "disabled" not in wrong.json()["detail"]  # only who knows the password learns of it
        assert (await ada.post("/hub/api/users/bob/link")).status_code == 409
        assert (await ada.get(f"/hub/api/sessions/{session}")).json()["wanted"] == "suspended"
        assert (await ada.post(f"/hub/api/sessions/{session}/resume")).status_code == 409
        enabled = await ada.post("/hub/api/users/bob/enable")
        assert (enabled.status_code, enabled.json()["disabled"]) == (200, None)
        assert (await token.get("/hub/api/me")).status_code == 200
        assert (await browser.get("/hub/api/me")).status_code == 401
        assert (await sign_in(world.nobody())).status_code == 200
        assert (await token.post(f"/hub/api/sessions/{session}/resume")).status_code == 202

    async def test_an_administrator_sees_and_ends_what_signs_somebody_in(self, world: World) -> None:
        ada, eve = await world.program("ada"), await world.program("eve")
        token, first, second = await world.program("bob"), await world.browser("bob"), await world.browser("bob")
        tokens = (await ada.get("/hub/api/users/bob/tokens")).json()["tokens"]
        browsers = (await ada.get("/hub/api/users/bob/browsers")).json()["browsers"]
        assert (len(tokens), len(browsers)) == (1, 2)
        assert set(browsers[0]) == {"id", "created", "expires"}
        assert set(tokens[0]) == {"id", "name", "owner", "session", "created", "expires", "last_used", "scopes"}
        paths = [f"/hub/api/users/bob/tokens/{tokens[0]['id']}", *(f"/hub/api/users/bob/browsers/{b['id']}" for b in browsers)]
        for path in ("/hub/api/users/bob/tokens", "/hub/api/users/bob/browsers"):
            assert (await eve.get(path)).status_code == 403
        for path in paths:
            assert (await eve.delete(path)).status_code == 403
            assert (await ada.delete(path.replace("/bob/", "/eve/"))).status_code == 404
        for client in (token, first, second):
            assert (await client.get("/hub/api/me")).status_code == 200
        for path in paths:
            assert (await ada.delete(path)).status_code == 204
            assert (await ada.delete(path)).status_code == 404
        for client in (token, first, second):
            assert (await client.get("/hub/api/me")).status_code == 401

    async def test_everybody_sees_and_ends_their_own(self, world: World) -> None:
        first, second = await world.browser("bob"), await world.browser("bob")
        browsers = (await first.get("/hub/api/users/bob/browsers")).json()["browsers"]
        assert (await first.delete(f"/hub/api/users/bob/browsers/{browsers[1]['id']}")).status_code == 204
        assert {(await each.get("/hub/api/me")).status_code for each in (first, second)} == {200, 401}

    @pytest.mark.parametrize("end_tokens", [False, True])
    async def test_a_new_password_ends_tokens_where_that_is_said(self, world: World, end_tokens: bool) -> None:
        ada, token, browser = await world.program("ada"), await world.program("bob"), await world.browser("bob")
        change = {"password": GOOD, "end_tokens": end_tokens}
        assert (await ada.post("/hub/api/users/bob/password", json=change)).status_code == 204
        assert (await browser.get("/hub/api/me")).status_code == 401
        assert (await token.get("/hub/api/me")).status_code == (401 if end_tokens else 200)


@pytest.mark.usefixtures("bobs_password")
async def test_without_tls_the_cookie_has_the_port_in_its_name(world: World) -> None:
    """Browsers send a cookie to every port of a host; two hubs on one machine don't sign each other's people out."""
    one = world.nobody(Host="localhost:8000", Origin="http://localhost:8000")
    cookie = (await sign_in(one)).headers["set-cookie"].partition(";")[0]
    assert cookie.startswith("rsparkhub-8000=rsl_")
    beside = world.nobody(Host="localhost:8000", Cookie=f"rsparkhub-9000=rsl_other; {cookie}; rsparkhub=rsl_old")
    assert (await beside.get("/hub/api/me")).json()["name"] == "bob"
