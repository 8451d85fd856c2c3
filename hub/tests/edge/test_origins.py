"""What keeps a session's code from the hub and from other sessions, tried as an attacker in a real Chromium.

Ada is signed in at the hub and has two sessions open, each at its own host under localhost. The code in the first is not
hers (a notebook from the web, a package): it tries to act as her at the hub, and in the second.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from edge_world import World, making_world
from playwright.async_api import BrowserContext, Page, async_playwright

from rsparkhub.settings import Settings
from rsparkhub.store import Store

CHROMIUM = "/usr/bin/chromium"
PAGE = "<!doctype html><title>session</title><p>a session's page</p>"


class Ada:
    """Her browser, and what her two sessions saw."""

    def __init__(self, world: World, hub: str, context: BrowserContext, cookie: str, evil: str, other: str) -> None:
        self.world, self.hub, self.context, self.cookie = world, hub, context, cookie
        self.evil, self.other = evil, other  # ids of her sessions

    def at(self, session: str, path: str = "page") -> str:
        return f"http://{session}.{self.hub}/s/{session}/{path}"

    def under_the_hub(self, session: str, path: str = "page") -> str:
        return f"http://{self.hub}/s/{session}/{path}"

    async def open(self, session: str) -> Page:
        page = await self.context.new_page()
        response = await page.goto(self.under_the_hub(session))
        assert response is not None
        assert response.status == 200
        return page

    async def attack(self, script: str) -> Any:
        """Run a script in the page of the evil session, when all that it can't be blamed for is forgotten."""
        page = await self.open(self.evil)
        self.world.upstream.seen.clear()
        self.world.asked_of_the_hub.clear()
        return await page.evaluate(script)

    def seen_by(self, session: str) -> list[str]:
        return [one["path"] for one in self.world.upstream.seen if one["path"].startswith(f"/s/{session}/")]


@asynccontextmanager
async def adas_browser(world: World, hub: str, *arguments: str) -> AsyncIterator[Ada]:
    world.upstream.pages = {"page": PAGE, "worker.js": "self.onfetch = () => {}"}
    cookie = await world.person("ada")
    evil, other = await world.session("ada"), await world.session("ada")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])
        context = await browser.new_context()
        await context.add_cookies(
            [{"name": "rsparkhub", "value": cookie, "url": f"http://{hub}/", "httpOnly": True, "sameSite": "Lax"}]
        )
        yield Ada(world, hub, context, cookie, evil.id, other.id)
        await browser.close()


@pytest.fixture
async def ada(world: World) -> AsyncIterator[Ada]:
    async with adas_browser(world, world.localhost) as ada:
        yield ada


class TestHerWayIn:
    async def test_she_comes_to_the_sessions_own_host_without_noticing(self, ada: Ada) -> None:
        page = await ada.open(ada.evil)
        assert page.url == ada.at(ada.evil)
        assert await page.evaluate("origin") == f"http://{ada.evil}.{ada.hub}"
        assert "a session's page" in await page.content()

    @pytest.mark.long
    async def test_a_query_comes_along_and_the_ticket_does_not(self, ada: Ada) -> None:
        page = await ada.context.new_page()
        await page.goto(ada.under_the_hub(ada.evil, "page?a=%2Fb&c=d%26e"))
        assert page.url == ada.at(ada.evil, "page?a=%2Fb&c=d%26e")
        assert all("ticket" not in one["query"] for one in ada.world.upstream.seen)
        assert "ticket" not in await page.evaluate("document.referrer + performance.getEntries().map(e => e.name).join()")

    async def test_she_may_come_from_a_bookmark_of_the_sessions_host(self, ada: Ada) -> None:
        page = await ada.context.new_page()
        await page.goto(ada.at(ada.evil))
        assert page.url == ada.at(ada.evil)

    async def test_the_bare_host_leads_to_the_session(self, ada: Ada) -> None:
        page = await ada.context.new_page()
        await page.goto(f"http://{ada.evil}.{ada.hub}/")
        assert page.url == ada.at(ada.evil, "")

    async def test_her_session_works_there(self, ada: Ada) -> None:
        """Reading, changing and websockets, from the session's own page."""
        page = await ada.open(ada.evil)
        said = await page.evaluate(
            """async () => {
                const read = (await fetch("x")).status;
                const changed = (await fetch("x", {method: "POST", body: "y"})).status;
                const socket = new WebSocket(new URL("ws", location.href.replace("http", "ws")));
                const echo = await new Promise((done, failed) => {
                    socket.onopen = () => socket.send("hello");
                    socket.onmessage = event => done(event.data);
                    socket.onerror = () => failed(new Error("websocket"));
                });
                return [read, changed, echo];
            }"""
        )
        assert said == [200, 200, "hello"]

    async def test_a_stranger_is_sent_to_sign_in_at_the_hub(self, ada: Ada) -> None:
        await ada.context.clear_cookies()
        page = await ada.context.new_page()
        await page.goto(ada.at(ada.evil))
        assert page.url == f"http://{ada.hub}/hub/?next=/s/{ada.evil}/page"

    @pytest.mark.long
    async def test_when_she_signs_out_at_the_hub_she_is_out_of_her_sessions(self, ada: Ada) -> None:
        page = await ada.open(ada.evil)
        await ada.world.authenticator.sign_out(ada.cookie)
        async with asyncio.timeout(20):
            while await page.evaluate("fetch('x').then(response => response.status)") != 401:
                pass


class TestSecrets:
    async def test_the_sessions_code_sees_no_cookie_of_the_hub(self, ada: Ada) -> None:
        assert await ada.attack("document.cookie") == ""

    async def test_the_sessions_server_sees_none_either(self, ada: Ada) -> None:
        await ada.open(ada.evil)
        for one in ada.world.upstream.seen:
            headers = {name.lower(): value for name, value in one["headers"]}
            assert headers.get("cookie", "") == ""
            assert ada.cookie not in str(headers)


class TestAgainstTheHub:
    """Her cookie at the hub is not sent for the session's code, and what the hub answers is not shown to it."""

    def with_her_cookie(self, ada: Ada) -> list[str]:
        return [one for one in ada.world.asked_of_the_hub if "rsparkhub=" in one]

    async def test_it_reads_nothing(self, ada: Ada) -> None:
        hub = f"http://{ada.hub}/hub/api/me"
        said = await ada.attack(f"fetch('{hub}', {{credentials: 'include'}}).then(r => r.text(), error => 'failed')")
        assert said == "failed"
        assert self.with_her_cookie(ada) == []

    @pytest.mark.parametrize("mode", ["no-cors", "cors"])
    async def test_it_changes_nothing(self, ada: Ada, mode: str) -> None:
        hub = f"http://{ada.hub}/hub/api/sessions"
        await ada.attack(
            f"fetch('{hub}', {{method: 'POST', mode: '{mode}', credentials: 'include', body: '{{}}'}}).catch(() => 0)"
        )
        assert self.with_her_cookie(ada) == []

    async def test_nor_by_a_form(self, ada: Ada) -> None:
        page = await ada.open(ada.evil)
        hub = f"http://{ada.hub}/hub/api/sessions"
        await page.set_content(f"<form method=post action='{hub}'><input name=a></form>")
        async with page.expect_navigation():
            await page.evaluate("document.forms[0].submit()")
        assert any(one.startswith("hub POST") for one in ada.world.asked_of_the_hub)
        assert [one for one in self.with_her_cookie(ada) if one.startswith("hub POST")] == []

    async def test_it_frames_no_page_of_the_hub(self, ada: Ada) -> None:
        hub = f"http://{ada.hub}/hub/page"
        shown = await ada.attack(
            f"""async () => {{
                const frame = document.createElement("iframe");
                frame.src = "{hub}";
                const loaded = new Promise(done => frame.onload = done);
                document.body.append(frame);
                await loaded;
                try {{ return frame.contentWindow.document.body.innerText }} catch {{ return "closed" }}
            }}"""
        )
        assert shown == "closed"
        assert self.with_her_cookie(ada) == []

    async def test_it_has_no_hold_on_a_window_of_the_hub(self, ada: Ada) -> None:
        page = await ada.open(ada.evil)
        async with ada.context.expect_page() as opened:
            await page.evaluate(f"void (window.hub = window.open('http://{ada.hub}/hub/page'))")
        hub = await opened.value
        await hub.wait_for_load_state()
        assert await hub.evaluate("window.opener") is None
        await page.wait_for_function("window.hub.closed")  # for the session's code it is as if it were

    @pytest.mark.long
    async def test_it_sets_no_cookie_for_the_hub(self, ada: Ada) -> None:
        await ada.attack(
            """() => {
                for (const domain of ["localhost", ".localhost"])
                    for (const name of ["rsparkhub", "__Host-rsparkhub"])
                        document.cookie = `${name}=evil; Domain=${domain}; Path=/`;
            }"""
        )
        page = await ada.context.new_page()
        await page.goto(f"http://{ada.hub}/hub/page")
        assert any(f"cookie: rsparkhub={ada.cookie}\n" in f"{one}\n" for one in ada.world.asked_of_the_hub)
        assert not any("evil" in one for one in ada.world.asked_of_the_hub)

    async def test_nor_does_its_server(self, ada: Ada) -> None:
        ada.world.upstream.answer_headers = [("Set-Cookie", "rsparkhub=evil; Domain=localhost; Path=/")]
        await ada.open(ada.evil)
        page = await ada.context.new_page()
        await page.goto(f"http://{ada.hub}/hub/page")
        assert not any("evil" in one for one in ada.world.asked_of_the_hub)

    async def test_the_hub_is_not_served_at_the_sessions_host(self, ada: Ada) -> None:
        said = await ada.attack("Promise.all(['/hub/', '/hub/api/me', '/healthz'].map(p => fetch(p).then(r => r.status)))")
        assert said == [404, 404, 404]
        assert ada.world.asked_of_the_hub == []


class TestAgainstAnotherSession:
    """The other session is open in the same browser, so the browser has its cookie.

    Under a name of one's own, two sessions are one site to a browser, and it sends the cookie of the one for the other;
    under localhost they are two. TLS is not had here without a certificate, so Chromium is told to trust the name as if.
    """

    @pytest.fixture(params=["localhost", "hub.example.org"])
    async def ada(self, request: pytest.FixtureRequest, settings: Settings, store: Store) -> AsyncIterator[Ada]:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        hub, arguments = f"{request.param}:{port}", []
        if request.param != "localhost":
            arguments += [
                f"--host-resolver-rules=MAP {request.param} 127.0.0.1, MAP *.{request.param} 127.0.0.1",
                f"--unsafely-treat-insecure-origin-as-secure=http://{hub},*.{request.param}",
            ]
        public = Settings(public_url=f"http://{hub}").public_url
        changed = {"port": port, "public_url": public, "session_origin": "subdomain"}
        async with (
            making_world(settings.model_copy(update=changed), store) as world,
            adas_browser(world, hub, *arguments) as ada,
        ):
            await ada.open(ada.other)
            yield ada

    @pytest.fixture(params=["at its own host", "under the hub's name"])
    def target(self, request: pytest.FixtureRequest, ada: Ada) -> str:
        return ada.at(ada.other, "x") if request.param == "at its own host" else ada.under_the_hub(ada.other, "x")

    @pytest.mark.long
    async def test_it_fetches_nothing(self, ada: Ada, target: str) -> None:
        said = await ada.attack(
            f"""async () => {{
                const ways = [{{}}, {{mode: "no-cors"}}, {{method: "PUT"}}, {{method: "POST", mode: "no-cors", body: "x"}}];
                const said = [];
                for (const way of ways)
                    said.push(await fetch("{target}", {{credentials: "include", ...way}}).then(r => r.text(), () => ""));
                return said.join("");
            }}"""
        )
        assert said == ""
        assert ada.seen_by(ada.other) == []

    @pytest.mark.long
    async def test_it_embeds_nothing(self, ada: Ada, target: str) -> None:
        await ada.attack(
            f"""async () => {{
                for (const tag of ["img", "script", "iframe", "embed", "video"]) {{
                    const element = document.createElement(tag);
                    const done = new Promise(done => element.onload = element.onerror = done);
                    element.src = "{target}";
                    document.body.append(element);
                    await Promise.race([done, new Promise(later => setTimeout(later, 1000))]);
                }}
            }}"""
        )
        assert ada.seen_by(ada.other) == []

    @pytest.mark.long
    async def test_it_opens_no_websocket(self, ada: Ada, target: str) -> None:
        said = await ada.attack(
            f"""() => new Promise(done => {{
                const socket = new WebSocket("{target.replace("http", "ws")}");
                socket.onopen = () => done("open");
                socket.onerror = () => done("failed");
            }})"""
        )
        assert said == "failed"
        assert ada.seen_by(ada.other) == []

    @pytest.mark.long
    async def test_it_sends_no_form(self, ada: Ada, target: str) -> None:
        page = await ada.open(ada.evil)
        ada.world.upstream.seen.clear()
        await page.set_content(f"<form method=post action='{target}'><input name=a></form>")
        async with page.expect_navigation():
            await page.evaluate("document.forms[0].submit()")
        assert ada.seen_by(ada.other) == []

    async def test_the_other_is_not_served_at_its_host(self, ada: Ada) -> None:
        assert await ada.attack(f"fetch('/s/{ada.other}/page').then(r => r.status)") == 404
        assert ada.seen_by(ada.other) == []

    @pytest.mark.long
    async def test_it_gets_no_ticket(self, ada: Ada) -> None:
        """Neither for the other nor its own: a redirect that crosses origins is not shown to a script."""
        for session in (ada.other, ada.evil):
            said = await ada.attack(
                f"fetch('{ada.under_the_hub(session)}', {{credentials: 'include', redirect: 'manual'}})"
                ".then(r => [r.url, r.type], () => 'failed')"
            )
            assert said == "failed"


class TestPagesOfTheHub:
    """What a session serves never comes to life under the hub's own name."""

    async def test_a_script_of_the_hubs_gets_nothing_of_a_session(self, ada: Ada) -> None:
        page = await ada.context.new_page()
        await page.goto(f"http://{ada.hub}/hub/page")
        said = await page.evaluate(f"fetch('/s/{ada.evil}/page').then(r => r.status)")
        assert said == 403

    async def test_no_worker_of_a_sessions_is_taken(self, ada: Ada) -> None:
        page = await ada.context.new_page()
        await page.goto(f"http://{ada.hub}/hub/page")
        said = await page.evaluate(
            f"navigator.serviceWorker.register('/s/{ada.evil}/worker.js').then(() => 'taken', () => 'refused')"
        )
        assert said == "refused"
        assert ada.seen_by(ada.evil) == []

    async def test_a_program_with_the_cookie_gets_what_can_not_act(self, ada: Ada) -> None:
        client = ada.world.client(cookie=ada.cookie, host=ada.hub)
        for _ in range(5):
            response = await client.get(f"/s/{ada.evil}/page")
            assert response.status_code == 200
            assert response.headers["content-security-policy"] == "sandbox"
            assert response.headers["x-content-type-options"] == "nosniff"


async def test_tickets_are_for_those_who_may(world: World) -> None:
    """Bob asks for the way into Ada's session."""
    await world.person("ada")
    session = await world.session("ada")
    bob = world.client(cookie=await world.person("bob"), host=world.localhost)
    response = await bob.get(f"/s/{session.id}/", headers={"Accept": "text/html"})
    assert response.status_code == 404
    assert "location" not in response.headers


async def test_a_ticket_leads_nowhere_else(world: World) -> None:
    ada = await world.person("ada")
    session = await world.session("ada")
    hub = world.client(cookie=ada, host=world.localhost)
    for way in ("//evil.example/", "http://evil.example/", "/hub/", "/s/zzzzzzzzzz/", f"/s/{session.id}/%0d%0aX:y", ""):
        location = (await hub.get(f"/s/{session.id}/", headers={"Accept": "text/html"})).headers["location"]
        ticket = location.partition("ticket=")[2].partition("&")[0]
        host = f"{session.id}.{world.localhost}"
        response = await world.client(host=host).get(f"/enter?ticket={ticket}&next={way}")
        assert response.status_code == 302
        assert response.headers["location"] == f"/s/{session.id}/"
        assert response.headers["set-cookie"].startswith("rspark_session=rsc_")
