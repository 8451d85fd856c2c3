"""The reverse proxy between two real sockets: what goes through unchanged, what doesn't, and that nothing is held back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest

from rspark_session.proxy.server import Connection, Reply, Request
from rspark_session.proxy.upstream import Answer, Upstream, UpstreamGone, forward

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def proxied(tmp_path: Path, server: Server, **how: object) -> AsyncIterator[Stream]:
    """A connection to a proxy before `server`."""
    behind = await asyncio.start_unix_server(server, tmp_path / "behind", limit=2**20)
    upstream = Upstream(socket=tmp_path / "behind", headers=((b"authorization", b"token of the agent"),))

    async def handle(request: Request, reply: Reply) -> None:
        try:
            await forward(request, reply, upstream, **how)
        except UpstreamGone:
            if not reply.started:
                reply.send(HTTPStatus.BAD_GATEWAY, b"gone")

    before = await asyncio.get_running_loop().create_unix_server(partial(Connection, handle), str(tmp_path / "before"))
    reader, writer = await asyncio.open_unix_connection(tmp_path / "before", limit=2**20)
    try:
        async with asyncio.timeout(30):
            yield reader, writer
    finally:
        writer.close()
        before.close()
        behind.close()


async def head_of(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """Read a head: its first line and its headers."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    return lines[0], {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}


def answering(answer: bytes, *, close: bool = True) -> tuple[Server, list[tuple[str, dict[str, str]]]]:
    """A server that reads a head, notes it, and says always the same."""
    seen = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await head_of(reader))
        writer.write(answer)
        await writer.drain()
        if close:
            writer.close()

    return server, seen


async def test_only_what_is_for_the_interface_reaches_it(tmp_path: Path) -> None:
    server, seen = answering(b"HTTP/1.1 204 No Content\r\n\r\n")
    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(
            b"GET /a%20b?c=%2F HTTP/1.1\r\nHost: lab.example\r\nX-Rspark-Secret: s\r\nX-Rspark-User: ann\r\n"
            b"Authorization: Bearer mine\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n"
            b"TE: trailers\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"
        )
        await head_of(reader)
    line, headers = seen[0]
    assert line == "GET /a%20b?c=%2F HTTP/1.1"
    assert headers == {
        "host": "lab.example",
        "x-forwarded-for": "1.2.3.4",
        "authorization": "token of the agent",
        "connection": "close",
    }


async def test_answers_come_through_and_the_connection_stays(tmp_path: Path) -> None:
    server, seen = answering(b"HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-Own: 1\r\nConnection: close\r\n\r\nhello")
    async with proxied(tmp_path, server) as (reader, writer):
        for _ in range(3):
            writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert await head_of(reader) == ("HTTP/1.1 200 Fine", {"content-length": "5", "x-own": "1"})
            assert await reader.readexactly(5) == b"hello"
    assert len(seen) == 3


async def test_requests_in_one_go_are_answered_in_their_order(tmp_path: Path) -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, _ = await head_of(reader)
        path = line.split()[1].encode()
        if path == b"/slow":
            await asyncio.sleep(0.1)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path))
        writer.close()

    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n")
        for path in (b"/slow", b"/next"):
            await head_of(reader)
            assert await reader.readexactly(5) == path


async def test_an_upload_arrives_while_it_is_sent(tmp_path: Path) -> None:
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, headers = await head_of(reader)
        assert headers["content-length"] == "8"
        for _ in range(2):
            arrived.put_nowait(await reader.readexactly(4))
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(b"PUT /big HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\nhalf")
        assert await arrived.get() == b"half"
        writer.write(b"rest")
        assert await arrived.get() == b"rest"
        assert (await head_of(reader))[0] == "HTTP/1.1 201 Created"


async def test_an_upload_in_chunks_stays_one(tmp_path: Path) -> None:
    seen = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, headers = await head_of(reader)
        seen.extend([headers["transfer-encoding"], await reader.readuntil(b"0\r\n\r\n")])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        await head_of(reader)
    assert seen == ["chunked", b"3\r\nabc\r\n0\r\n\r\n"]


async def test_a_client_that_waits_for_leave_gets_it(tmp_path: Path) -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, headers = await head_of(reader)
        assert "expect" not in headers
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + await reader.readexactly(2))
        writer.close()

    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ok")
        assert (await head_of(reader))[0] == "HTTP/1.1 200 OK"


async def test_a_download_comes_as_it_is_made(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await go_on.wait()
        writer.write(b"4\r\nlast\r\n0\r\n\r\n")
        writer.close()

    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(b"GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await head_of(reader))[1] == {"transfer-encoding": "chunked"}
        assert await reader.readexactly(10) == b"5\r\nfirst\r\n"
        go_on.set()
        assert await reader.readuntil(b"0\r\n\r\n") == b"4\r\nlast\r\n0\r\n\r\n"


async def test_a_slow_reader_slows_the_source_down(tmp_path: Path) -> None:
    """Of a hundred megabytes that nobody reads, only what the buffers of sockets and proxy hold is ever sent."""
    sent = 0

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (100 * 2**20))
        for _ in range(100):
            writer.write(bytes(2**20))
            await writer.drain()
            sent += 2**20

    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await head_of(reader)
        before = -1
        while sent != before:  # until it stands still
            before = sent
            await asyncio.sleep(0.2)
        assert sent < 20 * 2**20
        received = 0
        while received < 100 * 2**20:
            received += len(await reader.read(2**20))
        assert received == 100 * 2**20


async def test_a_slow_server_slows_the_upload_down(tmp_path: Path) -> None:
    read_on = asyncio.Event()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, headers = await head_of(reader)
        await read_on.wait()
        received = 0
        while received < int(headers["content-length"]):
            received += len(await reader.read(2**20))
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with proxied(tmp_path, server) as (reader, writer):
        sent = 0

        async def send() -> None:
            nonlocal sent
            writer.write(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (100 * 2**20))
            for _ in range(100):
                writer.write(bytes(2**20))
                await writer.drain()
                sent += 2**20

        sending = asyncio.ensure_future(send())
        before = -1
        while sent != before:  # until it stands still
            before = sent
            await asyncio.sleep(0.2)
        assert sent < 20 * 2**20
        read_on.set()
        await sending
        assert (await head_of(reader))[0] == "HTTP/1.1 201 Created"


async def test_an_answer_that_ends_with_its_connection_is_whole(tmp_path: Path) -> None:
    server, _ = answering(b"HTTP/1.0 200 OK\r\n\r\nuntil the end")
    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await head_of(reader)
        assert await reader.readuntil(b"0\r\n\r\n") == b"d\r\nuntil the end\r\n0\r\n\r\n"


async def test_an_answer_that_breaks_off_does_not_look_whole(tmp_path: Path) -> None:
    server, _ = answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await head_of(reader)
        rest = b""
        try:
            while data := await reader.read(100):
                rest += data
        except ConnectionResetError:
            pass
        assert rest == b"5\r\nfirst\r\n"


@pytest.mark.parametrize("status", [b"200 OK", b"304 Not Modified"])
async def test_a_head_has_no_body_whatever_its_length_says(tmp_path: Path, status: bytes) -> None:
    method = b"HEAD" if status.startswith(b"200") else b"GET"
    server, _ = answering(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\n", close=False)
    async with proxied(tmp_path, server) as (reader, writer):
        for _ in range(2):
            writer.write(method + b" / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert (await head_of(reader))[1]["content-length"] == "5"


async def test_interim_answers_are_left_out(tmp_path: Path) -> None:
    server, _ = answering(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert await head_of(reader) == ("HTTP/1.1 200 OK", {"content-length": "2"})


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n"])
async def test_a_server_that_answers_nothing_is_a_bad_gateway(tmp_path: Path, answer: bytes) -> None:
    server, _ = answering(answer)
    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await head_of(reader))[0] == "HTTP/1.1 502 Bad Gateway"


@pytest.mark.parametrize(
    ("request_bytes", "answer"),
    [
        (b"nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (b"GET / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, "HTTP/1.1 431 Request Header Fields Too Large"),
    ],
)
async def test_what_is_no_request_is_refused(tmp_path: Path, request_bytes: bytes, answer: str) -> None:
    server, seen = answering(b"")
    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(request_bytes)
        assert (await head_of(reader))[0] == answer
        assert await reader.read() == b""
    assert seen == []


@pytest.mark.parametrize(("length", "times"), [(30_000, 10), (200_000, 2)])
async def test_bodies_do_not_count_as_heads(tmp_path: Path, length: int, times: int) -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, headers = await head_of(reader)
        await reader.readexactly(int(headers["content-length"]))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    async with proxied(tmp_path, server) as (reader, writer):
        for _ in range(times):
            writer.write(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % length)
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(b"a" * length)
            assert (await head_of(reader))[0] == "HTTP/1.1 204 No Content"


async def test_a_client_that_leaves_ends_its_request_behind(tmp_path: Path) -> None:
    left = asyncio.Event()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        await reader.read()
        left.set()

    async with proxied(tmp_path, server) as (_, writer):
        writer.write(b"GET /long HTTP/1.1\r\nHost: h\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
        await left.wait()


UPGRADE = b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"


async def test_a_websocket_is_bytes_both_ways(tmp_path: Path) -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, headers = await head_of(reader)
        assert (headers["upgrade"], headers["connection"]) == ("websocket", "Upgrade")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nearly")
        while data := await reader.read(1000):
            writer.write(data.upper())
        writer.close()

    seen: list[bytes] = []
    async with proxied(tmp_path, server, on_data=seen.append) as (reader, writer):
        writer.write(UPGRADE)
        line, headers = await head_of(reader)
        assert (line, headers["upgrade"], headers["connection"]) == ("HTTP/1.1 101 Switching Protocols", "websocket", "Upgrade")
        assert await reader.readexactly(5) == b"early"
        writer.write(b"\x00\xffabc")
        assert await reader.readexactly(5) == b"\x00\xffABC"
        writer.write_eof()
        assert await reader.read() == b""
    assert b"".join(seen) == b"\x00\xffabc"


async def test_a_websocket_that_is_refused_leaves_no_open_door(tmp_path: Path) -> None:
    """What comes after on the same connection must not reach the server without being looked at."""
    server, seen = answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", close=False)
    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(UPGRADE + b"GET /secret HTTP/1.1\r\nHost: h\r\n\r\n")
        line, headers = await head_of(reader)
        assert (line, headers["connection"]) == ("HTTP/1.1 403 Forbidden", "close")
        assert await reader.read() == b"no"
    assert [line for line, _ in seen] == ["GET /ws HTTP/1.1"]


async def test_another_upgrade_is_an_ordinary_request(tmp_path: Path) -> None:
    server, seen = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(
            b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n"
        )
        assert (await head_of(reader))[0] == "HTTP/1.1 200 OK"
    assert seen[0][1] == {"host": "h", "authorization": "token of the agent", "connection": "close"}


async def test_a_side_that_hangs_up_hangs_up_the_other(tmp_path: Path) -> None:
    server, _ = answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
    async with proxied(tmp_path, server) as (reader, writer):
        writer.write(UPGRADE)
        await head_of(reader)
        assert await reader.read() == b""


async def test_headers_of_an_answer_can_be_changed(tmp_path: Path) -> None:
    def change(answer: Answer) -> list[tuple[bytes, bytes]]:
        return [(name, value.replace(b"//inside", b"//outside")) for name, value in answer.headers]

    server, _ = answering(b"HTTP/1.1 302 Found\r\nLocation: http://inside/x\r\nContent-Length: 0\r\n\r\n")
    async with proxied(tmp_path, server, change=change, target=b"/other?x=1") as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await head_of(reader))[1]["location"] == "http://outside/x"
