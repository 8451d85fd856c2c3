"""Tells sessions as the API does, with what it takes from elsewhere: the catalog and the queue."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from rsparkhub.api.serializers.views import session_view, without_details
from rsparkhub.catalog import Catalog
from rsparkhub.domain.access import Action
from rsparkhub.domain.environment import Environment
from rsparkhub.domain.errors import EnvironmentInvalid
from rsparkhub.domain.session import Session, State, Wanted
from rsparkhub.domain.user import name_in
from rsparkhub.log_context import log_once
from rsparkhub.store import Store
from rsparkhub.wire.session import SessionView

log = logging.getLogger(__name__)


class SessionSerializer:
    """Makes the JSON of sessions; however many they are, it asks the store a few times at most."""

    def __init__(self, *, store: Store, catalog: Catalog, now: Callable[[], datetime], longest_extension: timedelta) -> None:
        self._store = store
        self._catalog = catalog
        self._now = now
        self._longest_extension = longest_extension

    async def serialize(self, sessions: Sequence[Session], positions: dict[str, int] | None = None) -> list[SessionView]:
        """Return the views of these sessions; `positions` is the queue, where the caller knows it."""
        if positions is None:
            waiting = [session.id for session in sessions if session.state is State.QUEUED]
            positions = await self._store.queue.positions(waiting) if waiting else {}
        deleted = [session for session in sessions if session.wanted is Wanted.DELETED]
        deleted_at = await self._store.sessions.deleted_at([session.id for session in deleted]) if deleted else {}
        # Whoever was removed has sessions for as long as these are being deleted.
        labels = await self._store.people.labels([session.owner for session in deleted]) if deleted else {}
        catalog, now = self._environments(), self._now()
        return [
            self._view(
                session,
                catalog.get(session.environment),
                position=positions.get(session.id),
                owner=labels.get(session.owner or "") or name_in(session.owner or ""),
                deleted_at=deleted_at.get(session.id),
                now=now,
            )
            for session in sessions
        ]

    async def serialize_one(self, session: Session, *, may: Sequence[Action]) -> SessionView:
        """Return the view of one session; `may` is what whoever gets it may do with it."""
        return (await self.serialize([session]))[0].model_copy(update={"may": list(may)})

    def _view(
        self,
        session: Session,
        environment: Environment | None,
        *,
        position: int | None,
        owner: str,
        deleted_at: datetime | None,
        now: datetime,
    ) -> SessionView:
        """Return the view of a session; of one that can't be shown, no more than what it is, so that it can be ended."""
        try:
            return session_view(
                session,
                environment=environment,
                position=position,
                owner=owner,
                now=now,
                longest_extension=self._longest_extension,
                deleted_at=deleted_at,
            )
        except Exception as error:  # whatever it is, the sessions beside it are shown
            log_once(log, f"{session.id} {error}", "Session %s can't be shown: %r", session.id, error)
            return session_view(without_details(session), environment=None, position=position, owner=owner, now=now)

    def _environments(self) -> dict[str, Environment]:
        try:
            return {environment.name: environment for environment in self._catalog.list()}
        except EnvironmentInvalid as error:  # sessions go on without what the catalog says of them
            log.warning("%s", error)
            return {}
