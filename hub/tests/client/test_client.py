"""The client against a served hub: what it asks, what it gives back, and how it takes what goes wrong."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from world import URL, World

from rsparkhub.client import AsyncHub
from rsparkhub.client.waiting import News
from rsparkhub.domain import errors
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.session import State, Wanted
from rsparkhub.wire.session import SessionView
from rsparkhub.wire.stream import Progress

GOOD = "correct horse battery"


@asynccontextmanager
async def client(world: World, name: str, transport: httpx.AsyncBaseTransport | None = None) -> AsyncIterator[AsyncHub]:
    _, token = await world.authenticator.make_token(name, name="test", now=world.clock())
    async with AsyncHub(URL, token=token, transport=transport or world.transport) as hub:
        yield hub


async def test_a_session_is_started_shown_listed_and_sent_where_it_is_wanted(served: World) -> None:
    async with client(served, "bob") as hub:
        session = await hub.sessions.start("rspark", name="Homework")
        assert (session.name, session.state, session.options) == ("Homework", State.QUEUED, {})
        assert await hub.sessions.show(session.id) == session
        assert await hub.sessions.list() == [session.model_copy(update={"may": None})]  # it is said of one alone
        assert await hub.sessions.list(states=(State.RUNNING,)) == []
        assert (await hub.sessions.suspend(session.id)).wanted is Wanted.SUSPENDED
        assert (await hub.sessions.stop(session.id)).wanted is Wanted.STOPPED
        assert (await hub.sessions.resume(session.id)).wanted is Wanted.RUNNING
        assert (await hub.sessions.delete(session.id)).wanted is Wanted.DELETED
        assert await hub.sessions.list() == []


async def test_the_sleep_of_a_session_is_put_off_and_it_is_renamed(served: World) -> None:
    session = await served.session_of("bob")
    await served.controller.run(session)
    async with client(served, "bob") as hub:
        sleeps = (await hub.sessions.extend(session)).sleeps
        assert sleeps is not None
        assert sleeps.at == served.clock() + timedelta(hours=4)
        with pytest.raises(errors.InvalidInput):
            await hub.sessions.extend(session, by=timedelta(seconds=5))
        assert (await hub.sessions.rename(session, "Thesis")).name == "Thesis"


async def test_a_long_list_is_read_to_its_end(served: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for _ in range(5):
        served.clock.advance(seconds=1)
        made.append(await served.session_of("bob"))
    asked = []
    monkeypatch.setattr("rsparkhub.client.sessions._PAGE", 2)
    original = served.store.sessions.list

    async def counted(**how: object) -> object:
        asked.append(how)
        return await original(**how)  # type: ignore[arg-type]

    monkeypatch.setattr(served.store.sessions, "list", counted)
    async with client(served, "ada") as hub:
        assert [session.id for session in await hub.sessions.list(owner="bob")] == made[::-1]
    assert len(asked) == 3


async def test_what_the_hub_refuses_is_the_error_that_it_was(served: World) -> None:
    foreign = await served.session_of("eve")
    async with client(served, "bob") as hub, AsyncHub(URL, token="rst_wrong", transport=served.transport) as stranger:
        with pytest.raises(errors.NotFound, match="no such session"):
            await hub.sessions.show(foreign)
        with pytest.raises(errors.NotAllowed, match="administrators"):
            await hub.users.list()
        with pytest.raises(errors.InvalidInput, match=r"body\.name"):
            await hub.sessions.start("rspark", name="x" * 81)
        with pytest.raises(errors.NotSignedIn):
            await stranger.me()
        for _ in range(served.settings.most_sessions_per_person):
            await hub.sessions.start("rspark")
        with pytest.raises(errors.Conflict, match="Delete one"):
            await hub.sessions.start("rspark")


async def test_a_person_signs_in_and_out(served: World) -> None:
    await served.authenticator.set_password("bob", GOOD)
    async with AsyncHub(URL, transport=served.transport) as hub:
        with pytest.raises(errors.NotSignedIn, match="not signed in"):
            await hub.me()
        assert (await hub.login("bob", GOOD)).user.name == "bob"
        assert (await hub.me()).name == "bob"
        await hub.logout()
        with pytest.raises(errors.NotSignedIn):
            await hub.me()
        for _ in range(served.settings.login_attempts):
            with pytest.raises(errors.NotSignedIn):
                await hub.login("eve", "wrong")
        with pytest.raises(errors.TooManyAttempts) as caught:
            await hub.login("eve", "wrong")
        assert caught.value.retry_after == 1


async def test_people_groups_tokens_and_records_are_kept_by_an_administrator(served: World) -> None:
    async with client(served, "ada") as hub:
        assert (await hub.users.add("carl", password=GOOD)).has_password
        assert (await hub.users.get("carl")).name == "carl"
        await hub.users.set_password("carl", "another one")
        assert "token=rsk_" in (await hub.users.link("carl")).url
        assert (await hub.groups.add("lab", ["carl"])).members == ["carl"]
        assert (await hub.groups.set_members("lab", ["bob", "carl"])).members == ["bob", "carl"]
        assert [group.name for group in await hub.groups.list()] == ["lab"]
        await hub.groups.remove("lab")
        await hub.users.remove("carl")
        assert [user.name for user in await hub.users.list()] == ["ada", "bob", "eve"]
        token = await hub.tokens.create("laptop", days=3, scopes=[Scope.SESSIONS])
        assert token.scopes == [Scope.SESSIONS]
        assert token.token.startswith("rst_")
        assert {each.name for each in await hub.tokens.list()} == {"test", "laptop"}
        await hub.tokens.remove(token.id)
        assert [environment.name for environment in await hub.environments.list()] == ["rspark", "lab"]
        assert (await hub.environments.get("lab")).title == "The lab"
        session = await served.session_of("bob")
        await served.controller.run(session)
        served.clock.advance(minutes=1)
        assert (await hub.records.usage(everybody=True)).people[0].seconds == 60
        kinds = [event.kind async for event in hub.records.audit(session=session, after=0)]
        assert kinds == ["created", "state", "part", "state", "part"]


async def test_waiting_tells_the_way_and_gives_the_session_when_it_is_ready(served: World) -> None:
    heard: list[News] = []
    async with client(served, "bob") as hub:
        session = await hub.sessions.start("rspark")
        waiting = asyncio.create_task(hub.sessions.wait(session.id, progress=heard.append, timeout=20))
        await until(lambda: heard)
        await served.controller.start(session.id)
        await until(lambda: any(isinstance(news, Progress) for news in heard))
        await served.controller.observe(session.id, state=State.RUNNING, ready=served.clock())
        assert (await waiting).state is State.RUNNING
    states = [news.state for news in heard if isinstance(news, SessionView)]
    assert states == [State.QUEUED, State.STARTING, State.RUNNING]


async def test_waiting_is_over_at_once_for_a_session_that_is_where_it_is_wanted(served: World) -> None:
    session = await served.session_of("bob")
    await served.controller.run(session)
    async with client(served, "bob") as hub:
        assert (await hub.sessions.wait(session, timeout=20)).state is State.RUNNING
        await hub.sessions.suspend(session)
        await served.controller.end(session, State.SUSPENDED)
        assert (await hub.sessions.wait(session, timeout=20)).state is State.SUSPENDED


async def test_waiting_for_a_session_that_fails_says_why(served: World) -> None:
    async with client(served, "bob") as hub:
        session = await hub.sessions.start("rspark")
        waiting = asyncio.create_task(hub.sessions.wait(session.id, timeout=20))
        await served.controller.start(session.id)
        await served.controller.end(session.id, State.FAILED, code=1, reason="R is missing.")
        with pytest.raises(errors.SessionFailed, match=r"has failed\. R is missing\."):
            await waiting


async def test_waiting_has_an_end(served: World) -> None:
    async with client(served, "bob") as hub:
        session = await hub.sessions.start("rspark")
        with pytest.raises(errors.TookTooLong, match=r"longer than 2 seconds\. It waits in the queue\."):
            await hub.sessions.wait(session.id, timeout=2.0)


async def test_waiting_for_a_state_goes_past_others(served: World) -> None:
    session = await served.session_of("bob")
    await served.controller.run(session)
    async with client(served, "bob") as hub:
        waiting = asyncio.create_task(hub.sessions.wait(session, until=State.STOPPED, timeout=20))
        await until(lambda: served.app.state.context.broadcaster._subscriptions)
        await served.controller.end(session, State.SUSPENDED)
        await served.controller.end(session, State.STOPPED)
        assert (await waiting).state is State.STOPPED


async def test_waiting_until_a_deleted_session_is_gone(served: World) -> None:
    session = await served.session_of("bob")
    async with client(served, "bob") as hub:
        await hub.sessions.delete(session)
        waiting = asyncio.create_task(hub.sessions.wait_until_gone(session, timeout=20))
        await until(lambda: served.app.state.context.broadcaster._subscriptions)
        assert not waiting.done()
        await served.store.sessions.purge(session)
        await waiting
        await hub.sessions.wait_until_gone(session, timeout=20)
        with pytest.raises(errors.NotFound):
            await hub.sessions.wait(session, timeout=20)


class Flaky(httpx.AsyncBaseTransport):
    """A way to the hub on which it restarts: what its edge says meanwhile comes first, then the hub's own answers."""

    def __init__(self, transport: httpx.AsyncBaseTransport, *failures: int | Exception) -> None:
        self._transport = transport
        self.failures = list(failures)
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        failure = self.failures.pop(0) if self.failures else None
        if isinstance(failure, Exception):
            raise failure
        if failure is not None:
            return httpx.Response(failure, request=request)
        return await self._transport.handle_async_request(request)


async def test_a_start_is_asked_again_with_the_same_key_while_the_hub_restarts(served: World) -> None:
    flaky = Flaky(served.transport, 502, httpx.ReadError("reset"), 503)
    async with client(served, "bob", flaky) as hub:
        session = await hub.sessions.start("rspark")
        assert [each.id for each in await hub.sessions.list()] == [session.id]
    keys = {request.headers["Idempotency-Key"] for request in flaky.asked[:4]}
    assert len(keys) == 1


async def test_what_may_not_be_done_twice_is_asked_once(served: World) -> None:
    flaky = Flaky(served.transport, 502)
    async with client(served, "ada", flaky) as hub:
        with pytest.raises(errors.Unavailable, match="status 502"):
            await hub.users.add("carl")
    assert len(flaky.asked) == 1


async def test_waiting_goes_on_after_the_hub_was_away(served: World) -> None:
    flaky = Flaky(served.transport)
    heard: list[News] = []
    async with client(served, "bob", flaky) as hub:
        session = await hub.sessions.start("rspark")
        waiting = asyncio.create_task(hub.sessions.wait(session.id, progress=heard.append, timeout=30))
        await until(lambda: heard)
        flaky.failures = [502, httpx.ConnectError("refused")]
        feed = served.app.state.context.broadcaster
        feed.close()  # what a stopping hub does
        await until(lambda: not flaky.failures)
        feed.closed.clear()
        await served.controller.run(session.id)
        assert (await waiting).state is State.RUNNING
    assert flaky.asked[-1].headers["Last-Event-ID"]


async def test_a_log_is_read_and_followed(served: World) -> None:
    from agent import Agent

    session = await served.session_of("bob")
    async with Agent().serve() as agent, client(served, "bob") as hub:
        await served.controller.run(session, upstream=agent.address)
        await agent.write("one é\n")
        assert "".join([piece async for piece in hub.sessions.logs(session)]) == "one é\n"
        assert "".join([piece async for piece in hub.sessions.logs(session, tail=3)]) == "é\n"
        followed = hub.sessions.logs(session, follow=True)
        assert await anext(followed) == "one é\n"
        await agent.write("two\n")
        assert await anext(followed) == "two\n"
        await agent.end()
        assert [piece async for piece in followed] == []
        assert await hub.sessions.log_services(session) == ["interface", "agent"]


async def test_a_hub_that_is_not_there_is_told_at_once_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    async with AsyncHub(url) as hub:
        with pytest.raises(errors.Unavailable, match=f"no RSparkHub at {url}.*rsparkhub up"):
            await hub.me()


async def test_something_else_that_answers_is_not_taken_for_a_hub(tmp_path: Path) -> None:
    def something_else(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="<h1>It works!</h1>")

    async with AsyncHub("http://other.example", transport=httpx.MockTransport(something_else)) as hub:
        with pytest.raises(errors.Unavailable, match="not an RSparkHub"):
            await hub.me()
        (tmp_path / "lab1.Rmd").write_text("1 + 1\n")
        with pytest.raises(errors.Unavailable, match="not an RSparkHub"):
            await hub.groups.hand_in("stat101", tmp_path / "lab1.Rmd")


@pytest.mark.parametrize("url", ["http://hub.example", "http://hub.example/", "http://hub.example/hub/"])
async def test_the_address_may_be_any_that_people_open(world: World, url: str) -> None:
    _, token = await world.authenticator.make_token("bob", name="test", now=world.clock())
    async with AsyncHub(url, token=token, transport=world.transport) as hub:
        assert (await hub.me()).name == "bob"


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_hub_of_the_version_before_answers_without_assignments() -> None:
    folder = {"group": "stats", "instructor": False, "course_folder": True, "due": None, "data": []}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"courses": [folder]}))
    async with AsyncHub(URL, token="rsh_1", transport=transport) as hub:
        (found,) = await hub.groups.courses()
    assert found.assignments == []
