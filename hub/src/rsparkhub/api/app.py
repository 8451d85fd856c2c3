"""Puts the HTTP face together from its parts. Nothing here is global: two apps in one process share nothing."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute

import rsparkhub
from rsparkhub.api import (
    audit,
    environments,
    groups,
    login,
    logs,
    me,
    problems,
    session_events,
    sessions,
    tokens,
    usage,
    users,
)
from rsparkhub.api.agents import Agents
from rsparkhub.api.body_limit import BoundedBody
from rsparkhub.api.context import Context
from rsparkhub.api.feed import Feed
from rsparkhub.api.forwarded import Forwarded
from rsparkhub.api.hardening import Hardened
from rsparkhub.api.health import health_router
from rsparkhub.api.history import History
from rsparkhub.api.measuring import Measures, Timed
from rsparkhub.api.narrator import Narrator
from rsparkhub.api.pages import pages_router
from rsparkhub.api.schema import describe
from rsparkhub.auth.identity import Authenticator
from rsparkhub.settings import Settings
from rsparkhub.store import Catalog, Store

_PAGES = Path(rsparkhub.__file__).parent / "pages"
_LARGEST_BODY = 1024 * 1024  # bytes
_RESOURCES = (login, me, environments, sessions, session_events, logs, users, groups, tokens, usage, audit)


def _operation_id(route: APIRoute) -> str:
    """Name an operation as a generated client should: `sessions_start`."""
    return f"{route.endpoint.__module__.rpartition('.')[2]}_{route.name}"


def create_app(
    *,
    settings: Settings,
    store: Store,
    authenticator: Authenticator,
    catalog: Catalog,
    pages: Path = _PAGES,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    agent_transport: httpx.AsyncBaseTransport | None = None,
    behind_edge: bool | None = None,
) -> FastAPI:
    """Make the hub's app.

    Parameters
    ----------
    pages
        The folder of the built pages.
    now
        The clock.
    agent_transport
        How agents are reached, where it is not the network.
    behind_edge
        Whether to believe `X-Forwarded-…`; by default, when the request came by a Unix socket.
    """
    history = History(store=store)
    narrator = Narrator(store=store, catalog=catalog, history=history, now=now)
    context = Context(
        settings=settings,
        store=store,
        authenticator=authenticator,
        catalog=catalog,
        history=history,
        narrator=narrator,
        feed=Feed(store=store, narrator=narrator),
        agents=Agents(transport=agent_transport),
        now=now,
    )
    measures = Measures(tally=history.tally)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await history.begin()
        yield
        context.feed.close()
        await context.agents.aclose()

    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=_operation_id,
        redirect_slashes=False,
    )
    app.state.context = context
    problems.install(app)
    for resource in _RESOURCES:
        app.include_router(resource.router)
    describe(app)
    app.include_router(health_router(measures))
    app.include_router(pages_router(pages))
    # The last one added is the first that a request meets.
    app.add_middleware(BoundedBody, most=_LARGEST_BODY)
    app.add_middleware(problems.Unexpected)
    app.add_middleware(Timed, measures=measures)
    app.add_middleware(Hardened)
    app.add_middleware(Forwarded, behind_edge=behind_edge)
    return app
