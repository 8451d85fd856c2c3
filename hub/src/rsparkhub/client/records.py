"""What was used and what was done, seen from outside."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

from rsparkhub.client.connection import Connection
from rsparkhub.domain.event import EventKind
from rsparkhub.wire.record import Audit, EventView, Usage


class Records:
    """The bill, and the history."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def usage(
        self, *, since: datetime | None = None, until: datetime | None = None, everybody: bool = False, owner: str | None = None
    ) -> Usage:
        """Return what you used; for administrators also what others did."""
        params = {
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "all": "true" if everybody else None,
            "owner": owner,
        }
        return await self._connection.ask(Usage, "GET", "/usage", params=params, again=True)

    async def audit(
        self,
        *,
        person: str | None = None,
        session: str | None = None,
        kinds: Sequence[EventKind] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: int | None = None,
    ) -> AsyncGenerator[EventView, None]:
        """Return what happened, newest first, or with `after` what came after that event, oldest first; for administrators.

        `person` did it, or it is about their session or account; `session` is a session's id, or the name of some.
        """
        chosen = {
            "person": person,
            "session": session,
            "kind": list(kinds) if kinds else None,
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
        }
        way, place = ("before", None) if after is None else ("after", after)
        while True:
            page = await self._connection.ask(Audit, "GET", "/audit", params={**chosen, way: place}, again=True)
            for event in page.events:
                yield event
            if page.next is None:
                return
            place = page.next
