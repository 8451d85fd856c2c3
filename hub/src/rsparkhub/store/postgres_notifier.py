"""Notifications by PostgreSQL's LISTEN and NOTIFY, for hubs and controllers on several machines."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import URL

from rsparkhub.domain.errors import Unavailable
from rsparkhub.store.database import Database
from rsparkhub.store.notifier import EVERYTHING, About, Inbox, Notifier, SocketNotifier, message

_CHANNEL = "rsparkhub"
_NOTIFY = sa.text("SELECT pg_notify(:channel, message) FROM unnest(CAST(:messages AS text[])) AS message")
_PATIENCE = 2.0  # seconds between two tries to reach a server that is away
log = logging.getLogger(__name__)


class PostgresNotifier(Notifier):
    """Notifies through the database; receives from the folder of this machine too, where agents write."""

    def __init__(self, database: Database, url: URL, folder: SocketNotifier | None) -> None:
        self._database = database
        self._conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._folder = folder
        self._waiting: dict[str, None] = {}
        self._sending = asyncio.Lock()

    async def notify(self, *session_ids: str, about: About | None = None) -> None:
        self._waiting.update((message(session_id, about), None) for session_id in session_ids)
        async with self._sending:
            if not self._waiting:  # who sent before took these along
                return
            messages, self._waiting = list(self._waiting), {}
            try:
                await self._database.change(_NOTIFY, {"channel": _CHANNEL, "messages": messages})
            except Unavailable as error:  # what it was about is written already, and found in time
                log.warning("Notifications were not sent: %s", error)

    async def subscribe(self, name: str, *, about: Iterable[About] = EVERYTHING) -> AsyncIterator[str]:
        inbox = Inbox(about)
        with contextlib.ExitStack() as stack:
            if self._folder is not None:
                stack.enter_context(self._folder.into(inbox, name))
            listener = asyncio.create_task(self._receive(inbox), name="notifications")
            try:
                async for session_id in inbox:
                    yield session_id
            finally:
                listener.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await listener

    async def _receive(self, inbox: Inbox) -> None:
        """Receive from the server for ever; while it is away, sessions are reconciled by the clock alone."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._conninfo, autocommit=True, application_name="rsparkhub notifications"
                ) as connection:
                    await connection.execute(f"LISTEN {_CHANNEL}")
                    async for notification in connection.notifies():
                        inbox.receive(notification.payload)
            except psycopg.OperationalError as error:
                log.warning("No notifications arrive until the database answers again: %s", error)
            await asyncio.sleep(_PATIENCE)  # only asking shows when a server is back
