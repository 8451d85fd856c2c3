"""Asking agents that may say anything."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from rspark_contract.status import AgentState, AgentStatus
from rsparkhub.backends.kubernetes.agents import Agents, Answer

READY = AgentStatus(state=AgentState.READY)


@asynccontextmanager
async def answering(said: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A session that answers everything in one way; gives its address, and what it was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server:
        yield f"{host}:{port}", asked


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def test_a_status_is_asked_with_the_secret() -> None:
    async with answering(ok(b'{"state": "ready"}')) as (address, asked):
        answer = await Agents().status(address, "hush")
    assert answer == Answer(status=READY, mark=None)
    assert asked[0].startswith(b"GET /agent/status HTTP/1.1\r\n")
    assert b"x-rspark-secret: hush\r\n" in asked[0].lower()
    assert b"prefer" not in asked[0].lower()


async def test_who_knows_a_status_asks_for_another() -> None:
    said = ok(b'{"state": "ready"}').replace(b"\r\n\r\n", b'\r\nETag: "8"\r\n\r\n')
    async with answering(said) as (address, asked):
        assert await Agents().status(address, "hush", known='"7"', seconds=3) == Answer(status=READY, mark='"8"')
    assert b'if-none-match: "7"\r\n' in asked[0].lower()
    assert b"prefer: wait=3\r\n" in asked[0].lower()


async def test_nothing_else_to_say_is_none() -> None:
    async with answering(b'HTTP/1.1 304 Not Modified\r\nETag: "7"\r\n\r\n') as (address, _):
        assert await Agents().status(address, "hush", known='"7"', seconds=3) is None


async def test_a_mark_of_any_length_is_none() -> None:
    said = ok(b'{"state": "ready"}').replace(b"\r\n\r\n", b"\r\nETag: " + b"a" * 10_000 + b"\r\n\r\n")
    async with answering(said) as (address, _):
        assert await Agents().status(address, "hush") == Answer(status=READY, mark=None)


@pytest.mark.parametrize(
    "said",
    [
        lambda: ok(b"no JSON"),
        lambda: ok(b'["a list"]'),
        lambda: ok(b'{"state": ["no", "word"]}'),
        lambda: ok(b"[" * 100_000),
        lambda: ok(b'{"state": "' + b"a" * 300_000 + b'"}'),
        lambda: b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        lambda: b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        lambda: b"no HTTP at all",
        lambda: b"",
    ],
)
async def test_what_is_no_status_is_none(said: Callable[[], bytes]) -> None:
    async with answering(said()) as (address, _):
        assert await Agents().status(address, "hush") is None


async def test_one_that_is_told_has_heard_when_it_says_so() -> None:
    async with answering(ok(b"")) as (address, asked):
        assert await Agents().tell(address, "hush", "stop")
    assert asked[0].startswith(b"POST /agent/stop ")
    assert not await Agents().tell("127.0.0.1:1", "hush", "stop")
