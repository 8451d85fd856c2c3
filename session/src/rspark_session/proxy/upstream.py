"""The client's side: one request handed on to what listens inside the session, and its answer handed back."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import cast

import httptools

from rspark_session.proxy import head
from rspark_session.proxy.body import Body, BodyBroken
from rspark_session.proxy.head import Headers
from rspark_session.proxy.server import Reply, Request
from rspark_session.proxy.splice import join


class UpstreamGone(Exception):
    """Nobody listens there, or it hung up before it answered."""


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """Where to hand requests on to: a Unix socket, or a port, of this machine's own address where no `host` is named.

    With `tls` it is spoken to over TLS, and must show a certificate of `localhost`. `base` is the start of the path that it does
    not get to see.
    """

    socket: Path | None = None
    port: int | None = None
    host: str = "127.0.0.1"
    headers: tuple[tuple[bytes, bytes], ...] = ()  # set on each request, whatever the client sent
    tls: ssl.SSLContext | None = None
    base: bytes = b""


@dataclass(frozen=True)
class Answer:
    """The head of an answer."""

    status: int
    reason: bytes
    headers: Headers


class _Exchange(asyncio.Protocol):
    """One connection for one request: nothing of one person's request can end up in another's answer."""

    def __init__(self, *, bodyless: bool) -> None:
        self._bodyless = bodyless
        self._parser = httptools.HttpResponseParser(self)
        self._headers: Headers = []
        self._reason = b""
        self._framed = False
        self._writable = asyncio.Event()
        self._writable.set()
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.after_upgrade = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.body = Body(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._writable.set()
        if not self.answer.done():
            self.answer.set_exception(UpstreamGone())
        elif not self._framed and exc is None:
            self.body.end()  # its end is the end of the connection
        self.body.fail()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def drain(self) -> None:
        await self._writable.wait()
        if self.transport.is_closing():
            raise UpstreamGone

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.after_upgrade = data[upgrade.args[0] :]
            self.transport.pause_reading()
        except httptools.HttpParserError:
            self.transport.abort()

    # Called by the parser, in this order.

    def on_message_begin(self) -> None:
        self._headers, self._reason = [], b""

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 and status != HTTPStatus.SWITCHING_PROTOCOLS:
            return  # an interim answer; the real one follows
        chunked = head.get(self._headers, b"transfer-encoding") is not None
        self._framed = chunked or head.get(self._headers, b"content-length") is not None
        if not self.answer.done():
            self.answer.set_result(Answer(status, self._reason, self._headers))
        if self._bodyless:
            self.body.end()

    def on_body(self, data: bytes) -> None:
        self.body.feed(data)

    def on_message_complete(self) -> None:
        if self.answer.done():
            self.body.end()


async def forward(
    request: Request,
    reply: Reply,
    upstream: Upstream,
    *,
    target: bytes | None = None,
    on_data: Callable[[bytes], None] | None = None,
    change: Callable[[Answer], Headers] | None = None,
) -> asyncio.Transport | None:
    """Hand a request on, and its answer back, both as they come. Gives the client's connection when it became a websocket.

    `target` replaces the request's own, `on_data` sees what the client sends on a websocket, and `change` gives the headers
    of the answer.

    Raises
    ------
    UpstreamGone
        When nothing was answered. Nothing has been written to `reply` then.
    """
    exchange = await _connect(upstream, bodyless=request.method == b"HEAD")
    try:
        exchange.transport.write(_head(request, upstream, target or request.target.removeprefix(upstream.base)))
        if request.is_websocket:
            return await _upgrade(exchange, reply, change, on_data)
        sending = asyncio.ensure_future(_send_body(request, reply, exchange))
        try:
            await _hand_back(exchange, await exchange.answer, reply, change)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)  # a client that broke off is seen by the server's side
    finally:
        if not reply.taken_over:
            exchange.transport.abort()
    return None


async def _connect(upstream: Upstream, *, bodyless: bool) -> _Exchange:
    loop = asyncio.get_running_loop()
    try:
        connecting: Awaitable[tuple[asyncio.Transport, _Exchange]]
        if upstream.socket is not None:
            connecting = loop.create_unix_connection(lambda: _Exchange(bodyless=bodyless), str(upstream.socket))
        else:
            assert upstream.port is not None
            connecting = loop.create_connection(
                lambda: _Exchange(bodyless=bodyless),
                upstream.host,
                upstream.port,
                ssl=upstream.tls,
                server_hostname="localhost" if upstream.tls else None,
            )
        _, exchange = await connecting
    except OSError as problem:
        raise UpstreamGone from problem
    return exchange


def _head(request: Request, upstream: Upstream, target: bytes) -> bytes:
    replaced = {name for name, _ in upstream.headers}
    headers = [(name, value) for name, value in head.end_to_end(request.headers) if name not in replaced]
    headers += upstream.headers
    if request.is_websocket:
        headers += [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")]
    else:
        headers.append((b"connection", b"close"))
        if head.get(request.headers, b"transfer-encoding") is not None:
            headers.append((b"transfer-encoding", b"chunked"))
    return head.write(request.method + b" " + target + b" HTTP/1.1", headers)


async def _send_body(request: Request, reply: Reply, exchange: _Exchange) -> None:
    if not request.has_body:
        return
    chunked = head.get(request.headers, b"transfer-encoding") is not None
    reply.proceed()
    try:
        while data := await request.body.read():
            exchange.transport.write(b"%x\r\n%s\r\n" % (len(data), data) if chunked else data)
            await exchange.drain()
    except BodyBroken:
        exchange.transport.abort()
        raise
    if chunked:
        exchange.transport.write(b"0\r\n\r\n")


async def _hand_back(exchange: _Exchange, answer: Answer, reply: Reply, change: Callable[[Answer], Headers] | None) -> None:
    reply.start(answer.status, answer.reason, head.end_to_end(change(answer) if change else answer.headers))
    while data := await exchange.body.read():
        await reply.write(data)
    reply.end()


async def _upgrade(
    exchange: _Exchange,
    reply: Reply,
    change: Callable[[Answer], Headers] | None,
    on_data: Callable[[bytes], None] | None,
) -> asyncio.Transport | None:
    answer = await exchange.answer
    if answer.status != HTTPStatus.SWITCHING_PROTOCOLS:
        await _hand_back(exchange, answer, reply, change)
        return None
    client, from_client = reply.take_over()
    headers = [*head.end_to_end(answer.headers), (b"connection", b"Upgrade"), (b"upgrade", b"websocket")]
    client.write(head.write(b"HTTP/1.1 101 Switching Protocols", headers))
    if exchange.transport.is_closing():  # it let the client in and hung up at once
        client.write(exchange.after_upgrade)
        client.close()
        return client
    join(client, from_client, exchange.transport, exchange.after_upgrade, on_data=on_data)
    return client
