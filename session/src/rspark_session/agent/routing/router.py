"""Answers every request on the agent's port: who may come in, and what each path leads to."""

import asyncio
import hmac
import json
import weakref
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qs

from rspark_contract import handout, http, reading
from rspark_contract.ensemble import EnsembleDocument, name_beside, path_beside
from rspark_contract.handout import Handout, HandoutStatus
from rspark_contract.http import Ending
from rspark_contract.reading import Unreadable
from rspark_contract.status import AgentState
from rspark_session.agent.components.logs import Log
from rspark_session.agent.components.report import ComponentReport
from rspark_session.agent.reporting.reporter import Reporter
from rspark_session.agent.routing import pages
from rspark_session.agent.routing.door import Door
from rspark_session.processes.tree import Process
from rspark_session.proxy import head, page
from rspark_session.proxy.server import Reply, Request
from rspark_session.proxy.upstream import UpstreamGone, forward
from rspark_session.services.base import Service

_SECRET_HEADER = http.SECRET_HEADER.lower().encode()


class Handouts(Protocol):
    """Brings handouts into the home."""

    def begin(self, asked: Handout) -> HandoutStatus:
        """Bring one, unless that is under way; return how far it is."""

    def status(self, id: str) -> HandoutStatus | None:  # noqa: A002  the contract's name
        """Return how far one is; None where there is none."""


class Besides(Protocol):
    """The interfaces beside the first."""

    def door(self, name: str) -> Door | None:
        """Return the way to one that can be used now."""

    def visit(self, name: str, *, again: bool) -> bool:
        """Start one that does not run, and return whether one is on its way."""

    def report(self, name: str) -> ComponentReport:
        """Return what is known of one."""


class Router:
    """Answers requests: those to the agent, to a service, to an interface beside the first, and, all others, to the first."""

    def __init__(
        self,
        *,
        document: EnsembleDocument,
        reporter: Reporter,
        logs: Mapping[str, Log],
        services: Iterable[Service],
        processes: Callable[[], Iterable[Process]],
        measure_again: Callable[[], Awaitable[None]],
        on_end: Callable[[Ending], None],
        besides: Besides,
        handouts: Handouts,
    ) -> None:
        self.door: Door | None = None  # to the interface, once it is ready
        self._base_path = document.base_path
        self._names_beside = document.beside.keys()
        self._reporter = reporter
        self._logs = logs
        self._services = {service.route: service for service in services if service.route}
        self._processes = processes
        self._measure_again = measure_again
        self._on_end = on_end
        self._besides = besides
        self._handouts = handouts
        self._secret = document.secret.encode()
        self._base = document.base_path.rstrip("/")
        self._joined: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    async def __call__(self, request: Request, reply: Reply) -> None:
        """Answer one request."""
        path = request.path
        inside = path[len(self._base) :] if path.startswith(self._base + "/") else None
        if path == http.HEALTH:
            reply.send(HTTPStatus.OK, b"ok\n")
        elif not self._knows_the_secret(request):
            reply.send(HTTPStatus.UNAUTHORIZED, b"Only the edge may ask.\n")
        elif path.startswith(http.PREFIX):  # the hub's alone: the edge leads to nothing but the session's own path
            await self._agent(path, request, reply)
        elif inside is None and path in ("/", self._base):
            reply.send(HTTPStatus.FOUND, b"", headers=[(b"location", self._base_path.encode())])
        elif inside is not None and (service := self._services.get(_first_segment(inside))):
            below = inside.removeprefix(f"/{service.route}")
            await service.answer(request, reply, below, self._processes())
        elif inside is not None and (name := name_beside(inside)) in self._names_beside:
            await self._beside(name, request, reply)
        else:
            await self._interface(request, reply, self.door)

    def shut(self) -> None:
        """Refuse requests to interfaces from now on, and close their websockets."""
        self.door = None
        for transport in self._joined:
            transport.close()

    def _knows_the_secret(self, request: Request) -> bool:
        given = head.get(request.headers, _SECRET_HEADER)
        return given is not None and hmac.compare_digest(given, self._secret)

    async def _agent(self, path: str, request: Request, reply: Reply) -> None:
        if path == http.STATUS:
            await self._status(request, reply)
        elif ending := http.requested_ending(path, request.query):
            if request.method != b"POST":
                reply.send(HTTPStatus.METHOD_NOT_ALLOWED, b"Use POST.\n", headers=[(b"allow", b"POST")])
                return
            self._on_end(ending)
            reply.send(HTTPStatus.ACCEPTED, b"")
        elif path == http.LOGS:
            await self._log(request, reply)
        elif path == http.HANDOUT:
            await self._handout(request, reply)
        else:
            reply.send(HTTPStatus.NOT_FOUND, b"The agent has no such page.\n")

    async def _status(self, request: Request, reply: Reply) -> None:
        """Send the status; who knows it already (`If-None-Match`) may wait for another (`Prefer: wait`, RFC 7240).

        Who wants nothing that is older than the question (`Cache-Control: no-cache`) waits until it is measured.
        """
        if http.FRESH.encode() in head.tokens(request.headers, http.FRESH_HEADER.lower().encode()):
            await self._measure_again()
        known = head.get(request.headers, b"if-none-match")
        wait = http.preferred_wait(word.decode("latin-1") for word in head.tokens(request.headers, b"prefer"))
        if wait and known == self._etag:
            await self._reporter.wait_for_news(wait)
        headers = [(b"etag", self._etag)]
        if known == self._etag:
            reply.send(HTTPStatus.NOT_MODIFIED, b"", headers=headers)
            return
        body = json.dumps(self._reporter.status().to_json()).encode()
        reply.send(HTTPStatus.OK, body, kind=b"application/json", headers=headers)

    @property
    def _etag(self) -> bytes:
        return b'"%d"' % self._reporter.revision

    async def _log(self, request: Request, reply: Reply) -> None:
        query = parse_qs(request.query)
        name = query.get("service", [""])[0]
        log = self._logs.get(name)
        tail = query.get("tail", ["65536"])[0]
        if log is None or not tail.isdigit():
            known = ", ".join(self._logs)
            reply.send(HTTPStatus.NOT_FOUND, f"There is no log of {name!r}. There are: {known}.\n".encode())
            return
        reply.start(HTTPStatus.OK, b"OK", [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")])
        async for data in log.read(tail=int(tail), follow=query.get("follow", ["0"])[0] in ("1", "true")):
            await reply.write(data)
        reply.end()

    async def _handout(self, request: Request, reply: Reply) -> None:
        """Bring a handout (POST), or answer how far one is (GET)."""
        if request.method == b"POST":
            body = await request.body.read_all(handout.MOST_BYTES)
            try:
                asked = Handout.parse(reading.decode(body or b"", most=handout.MOST_BYTES))
            except Unreadable as problem:
                reply.send(HTTPStatus.UNPROCESSABLE_ENTITY, f"{problem}\n".encode())
                return
            if self.door is None:  # not yet, or no longer: it would be ended with all else
                reply.send(HTTPStatus.SERVICE_UNAVAILABLE, b"The session is not ready.\n")
                return
            status = self._handouts.begin(asked)
        else:
            found = self._handouts.status(parse_qs(request.query).get("id", [""])[0])
            if found is None:
                reply.send(HTTPStatus.NOT_FOUND, b"There is no such handout.\n")
                return
            status = found
        reply.send(HTTPStatus.OK, json.dumps(status.to_json()).encode(), kind=b"application/json")

    async def _interface(self, request: Request, reply: Reply, door: Door | None) -> None:
        if door is None:
            page.send(reply, HTTPStatus.SERVICE_UNAVAILABLE, pages.not_open(self._reporter.report.state))
            return
        door.note(request)
        try:
            joined = await forward(request, reply, door.upstream, on_data=door.on_data(request))
            if joined is not None:
                self._joined.add(joined)
        except UpstreamGone:
            if not reply.started:
                page.send(reply, HTTPStatus.BAD_GATEWAY, pages.NO_ANSWER)

    async def _beside(self, name: str, request: Request, reply: Reply) -> None:
        """Answer a request to an interface beside the first, which a visit of its page starts."""
        path = path_beside(self._base_path, name)
        if request.path == path.rstrip("/"):
            query = f"?{request.query}" if request.query else ""
            reply.send(HTTPStatus.FOUND, b"", headers=[(b"location", f"{path}{query}".encode())])
            return
        door = self._besides.door(name) if self._reporter.report.state is AgentState.READY else None
        if door is None and self._reporter.report.state is AgentState.READY:
            starts = _is_navigation(request) and self._besides.visit(name, again=request.query == pages.AGAIN)
            report = self._besides.report(name)
            page.send(
                reply, HTTPStatus.SERVICE_UNAVAILABLE, pages.starting(report) if starts else pages.not_started(report, path)
            )
            return
        await self._interface(request, reply, door)


def _is_navigation(request: Request) -> bool:
    """Return whether a browser opens a page: it says so, or, without TLS, asks for HTML."""
    if request.method != b"GET" or head.get(request.headers, b"upgrade") is not None:
        return False
    mode = head.get(request.headers, b"sec-fetch-mode")
    return mode == b"navigate" if mode is not None else b"text/html" in (head.get(request.headers, b"accept") or b"")


def _first_segment(path: str) -> str:
    """Return the first segment of a path that begins with a slash."""
    return path[1:].partition("/")[0]
