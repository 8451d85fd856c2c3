"""Asking agents that may say anything."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from rspark_contract.status import MOST_BYTES, AgentState, AgentStatus
from rsparkhub.agents import AgentClient, StatusAnswer
from rsparkhub.domain.errors import NotFound, Unavailable

READY = AgentStatus(state=AgentState.READY)


@pytest.fixture
async def client() -> AsyncIterator[AgentClient]:
    client = AgentClient()
    yield client
    await client.aclose()


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


@asynccontextmanager
async def keeping_open(most: int = 1000) -> AsyncIterator[tuple[str, list[int]]]:
    """An agent that answers `most` requests on each connection, then closes it; gives how many it answered on each."""
    connections: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(connections)
        connections.append(0)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while connections[number] < most:
                await reader.readuntil(b"\r\n\r\n")
                connections[number] += 1
                writer.write(ok(b'{"state": "ready"}'))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    yield f"{host}:{port}", connections
    server.close()


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def test_a_status_is_asked_with_the_secret(client: AgentClient) -> None:
    async with answering(ok(b'{"state": "ready"}')) as (address, asked):
        answer = await client.status(address, "hush")
    assert answer == StatusAnswer(status=READY, etag=None)
    assert asked[0].startswith(b"GET /agent/status HTTP/1.1\r\n")
    assert b"x-rspark-secret: hush\r\n" in asked[0].lower()
    assert b"prefer" not in asked[0].lower()


async def test_who_knows_a_status_asks_for_another(client: AgentClient) -> None:
    said = ok(b'{"state": "ready"}').replace(b"\r\n\r\n", b'\r\nETag: "8"\r\n\r\n')
    async with answering(said) as (address, asked):
        assert await client.status(address, "hush", etag='"7"', wait=3) == StatusAnswer(status=READY, etag='"8"')
    assert b'if-none-match: "7"\r\n' in asked[0].lower()
    assert b"prefer: wait=3\r\n" in asked[0].lower()


async def test_nothing_else_to_say_is_none(client: AgentClient) -> None:
    async with answering(b'HTTP/1.1 304 Not Modified\r\nETag: "7"\r\n\r\n') as (address, _):
        assert await client.status(address, "hush", etag='"7"', wait=3) is None


async def test_a_mark_of_any_length_is_none(client: AgentClient) -> None:
    said = ok(b'{"state": "ready"}').replace(b"\r\n\r\n", b"\r\nETag: " + b"a" * 5_000 + b"\r\n\r\n")
    async with answering(said) as (address, _):
        assert await client.status(address, "hush") == StatusAnswer(status=READY, etag=None)


@pytest.mark.parametrize(
    "said",
    [
        lambda: ok(b"no JSON"),
        lambda: ok(b'["a list"]'),
        lambda: ok(b'{"state": ["no", "word"]}'),
        lambda: ok(b"[" * 100_000),
        lambda: ok(b'{"state": "' + b"a" * 300_000 + b'"}'),
        lambda: ok(b'{"state": "ready"}' + b" " * MOST_BYTES),
        lambda: ok(gzip.compress(b'{"state": "ready"}')).replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n", 1),
        lambda: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n" + b" " * 2**21,
        lambda: b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        lambda: b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        lambda: b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\nETag: " + b"a" * 10_000 + b'\r\n\r\n{"state": "ready"}',
        lambda: b"no HTTP at all",
        lambda: b"",
    ],
)
async def test_what_is_no_status_is_none(client: AgentClient, said: Callable[[], bytes]) -> None:
    async with answering(said()) as (address, _):
        assert await client.status(address, "hush") is None


async def test_one_that_is_told_has_heard_when_it_says_so(client: AgentClient) -> None:
    async with answering(ok(b"")) as (address, asked):
        assert await client.end(address, "hush", "stop")
    assert asked[0].startswith(b"POST /agent/stop ")
    assert not await client.end("127.0.0.1:1", "hush", "stop")


async def test_a_connection_serves_one_request_after_another(client: AgentClient) -> None:
    async with keeping_open() as (address, connections):
        for _ in range(3):
            assert await client.status(address, "hush") == StatusAnswer(status=READY, etag=None)
    assert connections == [3]


async def test_a_connection_that_the_agent_closed_is_opened_anew(client: AgentClient) -> None:
    async with keeping_open(most=1) as (address, connections):
        assert await client.status(address, "hush") is not None
        assert await client.end(address, "hush", "stop")
        assert await client.end(address, "hush", "stop")
    assert connections == [1, 1, 1]


async def test_an_agent_that_answers_too_slowly_has_no_status(client: AgentClient) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b" ")
                await asyncio.sleep(0.05)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    began = time.monotonic()
    assert await client.status(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", "hush") is None
    assert time.monotonic() - began < 10
    server.close()


@pytest.mark.parametrize("address", ["", "no address", "127.0.0.1:99999", "127.0.0.1:1", "[::1", "127.0.0.1:80/x?y#"])
async def test_an_address_that_is_none_has_no_agent(client: AgentClient, address: str) -> None:
    assert await client.status(address, "hush") is None
    with pytest.raises(Unavailable):
        await client.log(address, "hush", "interface", tail=1, follow=False)


async def test_a_log_comes_as_it_is_written(client: AgentClient) -> None:
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    async with answering(said) as (address, asked):
        log = await client.log(address, "hush", "interface", tail=7, follow=True)
        assert b"".join([piece async for piece in log]) == b"onetwo"
    assert asked[0].startswith(b"GET /agent/logs?service=interface&tail=7&follow=1 ")
    assert b"x-rspark-secret: hush\r\n" in asked[0].lower()


async def test_a_log_that_breaks_off_ends(client: AgentClient) -> None:
    async with answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n9\r\ntw") as (address, _):
        log = await client.log(address, "hush", "interface", tail=7, follow=False)
        assert b"".join([piece async for piece in log]).startswith(b"one")


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", NotFound),
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", Unavailable),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", Unavailable),
        (b"no HTTP", Unavailable),
        (b"", Unavailable),
    ],
)
async def test_a_log_that_can_not_be_had_is_an_error(client: AgentClient, said: bytes, error: type[Exception]) -> None:
    async with answering(said) as (address, _):
        with pytest.raises(error):
            await client.log(address, "hush", "interface", tail=7, follow=False)


@asynccontextmanager
async def drawing_out(head: bytes, piece: bytes, *, pause: float = 0.01) -> AsyncIterator[str]:
    """A session that begins an answer and never comes to its end."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head)
            while True:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server:
        yield f"{host}:{port}"


async def test_a_log_is_no_longer_than_it_was_asked_for(client: AgentClient) -> None:
    async with drawing_out(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x" * 1000) as address, asyncio.timeout(10):
        log = await client.log(address, "secret", "interface", tail=2500, follow=False)
        assert sum([len(piece) async for piece in log]) == 2500


async def test_a_head_without_end_is_no_answer(client: AgentClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rsparkhub.agents.client._LOG_SECONDS", 0.5)
    async with drawing_out(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n", pause=0.2) as address, asyncio.timeout(10):
        assert await client.status(address, "secret") is None
        for follow in (True, False):
            with pytest.raises(Unavailable):
                await client.log(address, "secret", "interface", tail=100, follow=follow)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10**6 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}", b"\0" * 10**5, b"HTTP/9.9 999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
        b'HTTP/1.1 200 OK\r\nETag: "' + b"x" * 5000 + b'"\r\nContent-Length: 2\r\n\r\n{}',
    ],
    ids=range(13),
)  # fmt: skip
async def test_no_answer_of_a_session_is_more_than_no_report(client: AgentClient, said: bytes) -> None:
    async with answering(said) as (address, _), asyncio.timeout(15):
        assert await client.status(address, "secret") is None
        assert await client.end(address, "secret", "stop") in (True, False)
