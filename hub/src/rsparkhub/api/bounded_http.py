"""HTTP as uvicorn speaks it, with an end to everything that a client can draw out.

The edge bounds the same, and on Kubernetes the hub may be met without it. A connection has little time for the head of a request,
some for its body (more for a file, where a call takes one), and may not let an answer wait for ever; a head has few lines and
little room. What is too slow or too large loses its connection, after a sentence where there is still something to answer.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rsparkhub.api.file_calls import takes_a_file
from rsparkhub.file_limit import open_files
from rsparkhub.wire.problem import Problem

#: Descriptors that are for other things than connections: the database, agents, files.
_RESERVE = 256
_FEWEST_CONNECTIONS = 64


@dataclass(frozen=True, kw_only=True)
class HttpBounds:
    """How long things may take, in seconds, and how large the head of a request may be, in bytes and lines."""

    head_seconds: float = 10.0
    body_seconds: float = 15.0  # and for a file, so many more as it takes at the slowest
    slowest_file: float = 256 * 1024  # bytes a second
    largest_file: int = 0  # more of it gets no more time
    answered_seconds: float = 5.0  # for which the rest of a body is thrown away, after an answer that did not wait for it
    unread_seconds: float = 60.0  # for which a client may leave an answer unread
    head_bytes: int = 64 * 1024
    head_lines: int = 128


class BoundedHttp(HttpToolsProtocol):
    """One connection. `bounds` is that of all, or of those of a class that `bounded_http` made."""

    bounds = HttpBounds()

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head_bytes = 0
        self._refused: Problem | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        super().connection_made(transport)
        self._set_deadline(self.bounds.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._set_deadline(None)
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            if self._deadline is None:  # the next request on a connection that was kept
                self._set_deadline(self.bounds.head_seconds)
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > self.bounds.head_bytes and not self.transport.is_closing():
            self._refuse(_TOO_LARGE)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > self.bounds.head_lines:
            self._refused = _TOO_LARGE
            raise ValueError("too many header fields")  # which the parser turns into a request that can't be read

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._set_deadline(self.bounds.body_seconds + self._announced_file() / self.bounds.slowest_file)
        super().on_headers_complete()

    def _announced_file(self) -> int:
        if not takes_a_file(self.url.partition(b"?")[0].decode("latin-1")):
            return 0
        announced = next((value for name, value in self.headers if name.lower() == b"content-length"), b"")
        return min(int(announced[:18]), self.bounds.largest_file) if announced.isdigit() else 0

    def on_message_complete(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._set_deadline(None)
        super().on_message_complete()
        if self.cycle is not None and self.cycle.response_complete:  # the rest of a body ended the wait for the next request
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._in_head and self.cycle is not None and self.cycle.response_complete and not self.transport.is_closing():
            self._set_deadline(self.bounds.answered_seconds)

    def send_400_response(self, msg: str) -> None:
        """Answer a request that can't be read, or has too much in its head."""
        self._refuse(self._refused or _UNREADABLE)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self.bounds.unread_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def _set_deadline(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._on_deadline)

    def _on_deadline(self) -> None:
        self._deadline = None
        if self._in_head and not self._head_bytes:  # nobody has asked anything
            self.transport.close()
        else:
            self._refuse(_TOO_SLOW)

    def _refuse(self, problem: Problem) -> None:
        """Answer once, where no answer has begun, and close."""
        if self.cycle is None or self._in_head:
            self.transport.write(_answer(problem))
        elif not self.cycle.response_started:
            self.cycle.disconnected = True  # what the app may still say goes nowhere
            self.transport.write(_answer(problem))
        self.transport.close()


def bounded_http(given: HttpBounds) -> type[BoundedHttp]:
    """Return the connections of a server with these bounds."""

    class Bounded(BoundedHttp):
        bounds = given

    return Bounded


_UNREADABLE = Problem(
    title="Bad Request",
    status=400,
    code="bad-request",
    detail="The request could not be read. Check that it is well-formed HTTP and JSON.",
)
_TOO_SLOW = Problem(
    title="Request Timeout",
    status=408,
    code="too-slow",
    detail="The request came too slowly. Send it again, over a better connection.",
)
_TOO_LARGE = Problem(
    title="Request Header Fields Too Large",
    status=431,
    code="too-large",
    detail="The head of the request is too large. Send fewer and shorter header fields; a browser's cookies can be cleared.",
)


def _answer(problem: Problem) -> bytes:
    body = problem.model_dump_json(exclude_none=True).encode()
    head = (
        f"HTTP/1.1 {problem.status} {problem.title}\r\nContent-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def most_connections() -> int:
    """Return how many connections a server may have, so that there are always descriptors left for what answers them."""
    return max(_FEWEST_CONNECTIONS, open_files() - _RESERVE)
