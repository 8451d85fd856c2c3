"""Puts the HTTP face together from its parts. Two apps in one process share the table of calls, and no state."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

import rsparkhub
from rsparkhub.agents import AgentClient
from rsparkhub.api import problems
from rsparkhub.api.bounded_http import most_connections
from rsparkhub.api.context import AppContext
from rsparkhub.api.metrics import Metrics
from rsparkhub.api.middleware import (
    BodyLimitMiddleware,
    ForwardedHeadersMiddleware,
    KnownHostMiddleware,
    MetricsMiddleware,
    OwnCookiesMiddleware,
    RequestIdMiddleware,
    SecurityHeadersMiddleware,
    UnexpectedErrorMiddleware,
)
from rsparkhub.api.rate import Rate
from rsparkhub.api.resources import (
    audit,
    courses,
    coursework,
    environments,
    groups,
    handouts,
    login,
    logs,
    me,
    removed_groups,
    removed_users,
    roster,
    session_events,
    sessions,
    shares,
    sign_in_elsewhere,
    tokens,
    usage,
    users,
)
from rsparkhub.api.resources.health import health_router
from rsparkhub.api.resources.pages import pages_router
from rsparkhub.api.schema import describe
from rsparkhub.api.serializers.sessions import SessionSerializer
from rsparkhub.api.streams.broadcaster import EventBroadcaster
from rsparkhub.api.streams.places import StreamPlaces
from rsparkhub.auth.identity import Authenticator
from rsparkhub.auth.revocation import Revocations
from rsparkhub.auth.session_host import SessionHostSignIn
from rsparkhub.auth.visits import Visits
from rsparkhub.catalog import Catalog
from rsparkhub.settings import Settings, known_hosts
from rsparkhub.store import Store

_PAGES = Path(rsparkhub.__file__).parent / "pages"
_LARGEST_BODY = 1024 * 1024  # bytes
_RESOURCES = (
    login, sign_in_elsewhere, me, environments, sessions, session_events, logs, handouts, shares, users, roster, removed_users,
    groups, courses, coursework, removed_groups, tokens, usage, audit,
)  # fmt: skip


def _operation_id(route: APIRoute) -> str:
    """Name an operation as a generated client should: `sessions_start`."""
    return f"{route.endpoint.__module__.rpartition('.')[2]}_{route.name}"


@cache
def _resource_routes() -> tuple[BaseRoute, ...]:
    """Return the routes of all resources: FastAPI reads what a call takes once, at its first request."""
    table = FastAPI(generate_unique_id_function=_operation_id, docs_url=None, redoc_url=None, openapi_url=None)
    for resource in _RESOURCES:
        table.include_router(resource.router)
    return tuple(table.routes)


def create_app(
    *,
    settings: Settings,
    store: Store,
    authenticator: Authenticator,
    catalog: Catalog,
    uses_images: bool = False,
    trust: str | None = None,
    archives: bool = False,
    pages: Path = _PAGES,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    behind_edge: bool | None = None,
) -> FastAPI:
    """Make the hub's app.

    Parameters
    ----------
    uses_images
        Whether sessions run in images.
    trust
        What is said where people are not apart, once there are two.
    archives
        Whether the home of somebody who is removed can be archived.
    pages
        The folder of the built pages.
    now
        The clock.
    behind_edge
        Whether to believe `X-Forwarded-…`; by default, when the request came by a Unix socket.
    """
    serializer = SessionSerializer(store=store, catalog=catalog, now=now, longest_extension=settings.longest_extension)
    context = AppContext(
        settings=settings,
        store=store,
        authenticator=authenticator,
        catalog=catalog,
        uses_images=uses_images,
        trust=trust,
        archives=archives,
        serializer=serializer,
        broadcaster=EventBroadcaster(store=store, serializer=serializer),
        places=StreamPlaces(most=most_connections() // 2),
        change_rate=Rate("changes", burst=600, refill=timedelta(minutes=10), clock=now),
        page_rate=Rate("changes from a session's own page", burst=30, refill=timedelta(minutes=10), clock=now),
        session_rate=Rate(
            "sessions", burst=max(60, 2 * settings.most_sessions_per_person), refill=timedelta(minutes=10), clock=now
        ),
        token_rate=Rate("tokens", burst=60, refill=timedelta(hours=1), clock=now),
        link_rate=Rate("sign-in links for one person", burst=60, refill=timedelta(minutes=10), clock=now),
        agents=AgentClient(),
        log_visits=Visits(store, "log", now=now),
        revocations=Revocations(store.notifier),
        session_hosts=SessionHostSignIn(store.credentials, settings),
        now=now,
    )
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        context.broadcaster.close()
        await context.agents.aclose()
        await context.revocations.close()

    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.context = context
    problems.install(app)
    app.router.routes.extend(_resource_routes())
    describe(app)
    app.include_router(health_router(metrics))
    app.include_router(pages_router(pages))
    # The last one added is the first that a request meets.
    app.add_middleware(BodyLimitMiddleware, most=_LARGEST_BODY, most_of_files=settings.course_room.file)
    app.add_middleware(OwnCookiesMiddleware)
    app.add_middleware(UnexpectedErrorMiddleware)
    app.add_middleware(KnownHostMiddleware, hosts=known_hosts(settings))
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    app.add_middleware(SecurityHeadersMiddleware)
    app.add_middleware(RequestIdMiddleware)
    app.add_middleware(ForwardedHeadersMiddleware, behind_edge=behind_edge)
    return app
