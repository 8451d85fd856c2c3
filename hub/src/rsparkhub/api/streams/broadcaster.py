"""What changes, told to everybody who listens, from one reading of the store.

However many browsers are open, one listener of the store's bell and one look each second serve them all; while nobody
listens, nothing is read. The bell is a hint and may be missed: the look each second finds what it did not say. What is
measured of running sessions (memory, the last activity) rings no bell, and is looked at every few seconds.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from rsparkhub.api.serializers.sessions import SessionSerializer
from rsparkhub.api.streams.subscription import Message, Subscription, Topic, deletion, progress, queue, session_message
from rsparkhub.domain.errors import NotFound, RsparkhubError
from rsparkhub.domain.event import Event
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.store import Store

log = logging.getLogger(__name__)

_PAGE = 500  # events read at once


class EventBroadcaster:
    """The one reader of the store's changes in this process.

    Parameters
    ----------
    poll
        Seconds between two looks when no bell rings.
    measure
        Seconds between two looks at what is measured of running sessions.
    """

    def __init__(self, *, store: Store, serializer: SessionSerializer, poll: float = 1.0, measure: float = 10.0) -> None:
        self._store = store
        self._serializer = serializer
        self._poll = poll
        self._measure = measure
        self.closed = asyncio.Event()
        self._subscriptions: set[Subscription] = set()
        self._reading: asyncio.Task[None] | None = None
        self._forget()

    def _forget(self) -> None:
        self._wake = asyncio.Event()
        self._started = asyncio.Event()
        self._number = 0  # of the newest event that was read
        self._rung: set[str] = set()
        self._told: dict[str, int] = {}  # session → hash of what was told last
        self._owners: dict[str, str | None] = {}
        self._queued: dict[str, tuple[Session, int | None]] = {}
        self._leaving: set[str] = set()  # deleted, and not yet gone

    @asynccontextmanager
    async def subscribe(self, topic: Topic) -> AsyncIterator[Subscription]:
        """Listen. What changes after this has begun is heard; how things are now is told by `snapshot`."""
        subscription = Subscription(topic)
        self._subscriptions.add(subscription)
        try:
            if self.closed.is_set():
                subscription.end()
            else:
                if self._reading is None:
                    self._start()
                await self._started.wait()
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            if not self._subscriptions and self._reading is not None:
                self._reading.cancel()
                self._reading = None

    async def snapshot(self, sessions: Iterable[Session]) -> list[Message]:
        """Return messages that say how these sessions are now."""
        number, chosen = self._number, list(sessions)
        # Others who listen have not heard this, and this listener not what they have: the next change is told to all.
        for session in chosen:
            self._told.pop(session.id, None)
            self._owners[session.id] = session.owner
            if session.state is State.QUEUED:
                self._queued.setdefault(session.id, (session, None))
            if session.wanted is Wanted.DELETED:
                self._leaving.add(session.id)
        return [session_message(view, number) for view in await self._serializer.serialize(chosen)]

    def close(self) -> None:
        """End every stream: the server is about to stop, and waits for them."""
        self.closed.set()
        for subscription in self._subscriptions:
            subscription.end()

    def _start(self) -> None:
        self._forget()
        self._reading = asyncio.create_task(self._read(), name="feed")
        self._reading.add_done_callback(self._broke)

    def _broke(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled() or self._reading is not task:
            return
        log.error("the feed of changes broke; who listens connects again", exc_info=task.exception())
        self._reading = None
        self._started.set()
        for subscription in self._subscriptions:
            subscription.end()

    async def _read(self) -> None:
        self._number = await self._store.events.latest_id()
        self._started.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear())
            tasks.create_task(self._look())

    async def _hear(self) -> None:
        while True:
            try:
                async for session in self._store.notifier.subscribe("hub"):
                    self._rung.add(session)
                    self._wake.set()
            except (RsparkhubError, OSError) as error:  # the look each second serves meanwhile
                log.warning("the store's bell is not heard: %s", error)
            await asyncio.sleep(self._poll)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        measure_at = loop.time() + self._measure
        while True:
            with suppress(TimeoutError):  # no bell rang: look all the same
                async with asyncio.timeout(self._poll):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._tell_news()
                if loop.time() >= measure_at:
                    measure_at = loop.time() + self._measure
                    await self._tell_sessions(await self._running())
            except RsparkhubError as error:  # the database is away for a moment: look again
                log.warning("the feed of changes waits: %s", error)

    async def _tell_news(self) -> None:
        notified, self._rung = self._rung, set()
        events = await self._news()
        # That the last traces of a deleted session are gone is no event: who waits for it, looks.
        changed = notified | self._leaving | {event.session for event in events}
        if not changed:
            return
        try:
            found = [await self._look_up(each) for each in sorted(changed) if self._is_heard(each)]
            for message in progress(events):
                self._publish(message)
            sessions = [session for session in found if session is not None]
            # Whatever happened, and to whomever: those who wait may have moved up.
            await self._tell_sessions(sessions, await self._queue_with(sessions))
        except RsparkhubError:
            self._rung |= changed
            raise

    async def _news(self) -> list[Event]:
        news: list[Event] = []
        while page := await self._store.events.since(None, self._number, limit=_PAGE):
            news.extend(page)
            self._number = page[-1].id
        return news

    async def _running(self) -> list[Session]:
        owners = {subscription.topic.owner for subscription in self._subscriptions}
        owner = owners.pop() if len(owners) == 1 else None
        running = await self._store.sessions.list(owner=owner, states={State.RUNNING})
        return [session for session in running if self._is_heard(session.id)]

    async def _look_up(self, session_id: str) -> Session | None:
        try:
            session = await self._store.sessions.get(session_id)
        except NotFound:
            self._publish(deletion(session_id, self._number))
            self._queued.pop(session_id, None)
            self._owners.pop(session_id, None)
            self._told.pop(session_id, None)
            self._leaving.discard(session_id)
            return None
        if session.is_service:
            return None
        self._owners[session_id] = session.owner
        if session.wanted is Wanted.DELETED:
            self._leaving.add(session_id)
        return session

    async def _queue_with(self, changed: list[Session]) -> dict[str, int]:
        """Return the places of those who wait and are heard, and publish each that moved: when one leaves, all behind move up."""
        for session in changed:
            if session.state is State.QUEUED:
                self._queued[session.id] = session, self._queued.get(session.id, (session, None))[1]
            else:
                self._queued.pop(session.id, None)
        self._queued = {each: waits for each, waits in self._queued.items() if self._is_heard(each)}
        positions = await self._store.queue.positions() if self._queued else {}
        for session_id, (session, before) in self._queued.items():
            position = positions.get(session_id)
            if position is not None and position != before:
                self._publish(queue(session_id, position, self._number))
            self._queued[session_id] = session, position
        return {each: positions[each] for each in self._queued if each in positions}

    async def _tell_sessions(self, changed: list[Session], positions: dict[str, int] | None = None) -> None:
        waiting = {each: self._queued[each][0] for each in positions or ()}
        sessions = {session.id: session for session in changed} | waiting
        for view in await self._serializer.serialize(list(sessions.values()), positions):
            message = session_message(view, self._number)
            told = hash((message.data, sessions[view.id].upstream))  # who waits for a log waits for its agent
            if self._told.get(view.id) != told:
                self._told[view.id] = told
                self._publish(message)

    def _is_heard(self, session_id: str) -> bool:
        known = session_id in self._owners
        owner = self._owners.get(session_id)
        return any(each.topic.covers(session_id, owner if known else each.topic.owner) for each in self._subscriptions)

    def _publish(self, message: Message) -> None:
        owner = self._owners.get(message.about)
        # A list no longer has a session that is being deleted; who listens to it alone hears how it ends.
        in_lists = deletion(message.about, message.number) if message.about in self._leaving else message
        for subscription in self._subscriptions:
            if subscription.topic.covers(message.about, owner):
                subscription.put(message if subscription.topic.session else in_lists)
