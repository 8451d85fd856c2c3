"""Looks at what runs, often and for nearly nothing: files, and no question to the store.

A session that runs is silent for hours; only what a person, the culling or the edge would notice makes it worth a pass.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from rsparkhub.backends.base import Backend, EnsembleRef
from rsparkhub.domain.errors import RsparkhubError
from rsparkhub.domain.observation import apply_observation, is_significant
from rsparkhub.domain.session import Session, State

log = logging.getLogger(__name__)


class Watch:
    """Remembers the rows of running sessions as they were last saved, and puts those whose observation differs."""

    def __init__(self, *, backend: Backend, enqueue: Callable[[str], None], every: timedelta) -> None:
        self._backend = backend
        self._put = enqueue
        self._every = every
        self._rows: dict[str, Session] = {}

    def saved(self, row: Session) -> None:
        if row.state is State.RUNNING:
            self._rows[row.id] = row
        else:
            self._rows.pop(row.id, None)

    def gone(self, session_id: str) -> None:
        self._rows.pop(session_id, None)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._every.total_seconds())
            for row in list(self._rows.values()):
                if await self._differs(row):
                    self._put(row.id)

    async def _differs(self, row: Session) -> bool:
        try:
            observed = await self._backend.observe(EnsembleRef(row.id, row.generation))
        except (OSError, RsparkhubError) as error:  # a backend that can't be reached now is asked again by the next look
            log.warning("%s could not be looked at: %s", row.id, error)
            return False
        return observed.phase != "up" or is_significant(row, apply_observation(row, observed))
