"""What was used and what was done, seen from outside."""

from collections.abc import AsyncGenerator
from datetime import datetime

from rsparkhub.client.connection import Connection
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
        self, *, session: str | None = None, owner: str | None = None, after: int = 0
    ) -> AsyncGenerator[EventView, None]:
        """Return what happened, oldest first; for administrators."""
        following: int | None = after
        while following is not None:
            params = {"session": session, "owner": owner, "after": following}
            page = await self._connection.ask(Audit, "GET", "/audit", params=params, again=True)
            for event in page.events:
                yield event
            following = page.next
