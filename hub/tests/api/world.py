"""A small installation for tests of the API: people, a catalog, a clock, and a controller that does what it is told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI

from rspark_contract.saved import Saved
from rspark_contract.status import ComponentState
from rsparkhub.api import Server, create_app
from rsparkhub.auth.identity import Authenticator
from rsparkhub.auth.passwords import Passwords
from rsparkhub.auth.tokens import session_token
from rsparkhub.catalog import Catalog
from rsparkhub.domain.scope import EVERYTHING, Scope
from rsparkhub.domain.session import Component, LastExit, Session, State
from rsparkhub.installed.schema import environment_schema
from rsparkhub.settings import Settings
from rsparkhub.store import Store

URL = "http://hub.example"
OWN = {"Origin": URL}

_ENVIRONMENT = """\
apiVersion: rsparkhub/v1
kind: Environment
metadata: {{name: {name}, title: {title}, description: For tests.}}
spec:
  interface: {interface}
  resources: {{cpu: 2, memory: 4Gi}}
  services: {{postgres: {{scope: shared}}}}
  lifecycle: {{idle: 2h, longest: 24h}}
  access: {{groups: [{group}]}}
"""


class Clock:
    """A time that stands until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **by: float) -> datetime:
        self.time += timedelta(**by)
        return self.time


class Controller:
    """Writes what a controller would observe, through the store as a controller does."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self.now = now

    async def observe(self, session_id: str, **seen: Any) -> Session:
        claimed = await self._store.leases.claim_one(session_id, holder="test", now=self.now(), lease=timedelta(seconds=15))
        assert claimed is not None
        after = replace(claimed.session, **seen)
        assert await self._store.leases.save(claimed, after, holder="test", next_reconcile_at=None, now=self.now())
        return after

    async def start(self, session_id: str, *, upstream: str = "127.0.0.1:1") -> Session:
        """A start that has begun: the agent is there, and the first part starts."""
        before = await self._store.sessions.get(session_id)
        return await self.observe(
            session_id,
            state=State.RESUMING if before.generation else State.STARTING,
            generation=before.generation + 1,
            started=self.now(),
            upstream=upstream,
            secret="s3cret",
            components=(Component(name="interface", title="Terminal", state=ComponentState.STARTING),),
        )

    async def run(self, session_id: str, *, upstream: str = "127.0.0.1:1") -> Session:
        """A start that has come to its end."""
        await self.start(session_id, upstream=upstream)
        ready = (Component(name="interface", title="Terminal", state=ComponentState.READY),)
        return await self.observe(session_id, state=State.RUNNING, ready=self.now(), components=ready)

    async def end(self, session_id: str, state: State, *, code: int | None = 0, reason: str | None = None) -> Session:
        return await self.observe(
            session_id,
            state=state,
            reason=reason,
            ended=self.now(),
            upstream=None,
            components=(Component(name="interface", title="Terminal", state=ComponentState.ENDED),),
            last_exit=LastExit(code=code, saved=Saved(), at=self.now()),
        )


@dataclass(kw_only=True)
class World:
    settings: Settings
    store: Store
    clock: Clock
    pages: Path
    authenticator: Authenticator
    controller: Controller
    app: FastAPI
    transport: httpx.AsyncBaseTransport
    server: Server | None = None
    serving: asyncio.Task[None] | None = None
    _clients: list[httpx.AsyncClient] = field(default_factory=list)

    async def add_person(self, name: str, *, admin: bool = False) -> None:
        await self.store.users.add(name, admin=admin, now=self.clock())

    def nobody(self, **headers: str) -> httpx.AsyncClient:
        """A client that is not signed in."""
        client = httpx.AsyncClient(transport=self.transport, base_url=URL, headers=headers, timeout=20)
        self._clients.append(client)
        return client

    async def program(self, name: str, *scopes: Scope) -> httpx.AsyncClient:
        """A program of this person: a token, which may do everything or has these scopes."""
        given = frozenset(scopes) or EVERYTHING
        _, token = await self.authenticator.make_token(name, name="test", scopes=given, now=self.clock())
        return self.nobody(Authorization=f"Bearer {token}")

    async def browser(self, name: str, **headers: str) -> httpx.AsyncClient:
        """A browser of this person: a cookie, and the headers that it sends by itself."""
        link = await self.authenticator.make_link(name, now=self.clock())
        made = await self.authenticator.sign_in_with_link(link, now=self.clock())
        return self.nobody(Cookie=f"rsparkhub={made.token}", **(headers or OWN))

    async def in_session(self, session_id: str) -> httpx.AsyncClient:
        """A program inside of a session, with the session's own token."""
        token = session_token(await self.store.sessions.get(session_id))
        return self.nobody(Authorization=f"Bearer {token}")

    async def session_of(self, owner: str, environment: str = "rspark", *, name: str = "A session") -> str:
        """A session in the queue."""
        session, _ = await self.store.sessions.create(owner=owner, environment=environment, name=name, now=self.clock())
        return session.id

    async def aclose(self) -> None:
        for client in self._clients:
            await client.aclose()


def add_environment(folder: Path, name: str, *, title: str, group: str = "everyone", interface: str = "terminal") -> None:
    text = _ENVIRONMENT.format(name=name, title=title, group=group, interface=interface)
    (folder / f"{name}.yaml").write_text(text)


def write_catalog(folder: Path) -> Path:
    folder.mkdir()
    for name, title, group in (("rspark", "RSpark", "everyone"), ("lab", "The lab", "lab")):
        add_environment(folder, name, title=title, group=group)
    return folder


def write_pages(folder: Path) -> Path:
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>RSparkHub</title>")
    (folder / "index.de.html").write_text('<!doctype html><html lang="de"><title>RSparkHub</title>')
    (folder / "assets" / "index-4f2a.js").write_text("export {}")
    (folder / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    return folder


_schema = cache(environment_schema)


def make_app(
    *,
    settings: Settings,
    store: Store,
    clock: Callable[[], datetime],
    folder: Path,
    pages: Path,
    behind_edge: bool | None = True,
    trust: str | None = None,
) -> tuple[FastAPI, Authenticator]:
    # Hashed weakly: that passwords are hashed strongly is what the tests of `auth` hold, and each would cost a second here.
    weak = Passwords(hasher=PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    authenticator = Authenticator(store, settings, passwords=weak)
    catalog = Catalog((write_catalog(folder / "environments"),), _schema())
    app = create_app(
        settings=settings, store=store, authenticator=authenticator, catalog=catalog, pages=pages, now=clock,
        behind_edge=behind_edge, trust=trust,
    )  # fmt: skip
    return app, authenticator
