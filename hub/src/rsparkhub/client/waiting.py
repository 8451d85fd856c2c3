"""Waiting for a session: what was heard, and whether it is enough. No input or output."""

import time
from collections.abc import Callable

from rsparkhub.domain.errors import NotFound, SessionFailed, TookTooLong, Unavailable
from rsparkhub.domain.session import State, Wanted
from rsparkhub.wire.session import SessionView
from rsparkhub.wire.stream import Deleted, Progress, Queue

#: What a session's stream of events tells.
News = SessionView | Progress | Queue | Deleted

_PATIENCE = 60.0  # seconds that the hub may be away before waiting for it has no sense
_GOALS = {Wanted.RUNNING: State.RUNNING, Wanted.SUSPENDED: State.SUSPENDED, Wanted.STOPPED: State.STOPPED}


class Waiting:
    """What one waiting has heard so far.

    Parameters
    ----------
    until
        The state to wait for; by default wherever the session is wanted.
    progress
        Is told all that is heard.
    """

    def __init__(self, session_id: str, *, until: State | None, progress: Callable[[News], None] | None) -> None:
        self.session_id = session_id
        self.until = until
        self.number: str | None = None
        self._progress = progress
        self._session: SessionView | None = None
        self._gone = False
        self._asleep_wanted = until is State.SUSPENDED
        self._heard = time.monotonic()

    def take(self, news: News, number: str | None) -> bool:
        """Take what was heard; tell whether it is enough."""
        self._heard = time.monotonic()
        self.number = number or self.number
        if isinstance(news, SessionView):
            self._session = news
            self._asleep_wanted = self._asleep_wanted or news.wanted is Wanted.SUSPENDED
        elif isinstance(news, Deleted):
            self._gone = True
        if self._progress is not None:
            self._progress(news)
        return self._gone or self._was_refused() or self._there() or self._stuck()

    def lost(self, error: Unavailable) -> None:
        """Take that the hub is away; raise `error` when it was so from the first, or for too long."""
        if self._session is None or time.monotonic() - self._heard > _PATIENCE:
            raise error

    def outcome(self) -> SessionView | None:
        """Return the session when it is where it was waited for; None while that is open."""
        if self._gone:
            raise NotFound(f"There is no session {self.session_id}.")
        session = self._session
        if session is None:
            return None
        if self._was_refused():
            raise SessionFailed(f"The session {session.id} stays awake. {session.reason or ''}".rstrip())
        if self._there():
            return session
        if self._stuck():
            reason = f" {session.reason}" if session.reason else ""
            raise SessionFailed(f"The session {session.id} {session.state.in_words}.{reason}")
        return None

    def took_too_long(self, seconds: float) -> TookTooLong:
        """Return the error of a wait that took too long: it says how far the session was."""
        seen = f"It {self._session.state.in_words}." if self._session else "The hub said nothing of it."
        return TookTooLong(f"The session {self.session_id} took longer than {seconds:g} seconds. {seen}")

    def _was_refused(self) -> bool:
        """Return whether it was wanted asleep while this waited, and stays awake because something would be lost."""
        session = self._session
        if session is None or not self._asleep_wanted or session.sleep_refused is None:
            return False
        return session.state is State.RUNNING and session.wanted is Wanted.RUNNING

    def _there(self) -> bool:
        session = self._session
        if session is None:
            return False
        if self.until is not None:
            return session.state is self.until
        return session.settled and session.state is _GOALS.get(session.wanted)

    def _stuck(self) -> bool:
        session = self._session
        if session is None:
            return False
        if self.until is not None:
            return session.state is State.FAILED and session.settled
        return session.settled and not self._there()
