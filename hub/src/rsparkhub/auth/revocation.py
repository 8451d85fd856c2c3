"""What lets somebody in may be taken away while they have something open: who watches for it hears so, and asks again.

A notification says no more than that it is worth asking; so one that is forged costs a question, and one that is lost some
seconds, since whoever watches also asks every so often.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rsparkhub.domain.access import Action, Identity, may
from rsparkhub.domain.course import Course, taught_by
from rsparkhub.domain.session import Session
from rsparkhub.domain.share import Share, share_of
from rsparkhub.domain.user import User
from rsparkhub.store.notifier import Notifier, key_of_group, key_of_secret, key_of_shares, key_of_user


def keys_of(user: User, digest: str | None = None) -> tuple[str, ...]:
    """Return the keys of a user, and of the sign-in or token that they showed, by its digest."""
    of_user = key_of_user(user.id)
    return (of_user,) if digest is None else (of_user, key_of_secret(digest))


def grounds(
    identity: Identity,
    action: Action,
    session: Session,
    shares: Iterable[Share],
    courses: Iterable[Course],
    *,
    viewable: bool = False,
) -> tuple[tuple[str, ...], datetime | None]:
    """Return under which keys it is notified that somebody may no longer do this with another's session, and until when they may.

    It is not for who may without a share or a course.
    """
    taught, share = taught_by(identity.user, courses), share_of(identity.user, shares)
    keys = [*identity.keys, *(key_of_group(course.group) for course in taught)]
    if share is not None:
        keys.append(key_of_shares(session.id))
    by_course = may(identity, action, session, courses=taught, viewable=viewable)
    return tuple(keys), None if share is None or by_course else share.expires


def revocations(notifier: Notifier, name: str) -> AsyncIterator[str]:
    """Yield the keys of what may have been revoked; `name` is the subscriber's."""
    return notifier.subscribe(name, about={"revoked"})


class Revocations:
    """Wakes those in this process who watch for keys; it subscribes when the first one does."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._watching: dict[str, set[asyncio.Event]] = {}
        self._following: asyncio.Task[None] | None = None

    @contextmanager
    def watch(self, keys: Iterable[str]) -> Iterator[asyncio.Event]:
        """Return an event that is set each time one of these keys may have been revoked."""
        if self._following is None:
            self._following = asyncio.create_task(self._follow(), name="revocations")
        event, keys = asyncio.Event(), tuple(keys)
        for key in keys:
            self._watching.setdefault(key, set()).add(event)
        try:
            yield event
        finally:
            for key in keys:
                self._watching[key].discard(event)
                if not self._watching[key]:
                    del self._watching[key]

    async def close(self) -> None:
        """Subscribe no longer."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
            self._following = None

    async def _follow(self) -> None:
        async for key in revocations(self._notifier, "revocations"):
            for event in self._watching.get(key, ()):
                event.set()
