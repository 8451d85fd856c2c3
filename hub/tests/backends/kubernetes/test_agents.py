"""Asking agents that may say anything."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from rsparkhub.backends.kubernetes.agents import Agents


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
        assert await Agents().status(address, "hush") == {"state": "ready"}
    assert asked[0].startswith(b"GET /agent/status HTTP/1.1\r\n")
    assert b"x-rspark-secret: hush\r\n" in asked[0].lower()


@pytest.mark.parametrize(
    "said",
    [
        lambda: ok(b"no JSON"),
        lambda: ok(b'["a list"]'),
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
