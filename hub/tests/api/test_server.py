"""The server: its end, and what it believes of who asks."""

import asyncio
import socket
from pathlib import Path

import httpx
import pytest
from agent import Agent
from listening import listen
from world import URL, World

from rsparkhub.api import Server
from rsparkhub.auth.sign_in.attempts import PEOPLE_PER_ADDRESS


async def test_a_server_that_stops_ends_its_streams_cleanly_and_at_once(served: World) -> None:
    session, waiting = await served.session_of("bob"), await served.session_of("bob")
    async with Agent().serve() as agent:
        await served.controller.run(session, upstream=agent.address)
        await agent.write("a line\n")
        bob = await served.program("bob")
        log = f"/hub/api/sessions/{session}/logs"
        async with (
            listen(bob, "/events") as events,
            listen(bob, f"/sessions/{waiting}/events") as way,
            bob.stream("GET", log, params={"service": "interface", "follow": True}) as followed,
        ):
            await events.next("session")
            await way.next("session")
            pieces = followed.aiter_raw()
            assert await anext(pieces) == b"a line\n"
            served.server.should_exit = True
            # A stream that was cut off would raise here: its end was not said.
            await events.rest()
            assert await way.rest() == []
            assert [piece async for piece in pieces] == []
        async with asyncio.timeout(10):
            await served.serving


async def test_a_silent_stream_has_a_heartbeat(served: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rsparkhub.api.resources.session_events._HEARTBEAT", 0.05)
    bob = await served.program("bob")
    async with bob.stream("GET", "/hub/api/events") as response, asyncio.timeout(10):
        lines = response.aiter_lines()
        assert [await anext(lines) for _ in range(4)] == ["retry: 1000", "", ": still here", ""]


async def test_what_the_edge_says_of_the_client_is_believed_on_the_hubs_own_socket(served: World) -> None:
    forwarded = {"X-Forwarded-Host": "lab.example", "X-Forwarded-Proto": "https"}
    bob = await served.browser("bob", Origin="https://lab.example", **forwarded)
    bob.headers["Cookie"] = "__Host-" + bob.headers["Cookie"]
    assert (await bob.post("/hub/api/tokens", json={"name": "x"})).status_code == 201
    assert (await bob.post("/hub/api/tokens", json={"name": "x"}, headers={"Origin": URL})).status_code == 403


async def test_what_a_stranger_says_of_itself_is_not_believed_on_a_port(world: World, tmp_path: Path) -> None:
    from world import make_app

    (tmp_path / "second").mkdir()
    app, _ = make_app(
        settings=world.settings, store=world.store, clock=world.clock, folder=tmp_path / "second", pages=world.pages,
        behind_edge=None,
    )  # fmt: skip
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(app)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        forwarded = {"X-Forwarded-Host": "evil.example", "Origin": "http://evil.example"}
        browser = await world.browser("bob", **forwarded)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/hub/api/tokens"
        async with httpx.AsyncClient(headers=browser.headers, trust_env=False) as client:
            assert (await client.post(url, json={"name": "x"})).status_code == 403
    finally:
        server.should_exit = True
        await serving


async def test_wrong_passwords_are_counted_by_the_address_that_the_edge_saw(world: World) -> None:
    await world.authenticator.set_password("bob", "correct horse")

    async def guess(name: str, addresses: str) -> int:
        client = world.nobody(**{"X-Forwarded-For": addresses})
        return (await client.post("/hub/api/login", json={"name": name, "password": "wrong"})).status_code

    most = PEOPLE_PER_ADDRESS * world.settings.login_attempts
    # What the client itself wrote before the edge's own entry doesn't make it another client.
    assert [await guess(f"person{n}", f"10.0.0.{n}, 192.0.2.7") for n in range(most)] == [401] * most
    assert await guess("eve", "198.51.100.1, 192.0.2.7") == 429
    assert await guess("bob", "192.0.2.8") == 401


@pytest.mark.parametrize("host", ["evil.example", "hub.example.", "x@hub.example", "kq4wz7m2xb.hub.example", "localhost:1", "*"])
async def test_the_hub_answers_under_its_own_names_alone(served: World, host: str) -> None:
    for path in ("/", "/hub/", "/hub/api/me", "/hub/api/openapi.json"):
        answer = await served.nobody(Host=host).get(path)
        assert (answer.status_code, answer.json()["code"]) == (421, "misdirected-request")
    forged = await served.nobody(**{"X-Forwarded-Host": host}).get("/hub/api/me")
    assert forged.status_code == 421


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_probes_need_no_name_of_the_hub(served: World, path: str) -> None:
    assert (await served.nobody(Host="10.1.2.3:9000").get(path)).status_code == 200
