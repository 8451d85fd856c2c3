"""One listener's place in the feed: what it listens to, and what it has not heard yet."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from rsparkhub.domain.event import Event
from rsparkhub.log_context import log_once
from rsparkhub.wire.session import SessionView
from rsparkhub.wire.stream import Deleted, Progress, Queue

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One session, or all of one owner, or all."""

    session: str | None = None
    owner: str | None = None

    def covers(self, session: str, owner: str | None) -> bool:
        """Whether a change of this session belongs to the topic; `owner` is None where it is not known."""
        if self.session is not None:
            return session == self.session
        return self.owner is None or owner == self.owner


@dataclass(frozen=True, kw_only=True)
class Message:
    """One server-sent event. `number` is the newest event of the store that it tells of: where a client resumes."""

    event: Literal["session", "progress", "queue", "deleted"]
    about: str  # the session
    part: str = ""
    number: int
    data: str
    session: SessionView | None = None


def session_message(view: SessionView, number: int) -> Message:
    """Make the message of how a session is."""
    return Message(event="session", about=view.id, number=number, data=view.model_dump_json(), session=view)


def queue(session: str, position: int, number: int) -> Message:
    """Make the message of a session's place in the queue."""
    data = Queue(session=session, position=position).model_dump_json()
    return Message(event="queue", about=session, number=number, data=data)


def deletion(session: str, number: int) -> Message:
    """Make the message that a session is no more."""
    return Message(event="deleted", about=session, number=number, data=Deleted(id=session).model_dump_json())


def progress(events: Iterable[Event]) -> list[Message]:
    """Make the messages of what these events say of components; an event that can't be read says nothing."""
    return [message for event in events if event.kind == "part" and (message := _progress(event)) is not None]


def _progress(event: Event) -> Message | None:
    names = ("part", "title", "state", "reason")
    try:
        told = Progress.model_validate({"session": event.session, **{name: event.data.get(name) for name in names}})
    except ValidationError as error:
        log_once(log, f"event {event.id}", "Event %s of session %s can't be read: %s", event.id, event.session, error)
        return None
    return Message(event="progress", about=event.session, part=told.part, number=event.id, data=told.model_dump_json())


class Subscription:
    """What one listener has still to hear.

    A later message about the same thing takes the place of an earlier one, so that a slow listener costs as much memory
    as what it listens to, hears nothing twice, and always hears how things are in the end.
    """

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self._pending: dict[tuple[str, str, str], Message] = {}
        self._wake = asyncio.Event()
        self._ended = False

    def put(self, message: Message) -> None:
        """Queue a message for the listener."""
        key = (message.event, message.about, message.part)
        self._pending.pop(key, None)  # so that it moves to the end
        self._pending[key] = message
        self._wake.set()

    def end(self) -> None:
        """End the subscription once its messages are read."""
        self._ended = True
        self._wake.set()

    async def messages(self) -> AsyncGenerator[Message, None]:
        """Yield messages as they come, until the end."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._pending:
                yield self._pending.pop(next(iter(self._pending)))
            if self._ended:
                return
