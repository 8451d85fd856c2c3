"""The one door into the ensemble: who may come in, and what each address leads to."""

import asyncio
import hmac
import json
import weakref
from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qs

from rspark_session.agent import pages
from rspark_session.agent.logs import Log
from rspark_session.agent.proxy import head
from rspark_session.agent.proxy.server import Reply, Request
from rspark_session.agent.proxy.upstream import Upstream, UpstreamGone, forward
from rspark_session.agent.spark import SparkPages
from rspark_session.agent.spec import Spec
from rspark_session.agent.status import Reporter

_SAFE = (b"GET", b"HEAD", b"OPTIONS")
#: Seconds that somebody may wait for another status.
_LONGEST_WAIT = 30


class Door:
    """Answers every request on the agent's port."""

    def __init__(
        self,
        *,
        spec: Spec,
        reporter: Reporter,
        logs: Mapping[str, Log],
        spark: SparkPages,
        on_end: Callable[[str], None],
        on_activity: Callable[[], None] | None,
    ) -> None:
        self.upstream: Upstream | None = None  # the interface, once it is ready
        self._spec = spec
        self._reporter = reporter
        self._logs = logs
        self._spark = spark
        self._on_end = on_end
        self._on_activity = on_activity
        self._secret = spec.secret.encode()
        self._base = spec.base_path.rstrip("/")
        self._joined: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    async def __call__(self, request: Request, reply: Reply) -> None:
        """Answer one request."""
        path = request.path
        inside = path[len(self._base) :] if path.startswith(self._base + "/") else None
        agents = inside if inside is not None and inside.startswith("/agent/") else path
        if agents == "/agent/healthz":
            reply.send(HTTPStatus.OK, b"ok\n")
        elif not self._knows_the_secret(request):
            reply.send(HTTPStatus.UNAUTHORIZED, b"This door opens only for the edge.\n")
        elif agents.startswith("/agent/"):
            await self._agent(agents, request, reply)
        elif inside is None and path in ("/", self._base):
            reply.send(HTTPStatus.FOUND, b"", headers=[(b"location", self._spec.base_path.encode())])
        elif inside is not None and (inside == "/spark" or inside.startswith("/spark/")):
            await self._spark.answer(request, reply, inside.removeprefix("/spark"))
        else:
            await self._interface(request, reply)

    def shut(self) -> None:
        """Let nobody more into the interface, and hang up on those who are."""
        self.upstream = None
        for transport in self._joined:
            transport.close()

    def _knows_the_secret(self, request: Request) -> bool:
        given = head.get(request.headers, b"x-rspark-secret")
        return given is not None and hmac.compare_digest(given, self._secret)

    async def _agent(self, path: str, request: Request, reply: Reply) -> None:
        if path == "/agent/status":
            await self._status(request, reply)
        elif path in ("/agent/suspend", "/agent/stop"):
            if request.method != b"POST":
                reply.send(HTTPStatus.METHOD_NOT_ALLOWED, b"Use POST.\n", headers=[(b"allow", b"POST")])
                return
            self._on_end(path.rpartition("/")[2])
            reply.send(HTTPStatus.ACCEPTED, b"")
        elif path == "/agent/logs":
            await self._log(request, reply)
        else:
            reply.send(HTTPStatus.NOT_FOUND, b"The agent has no such page.\n")

    async def _status(self, request: Request, reply: Reply) -> None:
        """Tell the status; who knows it already (`If-None-Match`) may wait for another (`Prefer: wait`, RFC 7240)."""
        known = head.get(request.headers, b"if-none-match")
        wait = _seconds_to_wait(request)
        if wait and known == self._mark:
            await self._reporter.until_news(wait)
        headers = [(b"etag", self._mark)]
        if known == self._mark:
            reply.send(HTTPStatus.NOT_MODIFIED, b"", headers=headers)
            return
        body = json.dumps(self._reporter.document()).encode()
        reply.send(HTTPStatus.OK, body, kind=b"application/json", headers=headers)

    @property
    def _mark(self) -> bytes:
        return b'"%d"' % self._reporter.told

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

    async def _interface(self, request: Request, reply: Reply) -> None:
        if self.upstream is None:
            pages.send(reply, HTTPStatus.SERVICE_UNAVAILABLE, pages.not_open(self._reporter.status.state))
            return
        if self._on_activity and (request.method not in _SAFE or head.get(request.headers, b"sec-fetch-mode") == b"navigate"):
            self._on_activity()
        try:
            joined = await forward(request, reply, self.upstream, on_data=self._on_data if self._on_activity else None)
            if joined is not None:
                self._joined.add(joined)
        except UpstreamGone:
            if not reply.started:
                pages.send(reply, HTTPStatus.BAD_GATEWAY, pages.NO_ANSWER)

    def _on_data(self, data: bytes) -> None:
        """Take text and binary frames for a person's doing; pings and pongs are the browser's own."""
        if data[0] & 0x0F in (0, 1, 2) and self._on_activity:
            self._on_activity()


def _seconds_to_wait(request: Request) -> int:
    for preference in head.tokens(request.headers, b"prefer"):
        name, value = (word.strip() for word in preference.partition(b"=")[::2])
        if name == b"wait" and value.isdigit():
            return min(int(value[:4]), _LONGEST_WAIT)
    return 0
