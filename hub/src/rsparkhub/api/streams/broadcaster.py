"""Publishes what changes to every subscriber, from one reading of the store.

However many browsers are open, one subscription to the store's notifier and one read each second serve them all; while there are
no subscribers, nothing is read. A notification is a hint and may be missed: the read each second finds what none said. What is
measured of running sessions (memory, the last activity) is not notified, and is read every few seconds.
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
from rsparkhub.log_context import log_once
from rsparkhub.store import Store

log = logging.getLogger(__name__)

_PAGE = 500  # events read at once


class EventBroadcaster:
    """The one reader of the store's changes in this process.

    Parameters
    ----------
    poll
        Seconds between two reads when nothing is notified.
    measure
        Seconds between two reads of what is measured of running sessions.
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
        self._notified: set[str] = set()
        self._published: dict[str, int] = {}  # session → hash of its last message
        self._owners: dict[str, str | None] = {}
        self._queued: dict[str, tuple[Session, int | None]] = {}
        self._being_deleted: set[str] = set()  # deleted, and not yet gone

    @asynccontextmanager
    async def subscribe(self, topic: Topic) -> AsyncIterator[Subscription]:
        """Subscribe: what changes from now on is a message; `snapshot` returns how things are now."""
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
        # Other subscribers have not had this, and this one not what they had: the next change is published to all.
        for session in chosen:
            self._published.pop(session.id, None)
            self._owners[session.id] = session.owner
            if session.state is State.QUEUED:
                self._queued.setdefault(session.id, (session, None))
            if session.wanted is Wanted.DELETED:
                self._being_deleted.add(session.id)
        return [session_message(view, number) for view in await self._serializer.serialize(chosen)]

    def close(self) -> None:
        """End every stream: the server is about to stop, and waits for them."""
        self.closed.set()
        for subscription in self._subscriptions:
            subscription.end()

    def _start(self) -> None:
        self._forget()
        self._reading = asyncio.create_task(self._read(), name="broadcaster")
        self._reading.add_done_callback(self._on_reading_ended)

    def _on_reading_ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled() or self._reading is not task:
            return
        log.error("The broadcaster failed; subscribers connect again.", exc_info=task.exception())
        self._reading = None
        self._started.set()
        for subscription in self._subscriptions:
            subscription.end()

    async def _read(self) -> None:
        self._number = await self._store.events.latest_id()
        self._started.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_notifications())
            tasks.create_task(self._publish_for_ever())

    async def _follow_notifications(self) -> None:
        while True:
            try:
                async for session in self._store.notifier.subscribe("hub"):
                    self._notified.add(session)
                    self._wake.set()
            except (RsparkhubError, OSError) as error:  # the read each second serves meanwhile
                log.warning("Notifications of the store are not received: %s", error)
            await asyncio.sleep(self._poll)

    async def _publish_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        measure_at = loop.time() + self._measure
        while True:
            with suppress(TimeoutError):  # nothing was notified: read all the same
                async with asyncio.timeout(self._poll):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._publish_changes()
                if loop.time() >= measure_at:
                    measure_at = loop.time() + self._measure
                    await self._publish_sessions(await self._running())
            except RsparkhubError as error:  # the database is away for a moment: read again
                log.warning("The broadcaster waits: %s", error)
            except Exception as error:  # a defect; everybody's other sessions are told of all the same
                log_once(log, f"broadcaster {error!r}", "Something that changed can't be told: %r", error)

    async def _publish_changes(self) -> None:
        notified, self._notified = self._notified, set()
        events = await self._new_events()
        # That the last leftovers of a deleted session are gone is no event, so it is read.
        changed = notified | self._being_deleted | {event.session for event in events}
        if not changed:
            return
        try:
            found = [await self._current(each) for each in sorted(changed) if self._has_subscriber(each)]
            for message in progress(events):
                self._publish(message)
            sessions = [session for session in found if session is not None]
            # Whatever happened, and to whomever: those who wait may have moved up.
            await self._publish_sessions(sessions, await self._queue_with(sessions))
        except RsparkhubError:
            self._notified |= changed
            raise

    async def _new_events(self) -> list[Event]:
        found: list[Event] = []
        while page := await self._store.events.since(None, self._number, limit=_PAGE):
            found.extend(page)
            self._number = page[-1].id
        return found

    async def _running(self) -> list[Session]:
        owners = {subscription.topic.owner for subscription in self._subscriptions}
        owner = owners.pop() if len(owners) == 1 else None
        running = await self._store.sessions.list(owner=owner, states={State.RUNNING})
        return [session for session in running if self._has_subscriber(session.id)]

    async def _current(self, session_id: str) -> Session | None:
        try:
            session = await self._store.sessions.get(session_id)
        except NotFound:
            self._publish(deletion(session_id, self._number))
            self._queued.pop(session_id, None)
            self._owners.pop(session_id, None)
            self._published.pop(session_id, None)
            self._being_deleted.discard(session_id)
            return None
        if session.is_service:
            return None
        self._owners[session_id] = session.owner
        if session.wanted is Wanted.DELETED:
            self._being_deleted.add(session_id)
        return session

    async def _queue_with(self, changed: list[Session]) -> dict[str, int]:
        """Return the positions of queued sessions that have a subscriber, and publish each that moved: then all behind do."""
        for session in changed:
            if session.state is State.QUEUED:
                self._queued[session.id] = session, self._queued.get(session.id, (session, None))[1]
            else:
                self._queued.pop(session.id, None)
        self._queued = {each: waits for each, waits in self._queued.items() if self._has_subscriber(each)}
        positions = await self._store.queue.positions() if self._queued else {}
        for session_id, (session, before) in self._queued.items():
            position = positions.get(session_id)
            if position is not None and position != before:
                self._publish(queue(session_id, position, self._number))
            self._queued[session_id] = session, position
        return {each: positions[each] for each in self._queued if each in positions}

    async def _publish_sessions(self, changed: list[Session], positions: dict[str, int] | None = None) -> None:
        waiting = {each: self._queued[each][0] for each in positions or ()}
        sessions = {session.id: session for session in changed} | waiting
        for view in await self._serializer.serialize(list(sessions.values()), positions):
            message = session_message(view, self._number)
            digest = hash((message.data, sessions[view.id].upstream))  # who follows a log waits for its agent
            if self._published.get(view.id) != digest:
                self._published[view.id] = digest
                self._publish(message)

    def _has_subscriber(self, session_id: str) -> bool:
        known = session_id in self._owners
        owner = self._owners.get(session_id)
        return any(each.topic.covers(session_id, owner if known else each.topic.owner) for each in self._subscriptions)

    def _publish(self, message: Message) -> None:
        owner = self._owners.get(message.about)
        # A list no longer has a session that is being deleted; who is subscribed to it alone gets how it ends.
        in_lists = deletion(message.about, message.number) if message.about in self._being_deleted else message
        for subscription in self._subscriptions:
            if subscription.topic.covers(message.about, owner):
                subscription.put(message if subscription.topic.session else in_lists)
