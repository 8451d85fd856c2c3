"""What every request passes on its way in, and every answer on its way out; `app` says in which order."""

import logging
import re
import secrets
import time
from abc import ABC, abstractmethod
from dataclasses import replace
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rsparkhub import log_context
from rsparkhub.api.file_calls import file_too_large, takes_a_file
from rsparkhub.api.metrics import Metrics
from rsparkhub.api.problems import problem_of_http, problem_response
from rsparkhub.auth.cookies import own_cookies_in
from rsparkhub.domain.edge_contract import CALLS_AT_ITS_HOST
from rsparkhub.settings import KnownHosts
from rsparkhub.wire.problem import Problem

log = logging.getLogger(__name__)

#: What says how the process is, to operators who may know no name of it.
_OF_THE_PROCESS = frozenset({"/healthz", "/readyz", "/metrics"})
_AT_A_SESSIONS_HOST = re.compile(CALLS_AT_ITS_HOST)
#: On every answer that doesn't set them itself: a browser takes it for what it says it is, and keeps nothing that is personal.
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class _HttpMiddleware(ABC):
    """Passes everything but HTTP requests (the server's lifespan) on as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http":
            await self._handle(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    @abstractmethod
    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class ForwardedHeadersMiddleware(_HttpMiddleware):
    """Puts the client's address, scheme and host, as the edge saw them, where the rest of the app looks for them.

    Only the edge can reach the hub's socket, so what it says in `X-Forwarded-…` is believed; on any other kind of listener
    these headers are what a stranger wrote, and are passed over.
    """

    def __init__(self, app: ASGIApp, *, behind_edge: bool | None = None) -> None:
        super().__init__(app)
        self._behind_edge = behind_edge

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(_as_the_edge_saw_it(scope) if self._believes(scope) else scope, receive, send)

    def _believes(self, scope: Scope) -> bool:
        if self._behind_edge is not None:
            return self._behind_edge
        server = scope.get("server")
        return server is not None and server[1] is None  # a Unix socket has a path and no port


class KnownHostMiddleware(_HttpMiddleware):
    """Answers nobody under a host name that is none of this installation's (`settings/known_hosts.py`).

    What operators ask of the process itself, by whatever name they find it, is answered. At a session's own host there are the
    calls about that very session, whoever asks and by whatever shows who they are, and nothing else.
    """

    def __init__(self, app: ASGIApp, *, hosts: KnownHosts) -> None:
        super().__init__(app)
        self._hosts = replace(hosts, session_domains={})
        self._with_sessions = hosts

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if scope["path"] in _OF_THE_PROCESS or (len(hosts) == 1 and self._has(scope, hosts[0])):
            await self._app(scope, receive, send)
            return
        problem = Problem(
            title=HTTPStatus.MISDIRECTED_REQUEST.phrase,
            status=421,
            detail="This is no name of this hub. Use its own, or let an administrator add this one to the setting host_names.",
            code="misdirected-request",
        )
        await problem_response(problem)(scope, receive, send)

    def _has(self, scope: Scope, host: str) -> bool:
        """Return whether this is a name of the hub, or the host of the one session that the call is about."""
        if self._hosts.knows(host):
            return True
        call = _AT_A_SESSIONS_HOST.fullmatch(scope["path"])
        if call is None or scope["method"] != ("POST" if call["change"] else "GET"):
            return False
        return host.lower().partition(".")[0] == call["session"] and self._with_sessions.knows(host)


class OwnCookiesMiddleware(_HttpMiddleware):
    """Leaves of a request's cookies those that may be ours, and a few of each.

    FastAPI parses all cookies of each request, by a parser of the standard library whose time grows with the square of a quoted
    value; and other programs under the same host name may have set any number of them.
    """

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        header = "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
        if not header:
            await self._app(scope, receive, send)
            return
        kept = own_cookies_in(header)
        others = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
        headers = [*others, (b"cookie", kept.encode("latin-1"))] if kept else others
        await self._app({**scope, "headers": headers}, receive, send)


class RequestIdMiddleware(_HttpMiddleware):
    """Gives each request an id: on the log's lines about it, in `X-Request-Id`, and in the sentence of an unexpected error.

    One that a client sends is not taken over: it could be another request's.
    """

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = secrets.token_hex(4)

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        with log_context.bound(request=request_id):
            await self._app(scope, receive, add)


class SecurityHeadersMiddleware(_HttpMiddleware):
    """Adds the headers that the answer itself doesn't set."""

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, add)


class MetricsMiddleware(_HttpMiddleware):
    """Measures how long each answer takes to begin; a stream is not measured to its end."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        super().__init__(app)
        self._metrics = metrics

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                seconds = time.perf_counter() - began
                self._metrics.answered(method=_known(scope["method"]), route=route, status=message["status"], seconds=seconds)
            await send(message)

        await self._app(scope, receive, watch)


class UnexpectedErrorMiddleware(_HttpMiddleware):
    """Answers an error that nobody foresaw with a sentence and an id, and writes the error to the log under that id."""

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            return  # nobody is there to be told
        except Exception:
            name = log_context.value_of("request") or secrets.token_hex(4)
            log.exception("error %s in %s %s", name, scope["method"], scope["path"])
            if begun:
                raise  # the answer has begun: the server can only break the connection, which the client sees
            problem = Problem(
                title=HTTPStatus.INTERNAL_SERVER_ERROR.phrase,
                status=500,
                detail=f"Something went wrong in the hub. Try again; if it stays so, tell your administrator the id {name}.",
                code="internal-error",
                id=name,
            )
            await problem_response(problem)(scope, receive, send)


class BodyLimitMiddleware(_HttpMiddleware):
    """Refuses a body of more than `most` bytes, before it is read or as soon as it has grown too large.

    One that has no announced length is refused where it is read. Of calls that take a file it is `most_of_files`, and the answer
    says so.
    """

    def __init__(self, app: ASGIApp, *, most: int, most_of_files: int) -> None:
        super().__init__(app)
        self._most = most
        self._most_of_files = most_of_files

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_file = takes_a_file(scope["path"])
        most = self._most_of_files if is_file else self._most
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced[:18]) > most:
            problem = file_too_large(most) if is_file else problem_of_http(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            await problem_response(problem)(scope, receive, send)
            return
        read, begun = 0, False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        async def count() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read <= most:
                return message
            if begun:  # who answers without the body only waits for the client to go
                return {"type": "http.disconnect"}
            raise HTTPException(413)

        await self._app(scope, count, watch)


def _as_the_edge_saw_it(scope: Scope) -> Scope:
    headers = Headers(scope=scope)
    changed = dict(scope)
    if addresses := headers.get("x-forwarded-for"):
        # The last one is what the edge itself saw; those before it are what the client claimed.
        changed["client"] = (addresses.rpartition(",")[2].strip(), 0)
    if (scheme := headers.get("x-forwarded-proto")) in {"http", "https"}:
        changed["scheme"] = scheme
    if host := headers.get("x-forwarded-host"):
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        changed["headers"] = [*others, (b"host", host.encode("latin-1"))]
    return changed


def _known(method: str) -> str:
    """Return the method, or `other` for one that a stranger made up: labels must stay few."""
    return method if method in {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} else "other"
