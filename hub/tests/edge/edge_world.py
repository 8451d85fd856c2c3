"""Everything that a request meets: a real edge, the real forward auth on a real store, and two stand-ins behind them.

The stand-in for a session's agent tells what reached it, which a real session would not. The hub's own face is a stand-in
too: what the edge does with it is all that is tested here.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import httpx
import uvicorn
from edge_upstream import Upstream, serving

from rsparkhub.auth import forward_auth_server
from rsparkhub.auth.authorizer import Authorizer
from rsparkhub.auth.forward_auth import ForwardAuthRequest
from rsparkhub.auth.forward_auth_server import read_question, serving_forward_auth
from rsparkhub.auth.identity import Authenticator
from rsparkhub.domain.scope import EVERYTHING, Scope
from rsparkhub.domain.session import Session, State
from rsparkhub.edge.process import Edge, running_edge
from rsparkhub.settings import Settings
from rsparkhub.store import Store

LEASE = timedelta(seconds=15)


@dataclass
class World:
    """Everything that a request meets, and shortcuts to make more of it."""

    settings: Settings
    store: Store
    authenticator: Authenticator
    edge: Edge
    upstream: Upstream
    face: AsyncExitStack
    asked_of_the_hub: list[str]
    stack: AsyncExitStack
    ask: "Callable[[], Awaitable[None]]"
    questions: list[ForwardAuthRequest]  # that the edge has asked
    not_viewable: set[str]  # sessions of which who may only look is shown nothing
    for_visitors: set[str]  # sessions of which what they serve is made for who may only look
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def host(self) -> str:
        """The hub under a name where sessions live under its own address."""
        return f"127.0.0.1:{self.edge.port}"

    @property
    def localhost(self) -> str:
        """The hub under the name where sessions have hosts of their own."""
        return f"localhost:{self.edge.port}"

    async def person(self, name: str, *, admin: bool = False) -> str:
        """Add a person, and give the value of the cookie of a browser in which they are signed in."""
        now = datetime.now(UTC)
        await self.store.users.add(name, admin=admin, now=now)
        return await self.sign_in(name)

    async def sign_in(self, name: str) -> str:
        now = datetime.now(UTC)
        link = await self.authenticator.make_link(name, now=now)
        return (await self.authenticator.sign_in_with_link(link, now=now)).token

    async def token(self, name: str, *scopes: Scope) -> str:
        """Make a token of a person, which may do everything or has these scopes."""
        given = frozenset(scopes) or EVERYTHING
        return (await self.authenticator.make_token(name, name="test", scopes=given, now=datetime.now(UTC)))[1]

    async def session(self, owner: str, *, upstream: str | None = None, name: str = "R") -> Session:
        """Make a session that runs."""
        now = datetime.now(UTC)
        made, _ = await self.store.sessions.create(owner=owner, environment="rspark", name=name, now=now)
        return await self.change(
            made.id,
            state=State.RUNNING,
            upstream=upstream or self.upstream.address,
            secret=f"secret-of-{made.id}",
            generation=1,
        )

    async def change(self, session_id: str, **values: Any) -> Session:
        """Write what a controller would write of a session."""
        now = datetime.now(UTC)
        claimed = await self.store.leases.claim_one(session_id, holder="test", now=now, lease=LEASE)
        assert claimed is not None
        after = replace(claimed.session, **values)
        assert await self.store.leases.save(claimed, after, holder="test", next_reconcile_at=None, now=now)
        return after

    def client(self, *, cookie: str | None = None, bearer: str | None = None, host: str | None = None) -> httpx.AsyncClient:
        """Make a client of the edge that follows no redirects."""
        headers = {"Host": host or self.host}
        if cookie is not None:
            headers["Cookie"] = f"rsparkhub={cookie}"
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.edge.port}", headers=headers, timeout=30)
        self.clients.append(client)
        return client


@asynccontextmanager
async def making_world(settings: Settings, store: Store) -> AsyncIterator[World]:
    authenticator = Authenticator(store, settings)
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(serving(Upstream()))
        face = await stack.enter_async_context(AsyncExitStack())
        asked_of_the_hub = await face.enter_async_context(hub_face(settings))
        questions: list[ForwardAuthRequest] = []
        for_visitors: set[str] = set()
        not_viewable: set[str] = set()
        stack.enter_context(patch.object(forward_auth_server, "read_question", noting(questions)))
        forward_auth = await stack.enter_async_context(AsyncExitStack())

        async def ask() -> None:
            await forward_auth.enter_async_context(
                serving_forward_auth(
                    store=store,
                    authenticator=authenticator,
                    settings=settings,
                    for_visitors=lambda session: session.id in for_visitors,
                    viewable=lambda session: session.id not in not_viewable,
                )
            )

        await ask()
        edge = await stack.enter_async_context(running_edge(settings))
        world = World(
            settings=settings,
            store=store,
            authenticator=authenticator,
            edge=edge,
            upstream=upstream,
            face=face,
            asked_of_the_hub=asked_of_the_hub,
            stack=forward_auth,
            ask=ask,
            questions=questions,
            for_visitors=for_visitors,
            not_viewable=not_viewable,
        )
        yield world
        for client in world.clients:
            await client.aclose()


def noting(questions: list[ForwardAuthRequest]) -> Callable[[bytes, Authorizer], tuple[int, ForwardAuthRequest]]:
    """Read questions as the hub does, and note them."""

    def read(line: bytes, authorizer: Authorizer) -> tuple[int, ForwardAuthRequest]:
        number, request = read_question(line, authorizer)
        questions.append(request)
        return number, request

    return read


@asynccontextmanager
async def hub_face(settings: Settings) -> AsyncIterator[list[str]]:
    """A stand-in for the hub's HTTP face: it says what it was asked, and gives it to whoever runs it."""
    asked: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = "\n".join(f"{name.decode()}: {value.decode()}" for name, value in scope["headers"])
        body = f"hub {scope['method']} {scope['raw_path'].decode()}\n{headers}".encode()
        asked.append(body.decode())
        kind = b"text/html" if scope["path"] == "/hub/page" else b"text/plain"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})

    config = uvicorn.Config(app, uds=str(settings.socket_dir / "hub.sock"), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield asked
    finally:
        server.should_exit = True
        await task


async def raw(edge: Edge, request: str | bytes) -> bytes:
    """Send bytes as they are, and give all that comes back until the connection ends or nothing more comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    try:
        writer.write(request.encode("latin-1") if isinstance(request, str) else request)
        said = b""
        with contextlib.suppress(TimeoutError):
            while piece := await asyncio.wait_for(reader.read(65536), 1):
                said += piece
        return said
    finally:
        writer.close()


def status_of(said: bytes) -> int:
    """Give the status of the first response in what was said."""
    return int(said.split(b" ", 2)[1])
