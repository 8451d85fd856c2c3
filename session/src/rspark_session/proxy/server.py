"""The server's side: one connection of the edge, its requests one after the other."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

import httptools

from rspark_session.proxy import head
from rspark_session.proxy.body import Body, BodyBroken
from rspark_session.proxy.head import Headers

_LARGEST_HEAD = 2**16
_log = logging.getLogger(__name__)


@dataclass
class Request:
    """A request whose head has arrived; its body follows."""

    body: Body
    method: bytes = b""
    target: bytes = b""
    version: str = "1.1"
    headers: Headers = field(default_factory=list)
    keep_alive: bool = True

    @property
    def path(self) -> str:
        """Return the target without its query, as it was sent."""
        return self.target.partition(b"?")[0].decode("latin-1")

    @property
    def query(self) -> str:
        return self.target.partition(b"?")[2].decode("latin-1")

    @property
    def is_websocket(self) -> bool:
        """Return whether it requests a websocket."""
        return self.method == b"GET" and b"websocket" in head.tokens(self.headers, b"upgrade")

    @property
    def has_body(self) -> bool:
        length = head.get(self.headers, b"content-length")
        return (length is not None and length != b"0") or head.get(self.headers, b"transfer-encoding") is not None


Handler = Callable[[Request, "Reply"], Awaitable[None]]


class Connection(asyncio.Protocol):
    """Parses requests, and hands each to the handler when the one before is answered."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._queue: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._in_head = True
        self._head_size = 0  # of a head that isn't whole yet
        self._boundary = False  # a head or a body ended in the piece that is being read
        self._upgrading = False
        self._writable = asyncio.Event()
        self._writable.set()
        self.after_upgrade = b""  # what came behind the head of a request to upgrade

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._incoming = Request(body=Body(self.transport))

    def connection_lost(self, exc: Exception | None) -> None:
        self._incoming.body.fail()
        self._writable.set()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def drain(self) -> None:
        """Wait until the peer has read enough of what was written."""
        await self._writable.wait()

    # Called by the transport and by the parser, in this order.

    def data_received(self, data: bytes) -> None:
        if self._upgrading:
            self._wait_for_upgrade(data)
            return
        self._boundary = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrading = True
            self._incoming.keep_alive = False  # whatever comes of it, the parser is done with this connection
            self._wait_for_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST)
        self._limit_head(len(data))

    def _wait_for_upgrade(self, data: bytes) -> None:
        self.after_upgrade += data
        if len(self.after_upgrade) > _LARGEST_HEAD:  # nobody speaks so much before the handshake is done
            self.transport.abort()

    def on_message_begin(self) -> None:
        self._incoming = Request(body=Body(self.transport))

    def on_url(self, url: bytes) -> None:
        self._incoming.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # else it is a trailer, which comes too late to mean anything
            self._incoming.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        request = self._incoming
        request.method = self._parser.get_method()
        request.version = self._parser.get_http_version()
        request.keep_alive = self._parser.should_keep_alive()
        self._in_head = False
        self._boundary = True
        self._queue.append(request)
        self._next()

    def on_body(self, data: bytes) -> None:
        self._incoming.body.feed(data)

    def on_message_complete(self) -> None:
        self._incoming.body.end()
        self._in_head = True
        self._boundary = True

    def _limit_head(self, arrived: int) -> None:
        """Refuse a head that doesn't end: the parser would hold it all.

        Only pieces that hold nothing but a head count: one in which a body ended is as long as the body was.
        """
        self._head_size = self._head_size + arrived if self._in_head and not self._boundary else 0
        if self._head_size > _LARGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _refuse(self, status: HTTPStatus) -> None:
        if self._task is None and not self.transport.is_closing():
            self.transport.write(head.write(f"HTTP/1.1 {status} {status.phrase}".encode(), [(b"connection", b"close")]))
        self.transport.close()

    def _next(self) -> None:
        if self._task is None and self._queue and not self.transport.is_closing():
            self._task = asyncio.get_running_loop().create_task(self._answer(self._queue.popleft()))

    async def _answer(self, request: Request) -> None:
        reply = Reply(self, request)
        try:
            await self._handler(request, reply)
        except BodyBroken:
            self.transport.abort()  # the one side or the other went away; a cut answer must not look whole
        except Exception:
            _log.exception("%s %s", request.method.decode("latin-1"), request.path)
            if reply.started:
                self.transport.abort()
            else:
                reply.send(HTTPStatus.INTERNAL_SERVER_ERROR, b"Something went wrong in the session's agent.\n")
        self._task = None
        if reply.keeps_alive:
            self._next()
        elif not reply.taken_over:
            self.transport.close()


class Reply:
    """The answer to one request."""

    def __init__(self, connection: Connection, request: Request) -> None:
        self._connection = connection
        self._request = request
        self._chunked = False
        self._silent = request.method == b"HEAD"
        self.started = False
        self.ended = False
        self.taken_over = False  # the connection is no longer HTTP

    @property
    def keeps_alive(self) -> bool:
        """Return whether the connection can carry another request: this one was read and answered to its end."""
        return self.ended and self._request.keep_alive and self._request.body.complete and not self.taken_over

    def start(self, status: int, reason: bytes, headers: Headers) -> None:
        """Write the head. The body is as long as it says, or comes in chunks."""
        self.started = True
        headers = list(headers)
        bodyless = status in (204, 304) or status < 200
        if head.get(headers, b"content-length") is None and not bodyless:
            if self._request.version == "1.1":
                self._chunked = True
                headers.append((b"transfer-encoding", b"chunked"))
            else:
                self._request.keep_alive = False
        if not (self._request.keep_alive and self._request.body.complete):
            self._request.keep_alive = False
            headers.append((b"connection", b"close"))
        self._silent = self._silent or bodyless
        self._connection.transport.write(head.write(b"HTTP/1.1 %d %s" % (status, reason), headers))

    async def write(self, data: bytes) -> None:
        """Write a piece of the body, and wait while the peer is slow."""
        if data and not self._silent:
            self._connection.transport.write(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)
            await self._connection.drain()

    def end(self) -> None:
        """End the body, which is whole."""
        if self._chunked and not self._silent:
            self._connection.transport.write(b"0\r\n\r\n")
        self.ended = True

    def send(
        self, status: HTTPStatus, body: bytes, *, kind: bytes = b"text/plain; charset=utf-8", headers: Headers | None = None
    ) -> None:
        """Answer in one go."""
        self.start(
            status,
            status.phrase.encode(),
            [
                (b"content-type", kind),
                (b"content-length", str(len(body)).encode()),
                (b"cache-control", b"no-store"),
                *(headers or []),
            ],
        )
        if not self._silent:
            self._connection.transport.write(body)
        self.end()

    def proceed(self) -> None:
        """Send `100 Continue` to a client that waits for it before it sends its body."""
        if b"100-continue" in head.tokens(self._request.headers, b"expect") and not self._request.body.complete:
            self._connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def take_over(self) -> tuple[asyncio.Transport, bytes]:
        """Hand the connection over, and return what has been read of it."""
        self.started = self.taken_over = True
        return self._connection.transport, self._connection.after_upgrade
