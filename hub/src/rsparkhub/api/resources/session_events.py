"""Server-sent events: one session's way to where it is wanted, and the page's list of sessions.

A stream begins with how things are, so that a client that comes late or comes back misses nothing that matters; what
`Last-Event-ID` adds are the parts' changes in between and the deletions.
"""

import logging
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from rsparkhub.api.context import AppContext, Context
from rsparkhub.api.identity import SessionId, find_access, person, reader
from rsparkhub.api.language import ENGLISH
from rsparkhub.api.problems import responses
from rsparkhub.api.resources.sessions import AllQuery, whose
from rsparkhub.api.streams.responses import while_allowed
from rsparkhub.api.streams.subscription import Message, Topic, deletion, progress
from rsparkhub.domain.access import Identity
from rsparkhub.domain.errors import NotFound, RsparkhubError
from rsparkhub.domain.event import Event
from rsparkhub.domain.scope import Scope
from rsparkhub.domain.session import Session, Wanted
from rsparkhub.domain.stuck import LONG
from rsparkhub.wire.stream import StreamData

log = logging.getLogger(__name__)

router = APIRouter(prefix="/hub/api", tags=["events"])

Person = Annotated[Identity, person(Scope.SESSIONS)]
Reader = Annotated[Identity, reader(Scope.SESSIONS)]

_HEARTBEAT = 15  # seconds
_GOODBYE = 2.0  # seconds that a stream has to end by itself when the server stops
_RETRY = 1000  # milliseconds after which a browser connects again
_PAGE = 1000  # events read at once

LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", pattern=r"^[0-9]{1,18}$", description="Where a broken stream goes on.")
]
_EVENT = {
    "type": "object",
    "required": ["event", "data", "id"],
    "properties": {
        "event": {"enum": list(StreamData.model_fields)},
        "id": {"type": "string", "description": "What to send as Last-Event-ID to go on from here."},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "The property of StreamData that is named as the event.",
        },
    },
}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "A stream of events.", "content": {"text/event-stream": {"itemSchema": _EVENT}}}
}


class EventStream(EventSourceResponse):
    """A stream with the hub's heartbeat, which ends cleanly when the server stops or the client goes."""

    def __init__(self, messages: AsyncGenerator[Message, None], context: AppContext) -> None:
        super().__init__(
            _events(messages, context),
            ping=_HEARTBEAT,
            ping_message_factory=lambda: ServerSentEvent(comment="still here"),
            sep="\n",
            shutdown_grace_period=_GOODBYE,
        )


async def _events(messages: AsyncGenerator[Message, None], context: AppContext) -> AsyncGenerator[ServerSentEvent, None]:
    yield ServerSentEvent(retry=_RETRY)
    try:
        async for message in messages:
            yield ServerSentEvent(_data(message, context), event=message.event, id=str(message.number))
    except RsparkhubError as error:  # the answer has begun: it ends, and the client comes back
        log.warning("a stream of events ended: %s", error)


def _data(message: Message, context: AppContext) -> str:
    """Return what a message says; of a session in the language of the listener, where that isn't everybody's."""
    if message.session is None or context.language == ENGLISH:
        return message.data
    return context.in_words([message.session])[0].model_dump_json()


@router.get(
    "/sessions/{id}/events",
    summary="A session's news",
    response_class=EventSourceResponse,
    responses={**_STREAM, **responses(401, 403, 404, 422, 429)},
)
async def session_events(
    *,
    session_id: SessionId,
    request: Request,
    identity: Reader,
    context: Context,
    watch: Annotated[bool, Query(description="Go on when it is ready or has ended.")] = False,
    last: LastEventId = None,
) -> EventSourceResponse:
    """`session` (its JSON, at first and at each change), `progress` {part, state, reason}, `queue` {position}, `deleted`.

    Ends when the session is ready or has ended.
    """
    access = await find_access(context, identity, session_id)
    context.places.check(identity)
    messages = _session_messages(context, access.session, watch=watch, last=last)
    return EventStream(while_allowed(messages, request=request, context=context, identity=identity, access=access), context)


@router.get(
    "/events",
    summary="News of all your sessions",
    response_class=EventSourceResponse,
    responses={**_STREAM, **responses(401, 403, 422, 429)},
)
async def events(
    request: Request, identity: Person, context: Context, everybody: AllQuery = False, last: LastEventId = None
) -> EventSourceResponse:
    """`session` for each of them at first and at each change, `progress`, `queue`, and `deleted` {id}. Doesn't end."""
    owner = await whose(context, identity, None, everybody)
    context.places.check(identity)
    messages = _list_messages(context, owner, last=last)
    return EventStream(while_allowed(messages, request=request, context=context, identity=identity), context)


async def _session_messages(
    context: AppContext, session: Session, *, watch: bool, last: str | None
) -> AsyncGenerator[Message, None]:
    async with context.broadcaster.subscribe(Topic(session=session.id, owner=session.owner)) as subscription:
        try:
            session = await context.store.sessions.get(session.id)  # as it is since the feed listens
        except NotFound:
            yield deletion(session.id, int(last or 0))
            return
        if last is not None:
            for message in progress([event async for event in _missed(context, session.id, int(last), session.owner)]):
                yield message
        for message in await context.broadcaster.snapshot([session]):
            yield message
            if _is_last(message, watch=watch):
                return
        async for message in subscription.messages():
            yield message
            if _is_last(message, watch=watch):
                return


async def _list_messages(context: AppContext, owner: str | None, *, last: str | None) -> AsyncGenerator[Message, None]:
    async with context.broadcaster.subscribe(Topic(owner=owner)) as subscription:
        long_ago = context.now() - LONG if owner is None else None
        sessions = await context.store.sessions.list(owner=owner, deleted_before=long_ago)
        if last is not None:
            async for event in _missed(context, None, int(last), owner):
                if event.kind == "wanted" and event.data.get("wanted") == Wanted.DELETED:
                    yield deletion(event.session, event.id)
        for message in await context.broadcaster.snapshot(sessions):
            yield message
        async for message in subscription.messages():
            yield message


async def _missed(context: AppContext, session_id: str | None, after: int, owner: str | None) -> AsyncGenerator[Event, None]:
    while page := await context.store.events.since(session_id, after, owner=owner, limit=_PAGE):
        for event in page:
            yield event
        after = page[-1].id


def _is_last(message: Message, *, watch: bool) -> bool:
    if message.event == "deleted":
        return True
    return message.session is not None and message.session.settled and not watch
