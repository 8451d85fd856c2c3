"""What does not come and go in one piece: websockets, server-sent events, large bodies, clients that go away."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import websockets
from edge_world import World

from rsparkhub.domain.share import Role
from rsparkhub.store.audit import AuditFilter
from rsparkhub.store.events import By

MIB = 2**20

Take = Callable[[World], Awaitable[None]]


def resident(pid: int) -> int:
    """Memory of a process in bytes, the most it ever had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024


class TestWebsockets:
    async def test_messages_go_both_ways(self, world: World) -> None:
        ada = await world.person("ada")
        session = await world.session("ada")
        headers = {"Cookie": f"rsparkhub={ada}; a=1"}
        url = f"ws://{world.host}/s/{session.id}/api/kernels/x/channels"
        async with websockets.connect(url, additional_headers=headers, origin=f"http://{world.host}") as socket:  # type: ignore[arg-type]
            for message in ("hello", b"\x00\xff" * 1000, "x" * 500_000):
                await socket.send(message)
                assert await socket.recv() == message
        got = {name.lower(): value for name, value in world.upstream.seen[-1]["headers"]}
        assert got["x-rspark-secret"] == f"secret-of-{session.id}"
        assert got["cookie"] == "a=1"

    @pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
    async def test_a_page_of_another_origin_gets_none(self, world: World, origin: str | None) -> None:
        ada = await world.person("ada")
        session = await world.session("ada")
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(
                f"ws://{world.host}/s/{session.id}/ws",
                additional_headers={"Cookie": f"rsparkhub={ada}"},
                origin=origin,  # type: ignore[arg-type]
            )
        assert refused.value.response.status_code == 403
        assert world.upstream.seen == []

    async def test_a_program_with_a_token_needs_no_origin(self, world: World) -> None:
        await world.person("ada")
        session = await world.session("ada")
        headers = {"Authorization": f"token {await world.token('ada')}"}
        async with websockets.connect(f"ws://{world.localhost}/s/{session.id}/ws", additional_headers=headers) as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"

    @pytest.mark.long
    async def test_one_on_which_nobody_says_anything_stays_open(self, world: World) -> None:
        """The edge gives a body twenty seconds without a byte, and an idle connection two minutes; a websocket is neither."""
        await world.person("ada")
        session = await world.session("ada")
        headers = {"Authorization": f"Bearer {await world.token('ada')}"}
        url = f"ws://{world.host}/s/{session.id}/ws"
        async with websockets.connect(url, additional_headers=headers, ping_interval=None) as socket:
            await asyncio.sleep(150)
            await socket.send("still here")
            assert await socket.recv() == "still here"

    async def test_one_that_is_open_outlives_the_hub(self, world: World) -> None:
        await world.person("ada")
        session = await world.session("ada")
        headers = {"Authorization": f"Bearer {await world.token('ada')}"}
        async with websockets.connect(f"ws://{world.host}/s/{session.id}/ws", additional_headers=headers) as socket:
            await world.stack.aclose()
            await socket.send("still here")
            assert await socket.recv() == "still here"


async def password(world: World) -> None:
    await world.authenticator.set_password("ada", "correct horse battery")


async def remove_login(world: World) -> None:
    (browser,) = await world.store.credentials.logins("ada", now=datetime.now(UTC))
    await world.store.credentials.end_login(browser.id, user_name="ada")


async def remove_token(world: World) -> None:
    (token,) = await world.store.credentials.tokens("ada", now=datetime.now(UTC))
    await world.store.credentials.remove_token(token.id, user_name="ada")


async def password_and_tokens(world: World) -> None:
    await world.authenticator.set_password("ada", "correct horse battery", end_tokens=True)


async def disable(world: World) -> None:
    await world.store.users.disable("ada", now=datetime.now(UTC))


async def remove(world: World) -> None:
    await world.store.users.remove("ada", now=datetime.now(UTC))


BY_COOKIE = [password, remove_login, disable, remove]
BY_TOKEN = [remove_token, password_and_tokens, disable, remove]
SOON = 2.0  # seconds


class TestRightsThatAreTakenAway:
    """What is open ends with the right to have it open, soon, and what is others' goes on."""

    @pytest.mark.parametrize("take", BY_COOKIE)
    async def test_a_browser_s_websocket_ends(self, world: World, take: Take) -> None:
        cookie = await world.person("ada")
        await world.person("root", admin=True)
        session = await world.session("ada")
        url, origin = f"ws://{world.host}/s/{session.id}/ws", f"http://{world.host}"
        bob = {"Authorization": f"Bearer {await world.token('root')}"}
        async with (
            websockets.connect(url, additional_headers={"Cookie": f"rsparkhub={cookie}"}, origin=origin) as socket,  # type: ignore[arg-type]
            websockets.connect(url, additional_headers=bob) as other,
        ):
            for each in (socket, other):
                await each.send("hello")
                assert await each.recv() == "hello"
            await take(world)
            await ends(socket)
            await other.send("still here")
            assert await other.recv() == "still here"

    async def test_at_a_session_s_own_host_it_ends_with_the_sign_in_at_the_hub(self, world: World) -> None:
        cookie = await world.person("ada")
        session = await world.session("ada")
        own = f"{session.id}.localhost:{world.edge.port}"
        sent = await world.client(cookie=cookie, host=world.localhost).get(f"/s/{session.id}/", headers={"Accept": "text/html"})
        entered = await world.client(host=own).get(sent.headers["location"].partition(own)[2])
        its = entered.headers["set-cookie"].partition(";")[0]
        connecting = websockets.connect(
            f"ws://{own}/s/{session.id}/ws",
            host="127.0.0.1",
            additional_headers={"Cookie": its},
            origin=f"http://{own}",  # type: ignore[arg-type]
        )
        async with connecting as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
            await world.authenticator.sign_out(cookie)
            await ends(socket)

    @pytest.mark.parametrize("take", BY_TOKEN)
    async def test_a_program_s_websocket_ends(self, world: World, take: Take) -> None:
        await world.person("ada")
        await world.person("root", admin=True)
        session = await world.session("ada")
        headers = {"Authorization": f"token {await world.token('ada')}"}
        async with websockets.connect(f"ws://{world.host}/s/{session.id}/ws", additional_headers=headers) as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
            await take(world)
            await ends(socket)

    @pytest.mark.parametrize("path", ["events", "hang", "%68ang"])
    async def test_a_stream_and_an_answer_that_is_awaited_end(self, world: World, path: str) -> None:
        cookie = await world.person("ada")
        session = await world.session("ada")

        async def read() -> None:
            async with world.client(cookie=cookie).stream("GET", f"/s/{session.id}/{path}") as response:
                async for _ in response.aiter_raw():
                    pass

        reading = asyncio.create_task(read())
        while not world.upstream.seen:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert not reading.done()
        await world.authenticator.sign_out(cookie)
        done, _ = await asyncio.wait({reading}, timeout=SOON)
        assert done, "it goes on"
        reading.exception()

    async def test_a_forged_notification_ends_nothing(self, world: World) -> None:
        await world.person("ada")
        session = await world.session("ada")
        headers = {"Authorization": f"token {await world.token('ada')}"}
        async with websockets.connect(f"ws://{world.host}/s/{session.id}/ws", additional_headers=headers) as socket:
            await socket.send("hello")
            await socket.recv()
            await world.store.notifier.notify("u-ada", about="revoked")
            await asyncio.sleep(0.5)
            await socket.send("still here")
            assert await socket.recv() == "still here"

    async def test_what_was_notified_while_the_hub_was_away_is_asked_about_when_it_is_back(self, world: World) -> None:
        await world.person("ada")
        session = await world.session("ada")
        headers = {"Authorization": f"token {await world.token('ada')}"}
        async with websockets.connect(f"ws://{world.host}/s/{session.id}/ws", additional_headers=headers) as socket:
            await world.stack.aclose()
            await remove_token(world)
            await world.ask()
            await world.client(bearer="rst_x").get(f"/s/{session.id}/")  # by which the edge finds the hub again
            await ends(socket)


async def ended(world: World, session: str, share: str) -> None:
    await world.store.shares.end(session, share, by=By("ada", datetime.now(UTC)))


async def made_a_viewer(world: World, session: str, share: str) -> None:
    await world.store.shares.set(session, group="lab", role=Role.VIEWER, by=By("ada", datetime.now(UTC)))


async def out_of_the_group(world: World, session: str, share: str) -> None:
    await world.store.users.set_members("lab", [])


async def without_the_group(world: World, session: str, share: str) -> None:
    await world.store.users.remove_group("lab", now=datetime.now(UTC))


TakeShare = Callable[[World, str, str], Awaitable[None]]


class TestShares:
    """Whoever is let in by a share is out when it has ended, with what they have open."""

    async def shared(self, world: World, role: Role, *, lasts: timedelta | None = None) -> tuple[str, str, str]:
        """Return a session of ada's that is shared with bob's group, the share, and a token of bob's."""
        await world.person("ada")
        await world.person("bob")
        now = datetime.now(UTC)
        await world.store.users.add_group("lab", members=["bob"], now=now)
        session = await world.session("ada")
        expires = None if lasts is None else now + lasts
        share = await world.store.shares.set(session.id, group="lab", role=role, expires=expires, by=By("ada", now))
        return session.id, share.id, await world.token("bob")

    @pytest.mark.parametrize("take", [ended, made_a_viewer, out_of_the_group, without_the_group])
    async def test_an_editor_s_websocket_ends_with_the_share_and_the_owner_s_goes_on(self, world: World, take: TakeShare) -> None:
        session, share, token = await self.shared(world, Role.EDITOR)
        async with open_beside_the_owner(world, session, token):
            await take(world, session, share)
        assert (await world.client(bearer=token).post(f"/s/{session}/x")).status_code in {403, 404}

    async def test_a_websocket_ends_when_the_share_runs_out(self, world: World) -> None:
        session, _, token = await self.shared(world, Role.EDITOR, lasts=timedelta(seconds=3))
        headers = {"Authorization": f"token {token}"}
        async with websockets.connect(f"ws://{world.host}/s/{session}/ws", additional_headers=headers) as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 3 + SOON)
        client = world.client(bearer=token)
        await comes_to(404, lambda: client.get(f"/s/{session}/x"))

    async def test_a_viewer_reads_and_changes_nothing_and_opens_no_websocket(self, world: World) -> None:
        session, share, token = await self.shared(world, Role.VIEWER)
        client = world.client(bearer=token)
        assert (await client.get(f"/s/{session}/x")).status_code == 200
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            refused = await client.request(method, f"/s/{session}/x")
            assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed")
            assert "only look at this session" in refused.json()["detail"]
        with pytest.raises(websockets.InvalidStatus) as answer:
            await websockets.connect(f"ws://{world.host}/s/{session}/ws", additional_headers={"Authorization": f"token {token}"})
        assert answer.value.response.status_code == 403
        assert [seen["method"] for seen in world.upstream.seen] == ["GET"]
        await ended(world, session, share)
        await comes_to(404, lambda: client.get(f"/s/{session}/x"))

    async def test_at_the_session_s_own_host_too(self, world: World) -> None:
        session, share, _ = await self.shared(world, Role.VIEWER)
        cookie = await world.sign_in("bob")
        own = f"{session}.localhost:{world.edge.port}"
        sent = await world.client(cookie=cookie, host=world.localhost).get(f"/s/{session}/", headers={"Accept": "text/html"})
        entered = await world.client(host=own).get(sent.headers["location"].partition(own)[2])
        its = {"Cookie": entered.headers["set-cookie"].partition(";")[0], "Origin": f"http://{own}"}
        there = world.client(host=own)
        assert (await there.get(f"/s/{session}/x", headers=its)).status_code == 200
        assert (await there.post(f"/s/{session}/x", headers=its)).status_code == 403
        await ended(world, session, share)
        await comes_to(404, lambda: there.get(f"/s/{session}/x", headers=its))


async def no_instructor(world: World) -> None:
    await world.store.courses.set_instructors("stat101", [], by=By("root", datetime.now(UTC)))


async def no_rule(world: World) -> None:
    await world.store.courses.set_rule("stat101", instructors_view=False, by=By("root", datetime.now(UTC)))


async def student_left(world: World) -> None:
    await world.store.users.set_members("stat101", ["tess"])


async def student_teaches(world: World) -> None:
    await world.store.courses.set_instructors("stat101", ["tess", "ada"], by=By("root", datetime.now(UTC)))


async def no_group(world: World) -> None:
    await world.store.users.remove_group("stat101", now=datetime.now(UTC))


TAKE_COURSE = [no_instructor, no_rule, student_left, student_teaches, no_group]


class TestInstructors:
    """By a group's rule its instructors look into the sessions of its people, read-only, and of nobody else."""

    async def taught(self, world: World) -> tuple[str, str]:
        """Return a session of ada's, who is taught in stat101, and a token of tess', who teaches it; tom teaches elsewhere."""
        for name in ("ada", "tess", "tom"):
            await world.person(name)
        now = datetime.now(UTC)
        for group, members, teacher in (("stat101", ["ada"], "tess"), ("math202", [], "tom")):
            await world.store.users.add_group(group, members=members, now=now)
            await world.store.courses.set_instructors(group, [teacher], by=By("root", now))
            await world.store.courses.set_rule(group, instructors_view=True, by=By("root", now))
        session = await world.session("ada")
        return session.id, await world.token("tess")

    @pytest.mark.parametrize("take", TAKE_COURSE)
    async def test_they_read_and_change_nothing_and_it_ends_with_the_role_and_the_rule(self, world: World, take: Take) -> None:
        session, token = await self.taught(world)
        client = world.client(bearer=token)
        assert (await client.get(f"/s/{session}/x")).status_code == 200
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert (await client.request(method, f"/s/{session}/x")).status_code == 403
        with pytest.raises(websockets.InvalidStatus) as answer:
            await websockets.connect(f"ws://{world.host}/s/{session}/ws", additional_headers={"Authorization": f"token {token}"})
        assert answer.value.response.status_code == 403
        assert (await world.client(bearer=await world.token("tom")).get(f"/s/{session}/x")).status_code == 404
        assert [seen["method"] for seen in world.upstream.seen] == ["GET"]
        await take(world)
        await comes_to(404, lambda: client.get(f"/s/{session}/x"))

    async def test_without_the_rule_they_are_let_in_by_the_student_alone(self, world: World) -> None:
        session, token = await self.taught(world)
        await no_rule(world)
        client = world.client(bearer=token)
        await comes_to(404, lambda: client.get(f"/s/{session}/x"))
        share = await world.store.shares.set(session, person="tess", role=Role.VIEWER, by=By("ada", datetime.now(UTC)))
        await comes_to(200, lambda: client.get(f"/s/{session}/x"))
        await world.store.shares.end(session, share.id, by=By("ada", datetime.now(UTC)))
        await comes_to(404, lambda: client.get(f"/s/{session}/x"))

    async def test_the_rule_opens_nothing_that_a_viewer_can_t_be_given(self, world: World) -> None:
        """As a terminal: what is only read from it may be more than looking."""
        session, token = await self.taught(world)
        world.not_viewable.add(session)
        assert (await world.client(bearer=token).get(f"/s/{session}/x")).status_code == 404
        assert (await world.client(bearer=await world.token("ada")).get(f"/s/{session}/x")).status_code == 200

    @pytest.mark.parametrize("take", TAKE_COURSE)
    async def test_what_they_have_open_ends_too_and_the_student_s_goes_on(self, world: World, take: Take) -> None:
        """Of an app, which is made for visitors: else who only looks has no websocket."""
        session, token = await self.taught(world)
        world.for_visitors.add(session)
        async with open_beside_the_owner(world, session, token):
            await take(world)

    @pytest.mark.parametrize("by_rule", [True, False])
    async def test_each_visit_is_in_the_audit_and_the_student_is_told(self, world: World, by_rule: bool) -> None:
        session, token = await self.taught(world)
        if not by_rule:
            await no_rule(world)
            await world.store.shares.set(session, person="tess", role=Role.VIEWER, by=By("ada", datetime.now(UTC)))
        client = world.client(bearer=token)
        for _ in range(3):
            await comes_to(200, lambda: client.get(f"/s/{session}/x"))
        [visit] = (await world.store.sessions.get(session)).visits
        assert (visit.person, visit.to, visit.group) == ("tess", "interface", "stat101")
        [event] = await world.store.audit.newest(AuditFilter(kinds={"visit"}), limit=9)
        assert (event.by, event.owner, event.session, event.data) == (
            "tess", "ada", session, {"to": "interface", "group": "stat101"},
        )  # fmt: skip


async def comes_to(status: int, ask: Callable[[], Awaitable[httpx.Response]], *, within: float = SOON) -> None:
    """Ask until the answer has a status, which it must have soon."""
    async with asyncio.timeout(within):
        while (await ask()).status_code != status:
            await asyncio.sleep(0.05)


async def ends(socket: websockets.ClientConnection) -> None:
    with pytest.raises(websockets.ConnectionClosed):
        await asyncio.wait_for(socket.recv(), SOON)


@asynccontextmanager
async def open_beside_the_owner(world: World, session: str, token: str) -> AsyncIterator[None]:
    """Open a websocket as somebody and one as ada, whose session it is; after what is done meanwhile, hers alone goes on."""
    url = f"ws://{world.host}/s/{session}/ws"
    owner = {"Authorization": f"token {await world.token('ada')}"}
    async with (
        websockets.connect(url, additional_headers={"Authorization": f"token {token}"}) as socket,
        websockets.connect(url, additional_headers=owner) as other,
    ):
        for each in (socket, other):
            await each.send("hello")
            assert await each.recv() == "hello"
        yield
        await ends(socket)
        await other.send("still here")
        assert await other.recv() == "still here"


class TestManyOfOnePerson:
    """What one person has open at a time has an end, whatever it is and whatever lets them in; others have theirs."""

    MOST = 400

    @pytest.mark.long
    @pytest.mark.parametrize("way", ["a token", "two tokens", "two sessions"])
    async def test_who_has_too_many_websockets_is_told_so_and_others_are_served(self, world: World, way: str) -> None:
        await world.person("ada")
        await world.person("bob")
        sessions = [await world.session("ada") for _ in range(2 if way == "two sessions" else 1)]
        tokens = [await world.token("ada") for _ in range(2 if way == "two tokens" else 1)]
        urls = [f"ws://{world.host}/s/{session.id}/ws" for session in sessions]
        headers = [{"Authorization": f"token {token}"} for token in tokens]
        async with AsyncExitStack() as stack:

            async def opened(number: int) -> int:
                connecting = websockets.connect(
                    urls[number % len(urls)],
                    additional_headers=headers[number % len(headers)],
                    open_timeout=120,
                    ping_interval=None,
                )
                try:
                    await stack.enter_async_context(connecting)
                except websockets.InvalidStatus as refused:
                    return refused.response.status_code
                return 101

            statuses = [
                status for begin in range(0, 500, 50) for status in await asyncio.gather(*map(opened, range(begin, begin + 50)))
            ]
            assert (statuses.count(101), statuses.count(429)) == (self.MOST, 100)
            refused = await world.client(bearer=tokens[0]).get(f"/s/{sessions[0].id}/x")
            assert (refused.status_code, refused.json()["code"]) == (429, "too-many-requests")
            assert "Close pages" in refused.json()["detail"]
            assert int(refused.headers["retry-after"]) > 0
            page = await world.client(bearer=tokens[0]).get(f"/s/{sessions[0].id}/x", headers={"Accept": "text/html"})
            assert page.status_code == 429
            assert "<h1>You have too many connections open" in page.text
            others = await world.session("bob")
            for _ in range(3):
                assert (await world.client(bearer=await world.token("bob")).get(f"/s/{others.id}/x")).status_code == 200
            assert (await world.client(bearer=tokens[0]).get("/hub/page")).status_code == 200
        await comes_to(200, lambda: world.client(bearer=tokens[0]).get(f"/s/{sessions[0].id}/x"), within=60)


class TestEvents:
    async def test_each_event_arrives_when_it_is_sent(self, world: World) -> None:
        ada = await world.person("ada")
        session = await world.session("ada")
        async with world.client(cookie=ada).stream("GET", f"/s/{session.id}/events") as response:
            lines = response.aiter_lines()
            for number in range(3):
                assert await asyncio.wait_for(_data(lines), 5) == f"data: {number}"
                world.upstream.go_on.set()  # the next is sent only now, so this one was not held back for it

    @pytest.mark.parametrize("path", ["hang", "%68ang"])  # repeated, perhaps, and always asked about
    async def test_a_client_that_goes_away_is_noticed(self, world: World, path: str) -> None:
        ada = await world.person("ada")
        session = await world.session("ada")
        async with world.client(cookie=ada).stream("GET", f"/s/{session.id}/{path}") as response:
            assert await _data(response.aiter_lines()) == "data: here"
            assert not world.upstream.left.is_set()
        await asyncio.wait_for(world.upstream.left.wait(), 5)


async def _data(lines: AsyncIterator[str]) -> str:
    async for line in lines:
        if line:
            return line
    raise AssertionError("the stream ended")


class TestLargeBodies:
    @pytest.mark.parametrize("size", [256 * MIB, pytest.param(2048 * MIB, marks=pytest.mark.long)])
    async def test_an_upload_goes_through_as_it_comes(self, world: World, size: int) -> None:
        ada = await world.person("ada")
        session = await world.session("ada")
        piece, sent = bytes(range(256)) * 4096, hashlib.sha256()

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(size // len(piece)):
                sent.update(piece)
                yield piece

        before = resident(world.edge.pid)
        headers = {"Content-Length": str(size), "Origin": f"http://{world.host}"}
        response = await world.client(cookie=ada).put(f"/s/{session.id}/upload", content=pieces(), headers=headers, timeout=280)
        assert response.json() == {"bytes": size, "sha256": sent.hexdigest()}
        assert resident(world.edge.pid) - before < 64 * MIB

    async def test_an_upload_of_unknown_length_too(self, world: World) -> None:
        ada = await world.person("ada")
        session = await world.session("ada")

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(64):
                yield bytes(MIB)

        response = await world.client(bearer=await world.token("ada")).post(f"/s/{session.id}/upload", content=pieces())
        assert response.json()["bytes"] == 64 * MIB
        assert ada not in json.dumps(world.upstream.seen)

    async def test_the_session_sees_the_beginning_before_the_end_is_sent(self, world: World) -> None:
        await world.person("ada")
        session = await world.session("ada")
        begun = asyncio.Event()

        async def pieces() -> AsyncIterator[bytes]:
            yield bytes(MIB)
            async with asyncio.timeout(5):
                while not world.upstream.seen:
                    await asyncio.sleep(0.01)
            begun.set()
            yield bytes(MIB)

        client = world.client(bearer=await world.token("ada"))
        response = await client.post(f"/s/{session.id}/upload", content=pieces())
        assert begun.is_set()
        assert response.json()["bytes"] == 2 * MIB

    async def test_a_client_that_asks_first_is_told_to_go_on(self, world: World) -> None:
        """As curl does before it sends much: `Expect: 100-continue`."""
        await world.person("ada")
        session = await world.session("ada")
        reader, writer = await asyncio.open_connection("127.0.0.1", world.edge.port)
        writer.write(
            f"PUT /s/{session.id}/upload HTTP/1.1\r\nHost: {world.host}\r\nAuthorization: Bearer {await world.token('ada')}\r\n"
            "Content-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n".encode()
        )
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 100")
        writer.write(b"hello")
        assert b'"bytes": 5' in await asyncio.wait_for(reader.read(), 5)
        writer.close()

    async def test_an_upload_that_may_not_be_is_refused_at_its_beginning(self, world: World) -> None:
        await world.person("ada")
        session = await world.session("ada")
        reader, writer = await asyncio.open_connection("127.0.0.1", world.edge.port)
        writer.write(f"PUT /s/{session.id}/upload HTTP/1.1\r\nHost: {world.host}\r\nContent-Length: {2**31}\r\n\r\n".encode())
        writer.write(bytes(MIB))
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 401")
        writer.close()

    @pytest.mark.parametrize("size", [256 * MIB, pytest.param(2048 * MIB, marks=pytest.mark.long)])
    async def test_a_download_goes_through_as_it_comes(self, world: World, size: int) -> None:
        ada = await world.person("ada")
        session = await world.session("ada")
        before, got = resident(world.edge.pid), 0
        async with world.client(cookie=ada).stream("GET", f"/s/{session.id}/download?{size}", timeout=280) as response:
            async for piece in response.aiter_raw():
                got += len(piece)
        assert got == size
        assert resident(world.edge.pid) - before < 64 * MIB


async def test_a_request_that_was_begun_ends_well_when_a_right_is_taken_away(world: World) -> None:
    """What is taken away is the right to ask anew; what was let in is let out."""
    ada = await world.person("ada")
    session = await world.session("ada")
    async with world.client(cookie=ada).stream("GET", f"/s/{session.id}/events") as response:
        lines = response.aiter_lines()
        assert await _data(lines) == "data: 0"
        await world.authenticator.sign_out(ada)
        world.upstream.go_on.set()
        assert await _data(lines) == "data: 1"
