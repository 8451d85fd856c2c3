"""Logs: of a running session from its agent, of one that has ended what was kept."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from agent import Agent
from world import World

from rspark_contract.status import ComponentState
from rsparkhub.domain.session import Component, State


def path(session: str) -> str:
    return f"/hub/api/sessions/{session}/logs"


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    async with Agent().serve() as agent:
        yield agent


async def read_until(pieces: AsyncIterator[bytes], end: str) -> str:
    """What comes until it ends in `end`."""
    text = ""
    async with asyncio.timeout(10):
        while not text.endswith(end):
            text += (await anext(pieces)).decode()
    return text


async def test_the_log_of_a_running_session_comes_from_its_agent(world: World, agent: Agent) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session, upstream=agent.address)
    await agent.write("one\ntwo\nthree é\n")
    bob = await world.program("bob")
    answer = await bob.get(path(session), params={"service": "interface"})
    assert (answer.status_code, answer.text) == (200, "one\ntwo\nthree é\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert (await bob.get(path(session), params={"service": "interface", "tail": 9})).text == "three é\n"


async def test_a_log_is_followed_while_it_is_written_until_the_session_ends(served: World, agent: Agent) -> None:
    session = await served.session_of("bob")
    await served.controller.run(session, upstream=agent.address)
    await agent.write("one\n")
    bob = await served.program("bob")
    async with bob.stream("GET", path(session), params={"service": "interface", "follow": True}) as answer:
        pieces = answer.aiter_raw()
        assert await read_until(pieces, "one\n") == "one\n"
        await agent.write("two\n")
        assert await read_until(pieces, "two\n") == "two\n"
        await agent.end()
        assert [piece async for piece in pieces] == []


async def test_a_log_is_followed_from_the_first_line_though_the_session_is_still_in_the_queue(
    served: World, agent: Agent
) -> None:
    session = await served.session_of("bob")
    await agent.write("the first line\n")
    bob = await served.program("bob")
    async with bob.stream("GET", path(session), params={"service": "interface", "follow": True}) as answer:
        assert answer.status_code == 200
        await served.controller.start(session, upstream=agent.address)
        assert await read_until(answer.aiter_raw(), "\n") == "the first line\n"


async def test_following_ends_when_the_session_never_gets_an_agent(served: World) -> None:
    session = await served.session_of("bob")
    bob = await served.program("bob")
    params = {"service": "agent", "follow": True}
    async with bob.stream("GET", path(session), params=params) as answer:
        await served.store.logs.keep(session, 1, {"agent": "R is missing\n"})
        await served.controller.end(session, State.FAILED, code=1)
        async with asyncio.timeout(10):
            assert await answer.aread() == b"R is missing\n"


async def test_who_stops_reading_is_no_longer_served(served: World, agent: Agent) -> None:
    session = await served.session_of("bob")
    await served.controller.run(session, upstream=agent.address)
    await agent.write("one\n")
    bob = await served.program("bob")
    async with bob.stream("GET", path(session), params={"service": "interface", "follow": True}) as answer:
        await read_until(answer.aiter_raw(), "one\n")
        assert agent.followers == 1
    async with asyncio.timeout(10):
        while agent.followers:
            await asyncio.sleep(0.01)


async def test_the_log_of_a_session_that_has_ended_is_what_was_kept(world: World) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session)
    await world.store.logs.keep(session, 1, {"interface": "goodbye\n", "agent": "saved\n"})
    await world.controller.end(session, State.SUSPENDED)
    bob = await world.program("bob")
    assert (await bob.get(path(session), params={"service": "interface"})).text == "goodbye\n"
    assert (await bob.get(path(session), params={"service": "interface", "tail": 3})).text == "ye\n"
    assert (await bob.get(path(session), params={"service": "agent", "follow": True})).text == "saved\n"
    assert (await bob.get(path(session))).json() == {"services": ["interface", "agent"]}


async def test_the_log_of_a_shared_service_is_for_administrators(world: World, agent: Agent) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session)
    await world.store.sessions.create(
        "postgres", kind="service", owner=None, environment="", name="PostgreSQL", now=world.clock()
    )
    await world.controller.run("postgres", upstream=agent.address)
    agent.component = "postgres"
    await agent.write("LOG:  database system is ready\n")
    params = {"service": "postgres"}
    answer = await (await world.program("ada")).get(path(session), params=params)
    assert (answer.status_code, answer.text) == (200, "LOG:  database system is ready\n")
    refused = await (await world.program("bob")).get(path(session), params=params)
    assert refused.status_code == 404
    assert refused.json()["detail"] == "PostgreSQL is shared, and its log is for administrators."


async def test_a_part_without_a_log_is_told_from_one_that_is_silent(world: World) -> None:
    session = await world.session_of("bob")
    bob = await world.program("bob")
    assert (await bob.get(path(session))).json() == {"services": []}
    assert (await bob.get(path(session), params={"service": "interface"})).status_code == 404
    await world.controller.run(session)
    await world.controller.end(session, State.FAILED)
    assert (await bob.get(path(session))).json() == {"services": ["interface", "agent"]}
    silent = await bob.get(path(session), params={"service": "interface"})
    assert (silent.status_code, silent.text) == (200, "")
    missing = await bob.get(path(session), params={"service": "hive"})
    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")


async def test_a_part_that_the_agent_does_not_have_is_not_found(world: World, agent: Agent) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session, upstream=agent.address)
    answer = await (await world.program("bob")).get(path(session), params={"service": "hive"})
    assert answer.status_code == 404


async def test_an_agent_that_does_not_answer_is_told_in_a_sentence(world: World) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session, upstream="127.0.0.1:1")
    bob = await world.program("bob")
    answer = await bob.get(path(session), params={"service": "interface"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    await world.store.logs.keep(session, 1, {"interface": "kept\n"})
    assert (await bob.get(path(session), params={"service": "interface"})).text == "kept\n"


@pytest.mark.parametrize("service", ["../agent", "a b", "", "x" * 65, "\0"])
async def test_a_name_that_no_part_has_is_refused(world: World, service: str) -> None:
    session = await world.session_of("bob")
    answer: httpx.Response = await (await world.program("bob")).get(path(session), params={"service": service})
    assert answer.status_code == 422


async def test_only_administrators_are_told_of_the_logs_of_shared_services(world: World, agent: Agent) -> None:
    session = await world.session_of("bob")
    await world.controller.run(session, upstream=agent.address)
    before = await world.store.sessions.get(session)
    shared = Component(name="postgres", title="PostgreSQL", state=ComponentState.READY)
    await world.controller.observe(session, components=(*before.components, shared))
    bob, ada = await world.program("bob"), await world.program("ada")
    assert (await ada.get(path(session))).json()["services"] == ["interface", "postgres", "agent"]
    told = (await bob.get(path(session))).json()["services"]
    assert told == ["interface", "agent"]
    assert (await bob.get(path(session), params={"service": "interface"})).status_code == 200
    assert (await bob.get(path(session), params={"service": "postgres"})).status_code == 404


async def test_an_administrator_who_reads_anothers_log_stands_in_the_audit(world: World, agent: Agent) -> None:
    session = await world.session_of("bob", name="Homework 3")
    await world.controller.run(session, upstream=agent.address)
    bob, ada = await world.program("bob"), await world.program("ada")
    for person in (bob, ada, ada):
        assert (await person.get(path(session), params={"service": "interface"})).status_code == 200
    events = (await ada.get("/hub/api/audit", params={"kind": "visit"})).json()["events"]
    assert [each["text"] for each in events] == ["ada reads a log of Homework 3, a session of bob."]
    world.clock.advance(hours=2)
    await ada.get(path(session), params={"service": "interface"})
    assert len((await ada.get("/hub/api/audit", params={"kind": "visit"})).json()["events"]) == 2
