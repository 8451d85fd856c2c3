"""HTTP through the edge: who reaches what, and what becomes of headers on the way."""

import asyncio
import itertools
import json
import time
from datetime import UTC, datetime

import pytest
from edge_world import World, making_world, raw, status_of

from rsparkhub.domain.session import State, Wanted
from rsparkhub.settings import Settings
from rsparkhub.store import Store


def headers_of(body: dict[str, list[list[str]]]) -> dict[str, str]:
    return {name.lower(): value for name, value in body["headers"]}


class TestWhoReachesWhat:
    async def test_the_owner_reaches_their_session_by_cookie_and_by_token(self, world: World) -> None:
        ada = await world.person("ada")
        session = await world.session("ada")
        for client in (world.client(cookie=ada), world.client(bearer=await world.token("ada"))):
            response = await client.get(f"/s/{session.id}/api/status?x=1&y=%2F")
            assert response.status_code == 200
            assert response.json()["path"] == f"/s/{session.id}/api/status"
            assert response.json()["query"] == "x=1&y=%2F"

    async def test_two_sessions_are_two_upstreams(self, world: World) -> None:
        ada = await world.person("ada")
        first, second = await world.session("ada"), await world.session("ada", upstream="127.0.0.1:1")
        client = world.client(cookie=ada)
        for _ in range(4):
            assert (await client.get(f"/s/{first.id}/")).status_code == 200
            assert (await client.get(f"/s/{second.id}/")).status_code == 502

    async def test_another_person_and_a_stranger_do_not(self, world: World) -> None:
        await world.person("ada")
        session = await world.session("ada")
        bob = world.client(cookie=await world.person("bob"))
        assert (await bob.get(f"/s/{session.id}/")).status_code == 404
        assert (await world.client().get(f"/s/{session.id}/")).status_code == 401
        assert world.upstream.seen == []

    async def test_a_browser_of_a_stranger_is_sent_to_sign_in(self, world: World) -> None:
        response = await world.client().get("/s/abcdefghjk/lab", headers={"Accept": "text/html"})
        assert (response.status_code, response.headers["location"]) == (302, "/hub/?next=/s/abcdefghjk/lab")

    async def test_what_was_allowed_a_thousand_times_is_refused_within_two_seconds(self, world: World) -> None:
        """The edge repeats answers by itself: after each way to take a right away it stops."""
        ada = await world.person("ada")
        await world.person("root", admin=True)
        session = await world.session("ada")
        client = world.client(cookie=ada)

        async def takes_effect(status: int) -> None:
            """No request that is sent two seconds later is answered as before, however long answers take."""
            changed = sent = time.monotonic()
            while (await client.get(f"/s/{session.id}/")).status_code != status:
                assert sent - changed < 2
                sent = time.monotonic()

        for _ in range(200):
            assert (await client.get(f"/s/{session.id}/")).status_code == 200
        await world.store.sessions.set_wanted(session.id, Wanted.SUSPENDED, by="ada", now=datetime.now(UTC))
        await takes_effect(424)
        await world.store.sessions.set_wanted(session.id, Wanted.RUNNING, by="ada", now=datetime.now(UTC))
        await world.change(session.id, state=State.RUNNING, upstream=world.upstream.address, secret="new", generation=2)
        await takes_effect(200)
        await world.authenticator.sign_out(ada)
        await takes_effect(401)
        client = world.client(bearer=await world.token("ada"))
        await takes_effect(200)
        await world.store.users.remove("ada", now=datetime.now(UTC))
        await takes_effect(401)

    async def test_a_session_that_moved_is_found_where_it_is(self, world: World) -> None:
        ada = await world.person("ada")
        session = await world.session("ada", upstream="127.0.0.1:1")
        client = world.client(cookie=ada)
        for _ in range(5):
            assert (await client.get(f"/s/{session.id}/")).status_code == 502
        await world.change(session.id, upstream=world.upstream.address, generation=2)
        async with asyncio.timeout(20):
            while (await client.get(f"/s/{session.id}/")).status_code != 200:
                pass

    async def test_many_equal_requests_are_asked_about_once_a_second(self, world: World) -> None:
        ada = await world.person("ada")
        session = await world.session("ada")
        client = world.client(cookie=ada)
        await client.get(f"/s/{session.id}/")
        await asyncio.sleep(1)  # in which what was notified of at the beginning is forgotten
        world.questions.clear()
        began = time.time()
        for number in range(200):
            assert (await client.get(f"/s/{session.id}/{number}?{number}")).status_code == 200
        seconds = int(time.time()) - int(began) + 1
        assert len(world.questions) <= seconds + 1

    async def test_what_is_taken_away_is_gone_for_a_connection_that_is_open_within_the_second(self, world: World) -> None:
        ada = await world.person("ada")
        session = await world.session("ada")
        reader, writer = await asyncio.open_connection("127.0.0.1", world.edge.port)

        async def status() -> int:
            writer.write(f"GET /s/{session.id}/ HTTP/1.1\r\nHost: {world.host}\r\nCookie: rsparkhub={ada}\r\n\r\n".encode())
            head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode().lower()
            length = next(line for line in head.split("\r\n") if line.startswith("content-length"))
            await reader.readexactly(int(length.split(":")[1]))
            return int(head.split()[1])

        for _ in range(3):
            assert await status() == 200
        await world.authenticator.sign_out(ada)
        changed = sent = time.time()
        while await status() == 200:
            assert int(sent) == int(changed), "it was repeated after its second"
            sent = time.time()
        writer.close()

    async def test_a_session_that_changes_is_forgotten_at_once(self, world: World) -> None:
        """A grant is repeated for its second, unless the session changes; so ten changes in a row take no ten seconds."""
        ada = await world.person("ada")
        session = await world.session("ada")
        client = world.client(cookie=ada)
        began = time.monotonic()
        for _ in range(10):
            assert (await client.get(f"/s/{session.id}/")).status_code == 200
            await world.store.sessions.set_wanted(session.id, Wanted.SUSPENDED, by="ada", now=datetime.now(UTC))
            async with asyncio.timeout(10):
                while (await client.get(f"/s/{session.id}/")).status_code != 424:
                    pass
            await world.store.sessions.set_wanted(session.id, Wanted.RUNNING, by="ada", now=datetime.now(UTC))
            await world.change(session.id, state=State.RUNNING, upstream=world.upstream.address, secret="s", generation=2)
            async with asyncio.timeout(10):
                while (await client.get(f"/s/{session.id}/")).status_code != 200:
                    pass
        assert time.monotonic() - began < 9


class TestHeaders:
    @pytest.fixture(params=["asked", "repeated"])
    async def reach(self, world: World, request: pytest.FixtureRequest) -> "Reach":
        ada = await world.person("ada")
        session = await world.session("ada")
        reach = Reach(world, ada, session.id)
        if request.param == "repeated":
            await reach.until_it_is_repeated()
        return reach

    async def test_the_session_gets_its_secret(self, reach: "Reach") -> None:
        assert (await reach.headers())["x-rspark-secret"] == f"secret-of-{reach.session}"

    async def test_the_hubs_cookies_and_authorization_do_not_reach_it(self, reach: "Reach") -> None:
        own = f"rsparkhub={reach.cookie}"
        cookies = [
            f"{own}; a=1; b=2",
            f"a=1; {own}; b=2",
            f"a=1; b=2; {own}",
            f"a=1;{own};b=2",
            f"a=1; {own}; {own}; b=2; rsparkhub=x",
            f"__Host-rsparkhub=y; a=1; {own}; rspark_session=z; __Host-rspark_session=w; b=2",
            f"rsparkhub-8000=y; a=1; {own}; rspark_session-1=z; b=2",  # of another hub on this machine
        ]
        for cookie in cookies:
            got = await reach.headers(Cookie=cookie, Authorization="Basic eDp5")
            assert reach.cookie not in json.dumps(got)
            assert "authorization" not in got
            assert [part.strip() for part in got["cookie"].split(";")] == ["a=1", "b=2"], cookie

    async def test_a_cookie_of_a_similar_name_passes(self, reach: "Reach") -> None:
        got = await reach.headers(Cookie=f"xrsparkhub=1; rsparkhub={reach.cookie}; rsparkhub2=2; my-rspark_session=3")
        assert got["cookie"] == "xrsparkhub=1; rsparkhub2=2; my-rspark_session=3"

    async def test_with_the_hubs_cookie_alone_no_cookie_is_left(self, reach: "Reach") -> None:
        assert (await reach.headers()).get("cookie", "") == ""

    async def test_headers_that_only_the_edge_may_write_are_dropped(self, reach: "Reach") -> None:
        forged = {
            "X-Rspark-Upstream": "127.0.0.1:1",
            "X-Rspark-Secret": "forged",
            "X-Rspark-User": "root",
            "X-Rspark-Sandbox": "forged",
            "X_Rspark_Secret": "forged",
            "X-Forwarded-For": "6.6.6.6",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Port": "666",
            "X-Forwarded-Prefix": "/evil",
            "X-Forwarded-User": "root",
            "X-Forwarded-Uri": "/s/zzzzzzzzzz/",
            "X-Forwarded-Method": "POST",
            "X-Real-IP": "6.6.6.6",
            "Forwarded": "for=6.6.6.6",
        }
        got = await reach.headers(**forged)
        assert {name: value for name, value in got.items() if name.startswith(("x-rspark", "x_rspark"))} == {
            "x-rspark-secret": f"secret-of-{reach.session}"
        }
        assert {name: value for name, value in got.items() if name.startswith(("x-forwarded", "x-real", "forwarded"))} == {
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-host": reach.world.host,
            "x-forwarded-proto": "http",
        }

    async def test_the_host_stays_as_the_browser_sent_it(self, reach: "Reach") -> None:
        assert (await reach.headers())["host"] == reach.world.host

    async def test_a_connection_header_does_not_take_the_secret_away(self, reach: "Reach") -> None:
        got = await reach.headers(Connection="keep-alive, X-Rspark-Secret, Host, X-Forwarded-Uri")
        assert got["x-rspark-secret"] == f"secret-of-{reach.session}"

    async def test_what_a_session_answers_can_not_sign_its_person_out_or_in_as_another(self, reach: "Reach") -> None:
        reach.world.upstream.answer_headers = [
            ("Set-Cookie", "rsparkhub=evil; Path=/"),
            ("Set-Cookie", "rsparkhub-8000=evil; Path=/"),
            ("Set-Cookie", " __Host-rsparkhub =evil; Path=/"),
            ("Set-Cookie", "rspark_session=evil"),
            ("Set-Cookie", "=rsparkhub=evil; Path=/"),
            ("Set-Cookie", "mine=1"),
            ("Clear-Site-Data", '"*"'),
            ("Service-Worker-Allowed", "/"),
            ("X-Mine", "yes"),
        ]
        response = await reach.get()
        assert [value for value in response.headers.get_list("set-cookie") if value] == ["mine=1"]
        assert "clear-site-data" not in response.headers
        assert "service-worker-allowed" not in response.headers
        assert response.headers["x-mine"] == "yes"

    async def test_what_a_session_answers_passes_as_it_is(self, reach: "Reach") -> None:
        reach.world.upstream.body = bytes(range(256)) * 8
        response = await reach.get(**{"Accept-Encoding": "gzip"})
        assert response.content == reach.world.upstream.body
        assert "content-encoding" not in response.headers


class Reach:
    """Ada's browser at her session."""

    def __init__(self, world: World, cookie: str, session: str) -> None:
        self.world, self.cookie, self.session = world, cookie, session

    async def get(self, **headers: str):  # type: ignore[no-untyped-def]
        response = await self.world.client(cookie=self.cookie).get(f"/s/{self.session}/x", headers=headers)
        assert response.status_code == 200
        return response

    async def headers(self, **headers: str) -> dict[str, str]:
        return headers_of((await self.get(**headers)).json())

    async def until_it_is_repeated(self) -> None:
        """Ask until a grant is repeated that is a moment old only, so that it is also repeated to the next request."""
        client = self.world.client(cookie=self.cookie)
        async with asyncio.timeout(10):
            while True:
                asked = len(self.world.questions)
                await client.get(f"/s/{self.session}/x")
                if len(self.world.questions) == asked and datetime.now(UTC).microsecond < 300_000:
                    return


class TestTheHub:
    async def test_its_pages_and_calls_reach_it_unchanged(self, world: World) -> None:
        response = await world.client(cookie="x", bearer="y").get("/hub/api/sessions?all=true")
        assert response.text.startswith("hub GET /hub/api/sessions")
        assert "cookie: rsparkhub=x" in response.text
        assert "authorization: Bearer y" in response.text

    async def test_it_is_told_who_asks_by_the_edge_alone(self, world: World) -> None:
        response = await world.client().get("/hub/", headers={"X-Forwarded-For": "6.6.6.6", "X-Rspark-User": "root"})
        assert "x-forwarded-for: 127.0.0.1" in response.text
        assert "6.6.6.6" not in response.text
        assert "x-rspark" not in response.text

    async def test_its_answers_carry_what_protects_its_pages(self, world: World) -> None:
        headers = (await world.client().get("/hub/page")).headers
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"

    @pytest.mark.parametrize("path", ["/", "/hub"])
    async def test_the_bare_address_leads_to_it(self, world: World, path: str) -> None:
        response = await world.client().get(path)
        assert (response.status_code, response.headers["location"]) == (302, "/hub/")

    @pytest.mark.parametrize("path", ["/metrics", "/readyz", "/hubx", "/enter?ticket=x", "/api/sessions"])
    async def test_there_is_nothing_else(self, world: World, path: str) -> None:
        response = await world.client().get(path)
        assert response.status_code == 404
        assert response.json()["code"] == "not-found"

    async def test_the_edge_says_that_it_is_there(self, world: World) -> None:
        response = await world.client().get("/healthz")
        assert (response.status_code, response.text) == (200, "ok")


async def test_where_somebody_else_does_tls_in_front_the_scheme_is_the_one_that_people_use(
    settings: Settings, store: Store
) -> None:
    public = Settings(public_url="https://hub.example.org").public_url
    async with making_world(settings.model_copy(update={"public_url": public}), store) as world:
        ada = await world.person("ada")
        session = await world.session("ada")
        for host, scheme, cookie in (("hub.example.org", "https", "__Host-rsparkhub"), ("127.0.0.1", "http", "rsparkhub")):
            client = world.client(host=host)
            assert f"x-forwarded-proto: {scheme}" in (await client.get("/hub/", headers={"X-Forwarded-Proto": "gopher"})).text
            for _ in range(4):  # asked, and repeated
                response = await client.get(f"/s/{session.id}/", headers={"Cookie": f"{cookie}={ada}"})
                assert headers_of(response.json())["x-forwarded-proto"] == scheme


@pytest.mark.parametrize(
    ("trusted", "claimed", "seen"),
    [
        ("127.0.0.0/8", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.0/8", "6.6.6.6, 203.0.113.7", "203.0.113.7"),  # the first is what the client wrote itself
        ("127.0.0.0/8", "203.0.113.7, 127.0.0.9", "203.0.113.7"),  # through two of ours
        ("127.0.0.0/8", "nobody", "127.0.0.1"),
        ("192.0.2.0/24", "203.0.113.7", "127.0.0.1"),
    ],
)
async def test_the_address_behind_a_proxy_is_believed_of_a_trusted_one_alone(
    settings: Settings, store: Store, trusted: str, claimed: str, seen: str
) -> None:
    networks = Settings.model_validate({"trusted_proxies": [trusted]}).trusted_proxies
    async with making_world(settings.model_copy(update={"trusted_proxies": networks}), store) as world:
        ada = await world.person("ada")
        session = await world.session("ada")
        client = world.client(cookie=ada)
        assert f"x-forwarded-for: {seen}\n" in (await client.get("/hub/", headers={"X-Forwarded-For": claimed})).text + "\n"
        response = await client.get(f"/s/{session.id}/", headers={"X-Forwarded-For": claimed})
        assert headers_of(response.json())["x-forwarded-for"] == seen


class TestHostNames:
    """A request under a name that is none of this installation's reaches neither the hub nor a session."""

    async def test_an_unknown_name_is_told_so(self, world: World) -> None:
        ada = await world.person("ada")
        session = await world.session("ada")
        own, port = session.id, world.edge.port
        unknown = [
            "evil.example", f"evil.example:{port}", f"localhost.:{port}", "localhost:1", f"x.{own}.localhost:{port}",
            f"{own}.localhost.:{port}", f"{own}x.localhost:{port}", f"10.0.0.1:{port}",
        ]  # fmt: skip
        for host, path in itertools.product(unknown, ["/", "/hub/", "/hub/api/me", f"/s/{own}/", "/enter?ticket=x", "/metrics"]):
            said = await raw(
                world.edge,
                f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: rsparkhub={ada}\r\n"
                f"X-Forwarded-Host: {world.host}\r\nForwarded: host={world.host}\r\nConnection: close\r\n\r\n",
            )
            assert status_of(said) == 421, (host, path)
            assert b'"code": "misdirected-request"' in said
        assert world.upstream.seen == []
        assert world.asked_of_the_hub == []

    async def test_at_the_host_of_a_session_that_is_not_there_is_nothing(self, world: World) -> None:
        ada = await world.person("ada")
        session = await world.session("ada")
        nowhere = f"kq4wz7m2xb.localhost:{world.edge.port}"
        for client in (world.client(host=nowhere, cookie=ada), world.client(host=nowhere, bearer=await world.token("ada"))):
            for path in ("/", "/hub/", "/s/kq4wz7m2xb/", f"/s/{session.id}/", "/x"):
                assert (await client.get(path, headers={"Accept": "text/html"})).status_code == 404, path
            entered = await client.get("/enter?ticket=x")
            assert (entered.status_code, "set-cookie" in entered.headers) == (302, False)
        there = await world.client(host=f"{session.id}.localhost:{world.edge.port}").get("/")
        assert (there.status_code, there.headers["location"]) == (302, f"/s/{session.id}/")
        assert world.upstream.seen == []

    async def test_what_is_no_name_at_all_is_refused(self, world: World) -> None:
        said = await raw(world.edge, f"GET /hub/ HTTP/1.1\r\nHost: me@localhost:{world.edge.port}\r\nConnection: close\r\n\r\n")
        assert status_of(said) == 400
        assert world.asked_of_the_hub == []

    async def test_at_a_sessions_own_host_there_are_the_calls_about_it_and_nothing_else_of_the_hubs(self, world: World) -> None:
        ada = await world.person("ada")
        session = await world.session("ada")
        host = f"{session.id}.localhost:{world.edge.port}"
        call = f"/hub/api/sessions/{session.id}"
        for path in (call, f"{call}/suspend", f"{call}/resume", f"{call}/extend"):
            await world.client(host=host).post(path)
            assert world.asked_of_the_hub.pop().startswith(f"hub POST {path}\n")
        others = ["/hub/", "/hub/api/me", "/hub/api/sessions", f"{call}/", f"{call}/logs", f"{call}/stop", f"{call}/shares"]
        odd = [f"{call}/../../me", f"{call}/%2e%2e/%2e%2e/me", f"{call}/suspend/../logs", f"{call}%2flogs", f"{call}/suspend%0a"]
        for path in (*others, *odd):
            request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: rsparkhub={ada}\r\nConnection: close\r\n\r\n"
            assert status_of(await raw(world.edge, request)) in {400, 404}, path
        assert world.asked_of_the_hub == []

    async def test_an_address_in_full_counts_and_not_the_host_beside_it(self, world: World) -> None:
        said = await raw(world.edge, f"GET http://evil.example/hub/ HTTP/1.1\r\nHost: {world.host}\r\nConnection: close\r\n\r\n")
        assert status_of(said) == 421

    @pytest.mark.parametrize("hosts", ["Host: {own}\r\nHost: evil.example\r\n", "Host: evil.example\r\nHost: {own}\r\n", ""])
    async def test_several_names_and_none_are_refused(self, world: World, hosts: str) -> None:
        said = await raw(world.edge, f"GET /hub/ HTTP/1.1\r\n{hosts.format(own=world.host)}Connection: close\r\n\r\n")
        assert status_of(said) == 400
        assert world.asked_of_the_hub == []

    async def test_a_forged_forwarded_host_changes_nothing(self, world: World) -> None:
        response = await world.client().get("/hub/", headers={"X-Forwarded-Host": "evil.example"})
        assert f"x-forwarded-host: {world.host}" in response.text
        assert "evil.example" not in response.text

    async def test_whoever_probes_the_edge_needs_no_name_of_it(self, world: World) -> None:
        response = await world.client(host="10.1.2.3:8000").get("/healthz")
        assert (response.status_code, response.text) == (200, "ok")

    async def test_a_browser_gets_a_page_that_leads_to_the_right_name(self, world: World) -> None:
        response = await world.client(host="evil.example").get("/hub/", headers={"Accept": "text/html"})
        assert response.status_code == 421
        assert "http://localhost:" in response.text
