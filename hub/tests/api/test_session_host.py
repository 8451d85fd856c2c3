"""What of the API there is at a session's own host: how that session is, and what wakes it and puts it to sleep."""

import httpx
import pytest
from test_matrix import CALLS, SENT, sessions  # noqa: F401  (the fixture: a session of the owner's, another's, and a share)
from world import World

from rsparkhub.auth.session_host import SessionHostSignIn
from rsparkhub.domain.session import State
from rsparkhub.domain.share import Role
from rsparkhub.store.events import By

THERE = {"GET /sessions/{id}", "POST /sessions/{id}/suspend", "POST /sessions/{id}/resume", "POST /sessions/{id}/extend"}

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


async def at_host(world: World, person: str, session: str, *, host: str | None = None, **headers: str) -> httpx.AsyncClient:
    """A browser of this person's that is signed in at the host of a session, or shows that cookie at another one's."""
    now = world.clock()
    link = await world.authenticator.make_link(person, now=now)
    login = (await world.authenticator.sign_in_with_link(link, now=now)).token
    there = SessionHostSignIn(world.store.credentials, world.settings)
    ticket = await there.make_ticket(session, login, person, now=now)
    cookie = await there.take_ticket(session, ticket, now=now)
    name = f"{host or session}.localhost"
    sent = {"Host": name, "Cookie": f"rspark_session={cookie}", "Origin": f"http://{name}"}
    return world.nobody(**{**sent, **headers})


@pytest.mark.parametrize("call", CALLS)
async def test_there_are_the_calls_about_that_session_and_no_others(
    world: World,
    sessions: tuple[str, str, str],  # noqa: F811
    call: str,
) -> None:
    session, another, share = sessions
    method, _, path = call.partition(" ")
    names = {"share": share, "handout": "0" * 16, "name": "owner", "id": session, "way": "oidc", "site": "campus"}
    url = path.format(**names) if path.startswith("/hub/") else f"/hub/api{path.format(**names)}"
    page = await at_host(world, "owner", session)
    if call not in THERE:
        assert (await page.request(method, url, json=SENT.get(call))).status_code in {403, 421}
        return
    by = By("other", world.clock())
    await world.store.shares.set(another, person="owner", role=Role.EDITOR, by=by)  # they may, and this page may not
    foreign = await page.request(method, url.replace(session, another))
    assert foreign.status_code == 421
    assert (await page.request(method, url)).status_code in {200, 202}


async def test_each_may_there_what_they_may_at_the_hub(world: World, sessions: tuple[str, str, str]) -> None:  # noqa: F811
    session = sessions[0]
    address = f"/hub/api/sessions/{session}"
    for person, reads, wakes in (("owner", 200, 202), ("editor", 200, 202), ("viewer", 200, 403), ("other", 404, 404)):
        page = await at_host(world, person, session)
        seen = await page.get(address)
        assert seen.status_code == reads, person
        if reads == 200:  # the page leaves out what would be refused
            assert ("run" in seen.json()["may"]) is (wakes == 202), person
            assert "change" not in seen.json()["may"], person
        assert (await page.post(f"{address}/resume")).status_code == wakes, person


async def test_an_answer_says_what_the_asker_may_do_and_a_list_does_not(world: World, sessions: tuple[str, str, str]) -> None:  # noqa: F811
    address = f"/hub/api/sessions/{sessions[0]}"
    everything = ["read", "change", "view", "open", "read-log", "run", "suspend", "stop"]
    for person, may in (
        ("owner", everything),
        ("editor", ["read", "view", "open", "read-log", "run", "suspend"]),
        ("viewer", ["read", "view"]),
    ):
        client = await world.program(person)
        assert (await client.get(address)).json()["may"] == may, person
    owner = await world.program("owner")
    assert (await owner.post(f"{address}/extend")).json().get("may", everything) == everything
    assert {each["may"] for each in (await owner.get("/hub/api/sessions")).json()["sessions"]} == {None}


async def test_a_token_too_asks_there_about_that_session_alone(world: World, sessions: tuple[str, str, str]) -> None:  # noqa: F811
    session, another, _ = sessions
    for host, method, about, status in (
        (session, "GET", session, 200),
        (session, "GET", another, 421),
        (session, "DELETE", session, 421),
        (session, "DELETE", another, 421),
        (session, "GET", f"{session}/suspend", 421),
        (session, "POST", session, 421),
    ):
        client = await world.program("owner")
        client.headers["Host"] = f"{host}.localhost"
        found = await client.request(method, f"/hub/api/sessions/{about}")
        assert found.status_code == status, (method, about)


@pytest.mark.parametrize("person", ["viewer", "ada"])
async def test_a_page_that_asks_in_a_loop_locks_nobody_out_of_the_hub(
    world: World,
    sessions: tuple[str, str, str],  # noqa: F811
    person: str,
) -> None:
    session = sessions[0]
    page = await at_host(world, person, session)
    asked = [(await page.post(f"/hub/api/sessions/{session}/suspend")).status_code for _ in range(40)]
    assert asked[0] != 429
    assert asked[-1] == 429
    at_the_hub = await world.program(person)
    assert (await at_the_hub.post(f"/hub/api/sessions/{session}/suspend")).status_code == asked[0]


async def test_a_page_of_another_origin_changes_nothing(world: World, sessions: tuple[str, str, str]) -> None:  # noqa: F811
    session, another, _ = sessions
    address = f"/hub/api/sessions/{session}/suspend"
    for headers in ({"Origin": f"http://{another}.localhost"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}):
        page = await at_host(world, "owner", session, **headers)
        assert (await page.post(address)).status_code == 403, headers
    silent = await at_host(world, "owner", session)
    del silent.headers["Origin"]
    assert (await silent.post(address)).status_code == 403


async def test_the_cookie_is_good_at_its_own_host_alone(world: World, sessions: tuple[str, str, str]) -> None:  # noqa: F811
    session, another, _ = sessions
    elsewhere = await at_host(world, "owner", session, host=another)
    at_the_hub = await at_host(world, "owner", session, Host="hub.example")
    for client in (elsewhere, at_the_hub):
        assert (await client.get(f"/hub/api/sessions/{session}")).status_code in {401, 421}


async def test_the_hubs_cookie_opens_nothing_there(world: World, sessions: tuple[str, str, str]) -> None:  # noqa: F811
    session = sessions[0]
    browser = await world.browser("owner", Host=f"{session}.localhost", Origin=f"http://{session}.localhost")
    assert (await browser.get(f"/hub/api/sessions/{session}")).status_code == 401


async def test_an_administrators_browser_there_wakes_what_its_owner_may_start(world: World) -> None:
    """What a session's page asks may be its owner's doing, whoever looks at it."""
    await world.add_person("owner")
    session = await world.session_of("owner", environment="lab")  # of a group of which they are no longer
    await world.controller.run(session)
    await world.controller.end(session, State.STOPPED)
    address = f"/hub/api/sessions/{session}/resume"
    assert (await (await at_host(world, "ada", session)).post(address)).status_code == 404
    assert (await (await world.program("ada")).post(address)).status_code == 202
