"""A token in the query of a session's address, as VS Code and other clients of Jupyter send it, also on websockets."""

import json
from urllib.parse import quote

import httpx
import pytest
import websockets
from edge_world import World, making_world, raw, status_of

from rsparkhub.domain.scope import Scope
from rsparkhub.domain.session import Session
from rsparkhub.settings import Settings
from rsparkhub.store import Store

BAD = "rst_" + "x" * 43
PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}


@pytest.fixture
async def ada(world: World) -> tuple[Session, str, str]:
    """A session of ada's, a token of hers, and the cookie of a browser of hers."""
    cookie = await world.person("ada")
    return await world.session("ada"), await world.token("ada"), cookie


def reached(response: httpx.Response) -> str:
    """Return the path and query that reached the session."""
    assert response.status_code == 200, response.text
    got = response.json()
    return f"{got['path']}?{got['query']}"


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("token={}", ""),
        ("a=1&token={}&b=%20x%2B", "a=1&b=%20x%2B"),
        ("token={}&token=" + BAD, ""),
        (f"token={BAD}&" + "token={}", ""),
        ("%74oken={}&a", "a"),
        ("to%6ben={}", ""),
        ("a=token&token={}&xtoken=y&token2=z", "a=token&xtoken=y&token2=z"),
        ("token={}&&=", "&="),
    ],
)
async def test_it_lets_in_and_does_not_reach_the_session(
    world: World, ada: tuple[Session, str, str], query: str, left: str
) -> None:
    session, token, _ = ada
    for host in (world.host, world.localhost, f"{session.id}.localhost:{world.edge.port}"):
        for _ in range(3):  # asked, and repeated
            response = await world.client(host=host).get(f"/s/{session.id}/api/kernels?{query.format(token)}")
            assert reached(response) == f"/s/{session.id}/api/kernels?{left}"
    assert token not in json.dumps(world.upstream.seen)


@pytest.mark.parametrize("query", ["token={}", "a=1&token={}", "token=" + BAD + "&token={}"])
async def test_without_the_slash_it_is_still_there_when_a_program_follows(
    world: World, ada: tuple[Session, str, str], query: str
) -> None:
    session, token, _ = ada
    client = world.client()
    client.follow_redirects = True
    left = "a=1" if query.startswith("a") else ""
    assert reached(await client.get(f"/s/{session.id}?{query.format(token)}")) == f"/s/{session.id}/?{left}"


async def test_on_a_websocket_too(world: World, ada: tuple[Session, str, str]) -> None:
    session, token, _ = ada
    url = f"ws://{world.host}/s/{session.id}/api/kernels/x/channels?session_id=7&token={token}"
    async with websockets.connect(url, origin="https://vscode.dev") as socket:  # type: ignore[arg-type]
        await socket.send("hello")
        assert await socket.recv() == "hello"
    assert world.upstream.seen[-1]["query"] == "session_id=7"


@pytest.mark.parametrize("bad", [BAD, "", "x", "x" * 5000, "%00", "%ff", "%zz", "a%20b"])
async def test_a_bad_one_lets_nobody_in_and_spoils_nothing_good(world: World, ada: tuple[Session, str, str], bad: str) -> None:
    session, token, cookie = ada
    path = f"/s/{session.id}/x?token={bad}"
    assert (await world.client().get(path)).status_code == 401
    for scheme in ("Bearer", "token", "TOKEN"):
        response = await world.client().get(path, headers={"Authorization": f"{scheme} {token}"})
        assert response.status_code == 200
    assert (await world.client(cookie=cookie).get(path)).status_code == 200
    assert (await world.client(bearer=BAD).get(f"/s/{session.id}/x?token={token}")).status_code == 200
    assert (await world.client(cookie="rsl_x").get(f"/s/{session.id}/x?token={token}")).status_code == 200


async def test_it_is_of_one_s_own_sessions_alone(world: World, ada: tuple[Session, str, str]) -> None:
    session, _, _ = ada
    await world.person("bob")
    assert (await world.client().get(f"/s/{session.id}/x?token={await world.token('bob')}")).status_code == 404


async def test_it_is_written_to_no_log(
    settings: Settings, store: Store, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with making_world(settings, store) as world:
        await world.person("ada")
        token, session = await world.token("ada"), await world.session("ada")
        gone = await world.session("ada", upstream="127.0.0.1:9")
        client = world.client()
        for query in (f"token={token}", f"%74oken={token}", f"token={BAD}", f"a=1&token={quote(token)}"):
            for path in (f"/s/{session.id}/x", f"/s/{gone.id}/x", "/s/zzzzzzzzzz/x", "/hub/x", "/nothing"):
                await client.get(f"{path}?{query}")
                await client.get(f"{path}?{query}", headers={"Referer": f"http://{world.host}{path}?{query}"})
        await world.face.aclose()
        await world.stack.aclose()
        for path in (f"/s/{session.id}/y", "/hub/"):  # what goes wrong is logged with the request
            await raw(world.edge, f"GET {path}?token={token} HTTP/1.1\r\nHost: {world.host}\r\nConnection: close\r\n\r\n")
    said = "".join(capfd.readouterr()) + caplog.text
    assert "handled request" in said
    assert token not in said
    assert BAD not in said


async def test_in_a_browser_it_leads_to_the_session_s_own_host_and_is_gone_from_the_address(
    world: World, ada: tuple[Session, str, str]
) -> None:
    session, token, _ = ada
    own = f"{session.id}.localhost:{world.edge.port}"
    for host in (world.localhost, own):
        sent = await world.client(host=host).get(f"/s/{session.id}/lab?a=1&token={token}", headers=PAGE)
        assert sent.status_code == 302
        assert sent.headers["location"].startswith(f"http://{own}/enter?ticket=")
        assert token not in sent.headers["location"]
        entered = await world.client(host=own).get(sent.headers["location"].partition(own)[2], headers=PAGE)
        assert entered.headers["location"] == f"/s/{session.id}/lab?a=1"
        its = entered.headers["set-cookie"].partition(";")[0]
        there = world.client(host=own)
        assert (await there.get(f"/s/{session.id}/lab?a=1", headers={**PAGE, "Cookie": its})).status_code == 200
    (known,) = [each for each in await world.store.credentials.tokens("ada", now=session.created) if each.name == "test"]
    await world.store.credentials.remove_token(known.id, user_name="ada")
    assert (await there.get(f"/s/{session.id}/x", headers={"Cookie": its})).status_code == 401


async def test_under_the_hub_s_own_name_a_browser_opens_nothing_by_it(world: World) -> None:
    """Else a link to a session of mine, with a token of mine, would run my code where you are signed in."""
    you = await world.person("ada")
    await world.person("eve")
    trap, token = await world.session("eve"), await world.token("eve")
    address = f"/s/{trap.id}/trap.html?token={token}"
    for headers in (PAGE, {"Accept": "text/html"}, {**PAGE, "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"}):
        response = await world.client(cookie=you).get(address, headers=headers)
        assert (response.status_code, response.headers["location"]) == (302, f"/s/{trap.id}/trap.html")
    assert world.upstream.seen == []
    script = await world.client(cookie=you).get(address, headers={"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"})
    assert script.headers["content-security-policy"] == "sandbox"


@pytest.mark.parametrize("scope", list(Scope))
async def test_by_its_scopes_a_token_opens_sessions_or_none(world: World, scope: Scope) -> None:
    """In the header, in the query, on a websocket, and in a browser that it would lead to the session's own host."""
    await world.person("ada")
    session, token = await world.session("ada"), await world.token("ada", scope)
    opens = scope in {Scope.ALL, Scope.SESSIONS}
    bearer = {"Authorization": f"Bearer {token}"}
    own = f"{session.id}.localhost:{world.edge.port}"
    for host in (world.host, world.localhost, own):
        client = world.client(host=host)
        by_header = await client.get(f"/s/{session.id}/x", headers=bearer)
        by_query = await client.get(f"/s/{session.id}/x?token={token}")
        changing = await client.post(f"/s/{session.id}/x", headers=bearer)
        assert {each.status_code for each in (by_header, by_query, changing)} == {200 if opens else 403}
        if not opens:
            assert "needs the scope sessions" in by_query.json()["detail"]
    led = await world.client(host=own).get(f"/s/{session.id}/lab?token={token}", headers=PAGE)
    assert led.status_code == (302 if opens else 403)
    for address, headers in ((f"/s/{session.id}/ws", bearer), (f"/s/{session.id}/ws?token={token}", {})):
        connecting = websockets.connect(f"ws://127.0.0.1:{world.edge.port}{address}", additional_headers=headers)
        if opens:
            async with connecting as socket:
                await socket.send("hello")
                assert await socket.recv()
        else:
            with pytest.raises(websockets.InvalidStatus) as refused:
                await connecting
            assert refused.value.response.status_code == 403
    assert bool(world.upstream.seen) is opens


async def test_elsewhere_it_is_no_credential(world: World, ada: tuple[Session, str, str]) -> None:
    _, token, _ = ada
    said = await raw(world.edge, f"GET /enter?token={token} HTTP/1.1\r\nHost: {world.host}\r\nConnection: close\r\n\r\n")
    assert status_of(said) == 404


async def test_the_cookie_of_the_port_lets_in_beside_that_of_another_hub(world: World, ada: tuple[Session, str, str]) -> None:
    session, _, cookie = ada
    headers = {"Cookie": f"rsparkhub-1={BAD}; rsparkhub-{world.edge.port}={cookie}; a=1"}
    response = await world.client().get(f"/s/{session.id}/x", headers=headers)
    assert response.status_code == 200
    assert dict(response.json()["headers"])["cookie"] == "a=1"
    other = {"Cookie": f"rsparkhub-{world.edge.port + 1}={cookie}"}
    assert (await world.client().get(f"/s/{session.id}/x", headers=other)).status_code == 401
