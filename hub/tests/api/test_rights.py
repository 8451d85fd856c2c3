"""Who may do what: each call that changes something, asked by each kind of person."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from world import OWN, World

from rsparkhub.domain.session import Wanted


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    body: dict[str, Any] | None = None
    status: int = 202
    again: int | None = None  # the status when it is done twice, where that is another one

    async def by(self, client: httpx.AsyncClient, **names: str) -> httpx.Response:
        return await client.request(self.method, self.path.format(**names), json=self.body)


ON_SESSIONS = [
    Call("POST", "/hub/api/sessions/{id}/suspend"),
    Call("POST", "/hub/api/sessions/{id}/resume"),
    Call("POST", "/hub/api/sessions/{id}/stop"),
    Call("DELETE", "/hub/api/sessions/{id}"),
]
OF_ADMINISTRATORS = [
    Call("POST", "/hub/api/users", {"name": "new"}, 201, 409),
    Call("DELETE", "/hub/api/users/eve", None, 204, 404),
    Call("DELETE", "/hub/api/removed-users/gone?data=delete", None, 202),
    Call("DELETE", "/hub/api/removed-groups/left?data=delete", None, 202),
    Call("POST", "/hub/api/users/eve/password", {"password": "correct horse"}, 204),
    Call("POST", "/hub/api/users/eve/link", None, 201),
    Call("POST", "/hub/api/groups", {"name": "new", "members": ["eve"]}, 201, 409),
    Call("PUT", "/hub/api/groups/lab", {"members": ["bob"]}, 200),
    Call("DELETE", "/hub/api/groups/lab", None, 204, 404),
]
OF_ANYBODY = [
    Call("POST", "/hub/api/sessions", {"environment": "rspark"}),
    Call("POST", "/hub/api/tokens", {"name": "laptop"}, 201),
    Call("POST", "/hub/api/logout", None),
]
FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "http://abc.hub.example"},
    {"Origin": "https://hub.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://hub.example"},
    {"X-Nothing": "said"},
]
READ_BY_ADMINISTRATORS = [
    "/hub/api/users",
    "/hub/api/removed-users",
    "/hub/api/removed-groups",
    "/hub/api/users/eve",
    "/hub/api/groups",
    "/hub/api/audit",
]

calls = pytest.mark.parametrize
name_of = lambda call: f"{call.method} {call.path}"  # noqa: E731


@pytest.fixture
async def session(world: World) -> str:
    """A running session of bob's."""
    await world.store.users.add_group("lab", now=world.clock())
    await world.store.users.add("gone", now=world.clock())
    await world.store.accounts.get("gone", "postgres")
    await world.store.users.add_group("left", now=world.clock())
    await world.store.users.remove_group("left", now=world.clock())
    await world.store.users.remove("gone", now=world.clock())
    made = await world.session_of("bob")
    await world.controller.run(made)
    return made


@calls("call", ON_SESSIONS + OF_ADMINISTRATORS + OF_ANYBODY, ids=name_of)
async def test_nobody_changes_anything_without_signing_in(world: World, session: str, call: Call) -> None:
    answer = await call.by(world.nobody(**OWN), id=session)
    assert answer.status_code == 401
    assert answer.json()["code"] == "not-signed-in"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert (await world.store.sessions.get(session)).wanted is Wanted.RUNNING


@calls("call", ON_SESSIONS + OF_ADMINISTRATORS + OF_ANYBODY, ids=name_of)
async def test_a_page_of_another_origin_changes_nothing_for_a_browser(world: World, session: str, call: Call) -> None:
    for headers in FOREIGN:
        answer = await call.by((await world.browser("ada", **headers)), id=session)
        assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed"), headers
    assert (await world.store.sessions.get(session)).wanted is Wanted.RUNNING
    assert [user.name for user in await world.store.users.list()] == ["ada", "bob", "eve"]


@calls("headers", [OWN, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://HUB.example:80"}], ids=str)
async def test_the_hubs_own_page_changes_what_its_person_may(world: World, session: str, headers: dict[str, str]) -> None:
    browser = await world.browser("bob", **headers)
    answer = await browser.post(f"/hub/api/sessions/{session}/suspend")
    assert answer.status_code == 202


@calls("call", ON_SESSIONS, ids=name_of)
async def test_somebody_elses_session_does_not_seem_to_exist(world: World, session: str, call: Call) -> None:
    answer = await call.by((await world.program("eve")), id=session)
    absent = await call.by((await world.program("eve")), id="nosuchsess")
    assert answer.status_code == absent.status_code == 404
    assert answer.json() == absent.json()
    assert (await world.store.sessions.get(session)).wanted is Wanted.RUNNING


@calls("who", ["bob", "ada"])
@calls("call", ON_SESSIONS, ids=name_of)
async def test_the_owner_and_an_administrator_may_change_a_session_and_ask_twice(
    world: World,
    session: str,
    call: Call,
    who: str,
) -> None:
    wanted = {"suspend": "suspended", "resume": "running", "stop": "stopped"}.get(call.path.rpartition("/")[2], "deleted")
    client = await world.program(who)
    first, second = await call.by(client, id=session), await call.by(client, id=session)
    assert first.status_code == second.status_code == 202
    assert first.json()["wanted"] == second.json()["wanted"] == wanted
    changes = [event for event in await world.store.events.since(session, 0) if event.kind == "wanted"]
    assert [event.by for event in changes] == ([] if wanted == "running" else [who])  # it was to run already


@calls("call", OF_ADMINISTRATORS, ids=name_of)
async def test_only_administrators_change_people(world: World, session: str, call: Call) -> None:
    before = await world.store.users.list(), await world.store.users.list_groups()
    answer = await call.by((await world.program("bob")), id=session)
    assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")
    after = await world.store.users.list(), await world.store.users.list_groups()
    assert [user.name for user in before[0]] == [user.name for user in after[0]]
    assert before[1] == after[1]


@calls("call", OF_ADMINISTRATORS, ids=name_of)
async def test_an_administrator_changes_people_and_a_second_time_is_told_or_the_same(
    world: World,
    session: str,
    call: Call,
) -> None:
    client = await world.browser("ada")
    assert (await call.by(client, id=session)).status_code == call.status
    assert (await call.by(client, id=session)).status_code == (call.again or call.status)


@calls("path", READ_BY_ADMINISTRATORS)
async def test_only_administrators_read_of_others(world: World, path: str) -> None:
    assert (await world.nobody().get(path)).status_code == 401
    assert (await (await world.program("bob")).get(path)).status_code == 403
    assert (await (await world.program("ada")).get(path)).status_code == 200


@calls("path", ["/hub/api/sessions/{id}", "/hub/api/sessions/{id}/logs", "/hub/api/sessions/{id}/events"])
async def test_only_the_owner_an_administrator_and_the_session_itself_read_a_session(
    world: World,
    session: str,
    path: str,
) -> None:
    path = path.format(id=session)
    assert (await world.nobody().get(path)).status_code == 401
    assert (await (await world.program("eve")).get(path)).status_code == 404
    for client in (
        (await world.program("bob")),
        (await world.program("ada")),
        (await world.browser("bob")),
        await world.in_session(session),
    ):
        assert (await client.get(path)).status_code == 200


@calls(
    "path", ["/hub/api/sessions?all=true", "/hub/api/sessions?owner=ada", "/hub/api/usage?all=true", "/hub/api/events?all=true"]
)
async def test_what_belongs_to_others_is_for_administrators(world: World, path: str) -> None:
    assert (await (await world.program("bob")).get(path)).status_code == 403


@calls("call", [*ON_SESSIONS, *OF_ADMINISTRATORS, *OF_ANYBODY[:2]], ids=name_of)
async def test_a_sessions_own_token_changes_nothing(world: World, session: str, call: Call) -> None:
    inside = await world.in_session(session)
    assert (await call.by(inside, id=session)).status_code == 403
    assert (await world.store.sessions.get(session)).wanted is Wanted.RUNNING


async def test_a_sessions_own_token_has_no_administrators_power(world: World) -> None:
    own, other = await world.session_of("ada"), await world.session_of("ada")
    await world.controller.run(own)
    inside = await world.in_session(own)
    assert (await inside.get("/hub/api/me")).json()["admin"] is False
    assert (await inside.get(f"/hub/api/sessions/{other}")).status_code == 404
    for path in ("/hub/api/sessions", "/hub/api/environments", "/hub/api/users", "/hub/api/events", "/hub/api/tokens"):
        assert (await inside.get(path)).status_code == 403


async def test_a_session_that_has_ended_has_no_token_that_works(world: World, session: str) -> None:
    from rsparkhub.domain.session import State

    inside = await world.in_session(session)
    await world.controller.end(session, State.SUSPENDED)
    assert (await inside.get("/hub/api/me")).status_code == 401


@calls("header", ["Basic YWRhOmFkYQ==", "Bearer", "Bearer ", "Bearer rst_wrong", "rubbish"])
async def test_a_wrong_token_is_not_replaced_by_a_cookie(world: World, header: str) -> None:
    client = await world.browser("ada")
    answer = await client.get("/hub/api/me", headers={"Authorization": header})
    assert answer.status_code == 401


async def test_a_person_who_was_removed_is_nobody_at_once(world: World) -> None:
    client = await world.program("eve")
    assert (await client.get("/hub/api/me")).status_code == 200
    await (await world.program("ada")).delete("/hub/api/users/eve")
    assert (await client.get("/hub/api/me")).status_code == 401
