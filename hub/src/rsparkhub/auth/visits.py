"""Writes into the audit that somebody looks into another's session, and tells its owner where it is by no share of theirs."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from rsparkhub.domain.course import Course, taught_by
from rsparkhub.domain.errors import Unavailable
from rsparkhub.domain.session import Session
from rsparkhub.domain.user import User
from rsparkhub.store import Store
from rsparkhub.store.events import By

log = logging.getLogger(__name__)

#: A page makes hundreds of requests: that somebody is there is written once an hour.
EVERY = timedelta(hours=1)
_MOST = 10_000


class Visit(NamedTuple):
    """Who looks into whose session, by their ids; `group` is the one in which they teach the owner.

    The owner is `told` of instructors and administrators; of others, whom they let in, the audit alone.
    """

    person: str
    session: str
    owner: str | None
    group: str | None = None
    told: bool = False


def visit_of(user: User, session: Session, courses: Iterable[Course]) -> Visit:
    """Return what is noted when a user looks into the session of another; `courses` are those in which its owner is taught."""
    # By the rule of one of these they are let in; where none has it, by a share.
    taught = sorted(taught_by(user, courses), key=lambda course: not course.instructors_view)
    group = taught[0].group if taught else None
    return Visit(user.id, session.id, session.owner, group=group, told=user.admin or bool(taught))


class Visits:
    """Notes each visit once an hour, in each process that lets somebody in."""

    def __init__(self, store: Store, to: Literal["interface", "log"], *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._to = to
        self._now = now
        self._noted: dict[Visit, datetime] = {}

    def is_noted(self, visit: Visit) -> bool:
        """Return whether nothing is to be written of a visit now."""
        at = self._noted.get(visit)
        return at is not None and self._now() < at + EVERY

    async def note(self, visit: Visit) -> None:
        """Write down a visit that is not noted; who may look may do so when the disk is full, too."""
        if self.is_noted(visit):
            return
        now = self._now()
        if len(self._noted) >= _MOST:
            self._noted = {each: at for each, at in self._noted.items() if now < at + EVERY}
            if len(self._noted) >= _MOST:
                self._noted.clear()
        self._noted[visit] = now
        by = By(visit.person, now)
        try:
            await self._store.sessions.visit(
                visit.session, self._to, owner=visit.owner, group=visit.group, told=visit.told, by=by
            )
        except Unavailable as error:
            self._noted.pop(visit, None)  # the next request tries again
            log.warning("The audit has no line of %s in the session %s: %s", visit.person, visit.session, error)
