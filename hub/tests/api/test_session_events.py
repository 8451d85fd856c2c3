"""Server-sent events, over a real server: how things are, then each change, then a clean end."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from listening import listen
from world import Controller, World

from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.session import State, Wanted
from rsparkhub.store import Store


async def test_a_sessions_stream_tells_its_way_from_the_queue_until_it_is_ready(served: World) -> None:
    session = await served.session_of("bob")
    async with listen(await served.program("bob"), f"/sessions/{session}/events") as stream:
        first = await stream.next()
        assert (first.event, first.data["state"], first.data["queue_position"]) == ("session", "queued", 1)
        await served.controller.start(session)
        assert (await stream.next("progress", part="interface")).data["state"] == "starting"
        assert (await stream.next("session")).data["state"] == "starting"
        await served.controller.observe(session, state=State.RUNNING, ready=served.clock())
        assert [(told.event, told.data["state"]) for told in await stream.rest()] == [("session", "running")]


async def test_a_stream_ends_when_the_session_has_failed(served: World) -> None:
    session = await served.session_of("bob")
    async with listen(await served.program("bob"), f"/sessions/{session}/events") as stream:
        await served.controller.start(session)
        await served.controller.end(session, State.FAILED, code=1, reason="R is missing.")
        last = (await stream.rest())[-1]
        assert (last.event, last.data["state"], last.data["reason"]) == ("session", "failed", "R is missing.")


async def test_the_stream_of_a_session_that_is_ready_says_so_and_ends(served: World) -> None:
    session = await served.session_of("bob")
    await served.controller.run(session)
    async with listen(await served.program("bob"), f"/sessions/{session}/events") as stream:
        assert [told.event for told in await stream.rest()] == ["session"]


async def test_a_session_that_is_watched_is_told_until_it_is_gone(served: World) -> None:
    session = await served.session_of("bob")
    await served.controller.run(session)
    bob = await served.program("bob")
    async with listen(bob, f"/sessions/{session}/events?watch=true") as stream:
        assert (await stream.next("session")).data["state"] == "running"
        await bob.post(f"/hub/api/sessions/{session}/suspend")
        await stream.next("session", wanted="suspended", state="running")
        await served.controller.end(session, State.SUSPENDED)
        await stream.next("session", state="suspended")
        await bob.delete(f"/hub/api/sessions/{session}")
        await stream.next("session", wanted="deleted")
        await served.store.sessions.purge(session)
        assert [told.event for told in await stream.rest()] == ["deleted"]


async def test_a_list_is_told_as_it_is_and_then_each_change_of_ones_own_sessions(served: World) -> None:
    old, foreign = await served.session_of("bob"), await served.session_of("eve")
    bob = await served.program("bob")
    async with listen(bob, "/events") as stream:
        assert (await stream.next()).data["id"] == old
        new = (await bob.post("/hub/api/sessions", json={"environment": "rspark"})).json()["id"]
        await served.controller.run(foreign)
        assert (await stream.next("session", id=new)).data["state"] == "queued"
        await bob.delete(f"/hub/api/sessions/{new}")
        deleted = await stream.next("deleted")
        assert deleted.data == {"id": new}
        await served.controller.run(old)
        seen = [await stream.next("session")]
        while seen[-1].data["state"] != "running":
            seen.append(await stream.next("session"))
        assert {told.data["id"] for told in seen} == {old}


async def test_an_administrator_hears_of_everybody(served: World) -> None:
    session = await served.session_of("bob")
    async with listen(await served.program("ada"), "/events?all=true") as stream:
        assert (await stream.next("session")).data["owner"] == "bob"
        await served.controller.run(session)
        await stream.next("session", id=session, state="running")
        eves = await served.session_of("eve")
        await stream.next("session", id=eves)


async def test_all_behind_hear_it_when_somebody_leaves_the_queue(served: World) -> None:
    first = await served.session_of("bob")
    served.clock.advance(seconds=1)
    second = await served.session_of("eve")
    async with listen(await served.program("eve"), f"/sessions/{second}/events") as stream:
        assert (await stream.next("session")).data["queue_position"] == 2
        await served.controller.run(first)
        assert (await stream.next("queue")).data == {"session": second, "position": 1}
        assert (await stream.next("session")).data["queue_position"] == 1


async def test_what_is_measured_rings_no_bell_and_is_told_all_the_same(served: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await served.session_of("bob")
    await served.controller.run(session)
    monkeypatch.setattr(served.app.state.context.broadcaster, "_measure", 0.1)
    async with listen(await served.program("bob"), "/events") as stream:
        assert (await stream.next("session")).data["memory"] is None
        await served.controller.observe(session, memory=2**30, cpu=0.5)
        await stream.next("session", memory=2**30, cpu=0.5)


@pytest.mark.long
async def test_who_waits_hears_of_moving_up_also_when_no_bell_told_of_it(
    served: World, open_another: Callable[[], Awaitable[Store]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await served.session_of("bob")
    served.clock.advance(seconds=1)
    second = await served.session_of("eve")
    async with listen(await served.program("eve"), f"/sessions/{second}/events") as stream:
        assert (await stream.next("session")).data["queue_position"] == 2
        other = await open_another()
        monkeypatch.setattr(other.notifier, "notify", silence)
        await Controller(other, served.clock).run(first)
        assert (await stream.next("queue")).data == {"session": second, "position": 1}


async def test_a_stream_goes_on_after_the_database_was_away(served: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await served.session_of("bob")
    async with listen(await served.program("bob"), f"/sessions/{session}/events") as stream:
        await stream.next("session")
        away = asyncio.Event()

        async def nothing(*_: object, **__: object) -> None:
            away.set()
            raise Unavailable("RSparkHub's database does not answer.")

        with monkeypatch.context() as patch:
            patch.setattr(served.store.sessions, "get", nothing)
            await served.store.sessions.set_wanted(session, Wanted.STOPPED, by="bob", now=served.clock())
            await asyncio.wait_for(away.wait(), 10)
        await stream.next("session", wanted="stopped")


async def test_what_was_missed_while_away_is_told_on_coming_back(served: World) -> None:
    session = await served.session_of("bob")
    bob = await served.program("bob")
    async with listen(bob, f"/sessions/{session}/events") as stream:
        last = (await stream.next("session")).id
    await served.controller.start(session)
    async with listen(bob, f"/sessions/{session}/events", after=last) as stream:
        assert (await stream.next()).data == {
            "session": session, "part": "interface", "title": "Terminal", "state": "starting", "reason": None,
        }  # fmt: skip
        assert (await stream.next()).data["state"] == "starting"


async def test_what_was_deleted_while_away_is_told_on_coming_back(served: World) -> None:
    kept, lost = await served.session_of("bob"), await served.session_of("bob")
    foreign = await served.session_of("eve")
    bob, eve = await served.program("bob"), await served.program("eve")
    async with listen(bob, "/events") as stream:
        last = (await stream.next("session", id=lost)).id
    await bob.delete(f"/hub/api/sessions/{lost}")
    await eve.delete(f"/hub/api/sessions/{foreign}")
    async with listen(bob, "/events", after=last) as stream:
        told = [await stream.next(), await stream.next()]
        assert [(each.event, each.data["id"]) for each in told] == [("deleted", lost), ("session", kept)]


async def test_a_stream_of_somebody_elses_session_is_not_found(served: World) -> None:
    session = await served.session_of("bob")
    answer = await (await served.program("eve")).get(f"/hub/api/sessions/{session}/events")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_a_stream_ends_soon_after_the_right_to_hear_it_was_taken_away(served: World) -> None:
    session = await served.session_of("bob")
    bob = await served.program("bob")
    async with listen(bob, "/events") as stream:
        await stream.next("session")
        token = (await bob.get("/hub/api/tokens")).json()["tokens"][0]["id"]
        assert (await bob.delete(f"/hub/api/tokens/{token}")).status_code == 204
        heard = asyncio.create_task(stream.rest())
        async with asyncio.timeout(10):
            while not heard.done():
                await served.controller.observe(session, reason=f"news of {served.clock.advance(seconds=1)}")
                await asyncio.sleep(0.1)


@pytest.mark.long
async def test_many_listeners_cost_one_reading_of_each_change(served: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await served.session_of("bob")
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(listen(await served.program("bob"), "/events")) for _ in range(20)]
        for stream in streams:
            await stream.next("session")
        reads = count_calls(monkeypatch, served.store)
        await served.controller.observe(session, reason="news")
        for stream in streams:
            await stream.next("session", reason="news")
        assert reads["get"] <= 2  # of the notification, and of the event
        assert reads["list"] == 0


@pytest.mark.long
async def test_nobody_listening_nothing_is_read(served: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await served.session_of("bob")
    async with listen(await served.program("bob"), f"/sessions/{session}/events") as stream:
        await stream.next("session")
    async with asyncio.timeout(10):
        while served.app.state.context.broadcaster._subscriptions:
            await asyncio.sleep(0.01)
    reads = count_calls(monkeypatch, served.store)
    await asyncio.sleep(1.5)
    assert sum(reads.values()) == 0


async def silence(*_: object, **__: object) -> None: ...


def count_calls(monkeypatch: pytest.MonkeyPatch, store: Store) -> Counter[str]:
    counts: Counter[str] = Counter()

    def count(name: str, call: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def counted(*args: object, **kwargs: object) -> object:
            counts[name] += 1
            return await call(*args, **kwargs)

        return counted

    for owner, name in ((store.sessions, "get"), (store.sessions, "list"), (store.events, "since")):
        monkeypatch.setattr(owner, name, count(name, getattr(owner, name)))
    return counts


async def test_what_another_hub_did_and_no_bell_told_is_heard_all_the_same(
    served: World, open_another: Callable[[], Awaitable[Store]], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await served.session_of("bob")
    async with listen(await served.program("bob"), f"/sessions/{session}/events") as stream:
        await stream.next("session")
        other = await open_another()
        monkeypatch.setattr(other.notifier, "notify", silence)
        await other.sessions.set_wanted(session, Wanted.SUSPENDED, by="bob", now=served.clock())
        await stream.next("session", wanted="suspended")


@pytest.mark.parametrize("last", ["-1", "x", "9" * 19])
async def test_a_number_that_no_event_has_is_refused(world: World, last: str) -> None:
    answer = await (await world.program("bob")).get("/hub/api/events", headers={"Last-Event-ID": last})
    assert answer.status_code == 422


async def test_a_silent_stream_ends_with_the_right_to_hear_it(served: World) -> None:
    session = await served.session_of("bob")
    for path in ("/hub/api/events", f"/hub/api/sessions/{session}/events"):
        bob = await served.browser("bob")
        async with bob.stream("GET", path) as response:
            lines = response.aiter_lines()
            await anext(lines)
            (browser,) = await served.store.credentials.logins("bob", now=served.clock())
            await served.store.credentials.end_login(browser.id, user_name="bob")
            async with asyncio.timeout(5):
                async for _ in lines:
                    pass
