"""Logs of a session's parts: from its agent while it runs, the kept ends of them when it has ended."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import SessionId, courses_of, find_access, reader
from rsparkhub.api.problems import responses
from rsparkhub.api.streams.responses import FollowedText, while_allowed
from rsparkhub.api.streams.subscription import Topic
from rsparkhub.auth.visits import visit_of
from rsparkhub.domain.access import Action, Identity, Installation, may
from rsparkhub.domain.errors import NotFound, RsparkhubError, Unavailable
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.session import LIVE, Session, State
from rsparkhub.wire.session import LogServices

router = APIRouter(prefix="/hub/api/sessions", tags=["sessions"])

Reader = Annotated[Identity, reader(Scope.SESSIONS)]

_AGENT = "agent"  # every ensemble has one, and it has a log
_TEXT = "text/plain; charset=utf-8"
_TAIL = 64 * 1024  # bytes
_MOST = 10 * 1024 * 1024
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The log; without `service`, the parts that have one.",
        "content": {
            "text/plain": {"schema": {"type": "string"}},
            "application/json": {"schema": {"$ref": "#/components/schemas/LogServices"}},
        },
    }
}


@router.get(
    "/{id}/logs",
    summary="The log of one part",
    response_model=None,
    response_class=PlainTextResponse,
    responses={**_ANSWERS, **responses(401, 403, 404, 422, 429)},
)
async def logs(
    *,
    session_id: SessionId,
    request: Request,
    identity: Reader,
    context: Context,
    service: Annotated[
        str | None, Query(max_length=64, pattern=r"^[A-Za-z0-9_.-]+$", description="The part; `agent` is the session itself.")
    ] = None,
    follow: Annotated[bool, Query(description="Go on with what is written from now on, until the session ends.")] = False,
    tail: Annotated[int, Query(ge=0, le=_MOST, description="Bytes of what was written before, at most.")] = _TAIL,
) -> Response:
    """The end of the log, as text; a log that is followed ends with the session."""
    access = await find_access(context, identity, session_id, to=Action.READ_LOG)
    session = access.session
    if service is None:
        return JSONResponse(LogServices(services=await _readable(context, identity, session)).model_dump())
    if identity.user.id != session.owner:
        courses = await courses_of(context, identity, session)
        await context.log_visits.note(visit_of(identity.user, session, courses))
    session = await _source(context, identity, session, service)
    if not follow:
        return StreamingResponse(await _log(context, session, service, tail=tail), media_type=_TEXT)
    context.places.check(identity)
    if not _is_on_its_way(session):  # so that what is wrong is said before an answer has begun
        log = await _log(context, session, service, tail=tail, follow=True)
    else:
        log = _log_when_it_runs(context, session, service, tail=tail)
    log = while_allowed(log, request=request, context=context, identity=identity, access=access, to=Action.READ_LOG)
    return FollowedText(log, closed=context.broadcaster.closed)


async def _source(context: AppContext, identity: Identity, session: Session, service: str) -> Session:
    """Return the row whose log is meant: the session's own, or that of a shared service, in which there may be others' doings.

    Raises
    ------
    NotFound
        When it is a shared service's, and somebody asks who is no administrator.
    """
    title = _shared(context, session).get(service)
    if title is None:
        return session
    if not may(identity, Action.READ, Installation()):
        raise NotFound(f"{title} is shared, and its log is for administrators.")
    return await context.store.sessions.get(service)


def _is_on_its_way(session: Session) -> bool:
    if session.state is State.QUEUED:
        return True
    return session.state in {State.STARTING, State.RESUMING} and session.upstream is None


async def _readable(context: AppContext, identity: Identity, session: Session) -> list[str]:
    """Return the parts whose log whoever asks may read."""
    services = await _services(context, session)
    if may(identity, Action.READ, Installation()):
        return services
    shared = _shared(context, session)
    return [each for each in services if each not in shared]


def _shared(context: AppContext, session: Session) -> dict[str, str]:
    """Return the titles of the shared services of a session's environment, by name."""
    try:
        services = context.catalog.get(session.environment).spec.services
    except NotFound:  # the environment is gone
        return {}
    return {name: choice.title for name, choice in services.items() if choice.is_shared}


async def _services(context: AppContext, session: Session) -> list[str]:
    kept = await context.store.logs.get(session.id)
    parts = [part.name for part in session.components]
    return list(dict.fromkeys([*parts, *([_AGENT] if parts else []), *kept]))


async def _log(
    context: AppContext, session: Session, service: str, *, tail: int, follow: bool = False
) -> AsyncGenerator[bytes, None]:
    if session.state in LIVE and session.upstream is not None:
        try:
            return await context.agents.log(session.upstream, session.secret or "", service, tail=tail, follow=follow)
        except Unavailable:
            # It may have ended since its row was read; then its log is kept.
            kept = await context.store.logs.get(session.id)
            if service not in kept:
                raise
    return _piece(await _kept(context, session, service), tail)


async def _kept(context: AppContext, session: Session, service: str) -> str:
    kept = await context.store.logs.get(session.id)
    if service in kept:
        return kept[service]
    if service in await _services(context, session):
        return ""  # it has not written anything yet
    raise NotFound(f"The session has no log of {service}. Ask without a service for those that there are.")


async def _piece(text: str, tail: int) -> AsyncGenerator[bytes, None]:
    data = text.encode()
    yield data[max(0, len(data) - tail) :]


async def _log_when_it_runs(context: AppContext, session: Session, service: str, *, tail: int) -> AsyncGenerator[bytes, None]:
    """Wait until the agent is there, or it is clear that it never will be; then follow its log."""
    try:
        async with context.broadcaster.subscribe(Topic(session=session.id, owner=session.owner)) as subscription:
            news = subscription.messages()
            while _is_on_its_way(session := await context.store.sessions.get(session.id)):
                if await anext(news, None) is None:
                    return
        async with aclosing(await _log(context, session, service, tail=tail, follow=True)) as log:
            async for piece in log:
                yield piece
    except RsparkhubError as error:  # the answer has begun: what is wrong can only be said in it
        yield f"{error}\n".encode()
