"""Sessions, seen from outside."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from httpx_sse import EventSource

from rsparkhub.client.connection import Connection
from rsparkhub.client.paths import element
from rsparkhub.client.waiting import News, Waiting
from rsparkhub.domain.errors import NotFound, Unavailable
from rsparkhub.domain.session import State
from rsparkhub.domain.share import Role
from rsparkhub.wire.session import LogServices, SessionList, SessionView
from rsparkhub.wire.share import SharedSessionList, SharedSessionView, ShareList, ShareView
from rsparkhub.wire.stream import Deleted, Progress, Queue

_NEWS: dict[str, type[News]] = {"session": SessionView, "progress": Progress, "queue": Queue, "deleted": Deleted}
_PAGE = 500  # sessions read at once
_SILENCE = 45.0  # seconds; the hub says something each 15
_PAUSE = 0.5  # seconds between two tries to listen


class Sessions:
    """Starts sessions, tells them, wants something else of them, and waits for it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def start(
        self,
        environment: str,
        *,
        name: str | None = None,
        project: str | None = None,
        options: Mapping[str, Any] | None = None,
        reuse: bool = False,
        owner: str | None = None,
        idempotency_key: str | None = None,
    ) -> SessionView:
        """Ask for a session; it is on its way when this returns. The same key gives the same session.

        Parameters
        ----------
        reuse
            Whether to take the session of this environment that there is, and to wake it.
        owner
            Whose session it is, for administrators.
        """
        asked = {"environment": environment, "name": name, "project": project, "options": dict(options or {})}
        body = {**asked, "reuse": reuse, "owner": owner}
        key = {"Idempotency-Key": idempotency_key or secrets.token_urlsafe(16)}
        return await self._connection.ask(SessionView, "POST", "/sessions", body=body, headers=key, again=True)

    async def show(self, session_id: str) -> SessionView:
        """Return one session."""
        return await self._connection.ask(SessionView, "GET", _session(session_id), again=True)

    async def suspend(self, session_id: str, *, confirm: bool = False, force: bool = False) -> SessionView:
        """Want it asleep, with the work kept.

        Parameters
        ----------
        confirm
            Whether what computes may be ended.
        force
            Whether it sleeps also where something could not be kept.

        Raises
        ------
        Busy
            When it computes, and that is not confirmed.
        """
        body = {"confirm": confirm, "force": force}
        return await self._connection.ask(SessionView, "POST", f"{_session(session_id)}/suspend", body=body, again=True)

    async def resume(self, session_id: str) -> SessionView:
        """Want it awake, as it was."""
        return await self._connection.ask(SessionView, "POST", f"{_session(session_id)}/resume", again=True)

    async def extend(self, session_id: str, *, by: timedelta = timedelta(hours=2)) -> SessionView:
        """Put off its sleep by this much, or by as much as is allowed: `sleeps` says until when.

        Raises
        ------
        Conflict
            When it can't be put off any further.
        """
        body = {"by": f"{by // timedelta(minutes=1)}m"}
        return await self._connection.ask(SessionView, "POST", f"{_session(session_id)}/extend", body=body)

    async def rename(self, session_id: str, name: str) -> SessionView:
        """Give it another name; its id and its addresses stay."""
        return await self._connection.ask(SessionView, "PATCH", _session(session_id), body={"name": name}, again=True)

    async def stop(self, session_id: str, *, confirm: bool = False) -> SessionView:
        """Want it ended; the files stay, what is in memory is not saved. Raise `Busy` as `suspend` does."""
        body = {"confirm": confirm}
        return await self._connection.ask(SessionView, "POST", f"{_session(session_id)}/stop", body=body, again=True)

    async def delete(self, session_id: str, *, confirm: bool = False) -> SessionView:
        """Want it gone, with what it kept; the home stays. Raise `Busy` as `suspend` does."""
        params = {"confirm": "true"} if confirm else None
        return await self._connection.ask(SessionView, "DELETE", _session(session_id), params=params, again=True)

    async def share(
        self,
        session_id: str,
        name: str,
        *,
        kind: Literal["person", "group"] = "person",
        role: Role = Role.VIEWER,
        expires: datetime | None = None,
    ) -> ShareView:
        """Let the person of a name in, or everybody in a group; whoever is let in already gets this role and this end."""
        body = {"kind": kind, "name": name, "role": role.value, "expires": expires.isoformat() if expires else None}
        return await self._connection.ask(ShareView, "POST", f"{_session(session_id)}/shares", body=body, again=True)

    async def shares(self, session_id: str) -> list[ShareView]:
        """Return whom a session of yours lets in, the oldest share first."""
        return (await self._connection.ask(ShareList, "GET", f"{_session(session_id)}/shares", again=True)).shares

    async def unshare(self, session_id: str, share_id: str) -> None:
        """Let somebody in no longer; what they have open ends."""
        await self._connection.tell("DELETE", f"{_session(session_id)}/shares/{element('share', share_id)}")

    async def shared(self) -> list[SharedSessionView]:
        """Return the sessions that others share with you, newest first."""
        return (await self._connection.ask(SharedSessionList, "GET", "/shared-sessions", again=True)).sessions

    async def log_services(self, session_id: str) -> list[str]:
        """Return the names of the components that have a log."""
        return (await self._connection.ask(LogServices, "GET", f"{_session(session_id)}/logs", again=True)).services

    async def logs(
        self,
        session_id: str,
        *,
        service: str = "interface",
        follow: bool = False,
        tail: int | None = None,
    ) -> AsyncGenerator[str, None]:
        """Yield the log of one component, piece by piece; with `follow` also what is written from now on."""
        params = {"service": service, "follow": "true" if follow else None, "tail": tail}
        async with self._connection.open(
            f"{_session(session_id)}/logs", params=params, silence=None if follow else 30.0
        ) as response:
            async for piece in response.aiter_text():
                yield piece

    async def wait(
        self,
        session_id: str,
        *,
        until: State | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  a person's deadline, told in a sentence
        progress: Callable[[News], None] | None = None,
    ) -> SessionView:
        """Wait until a session is where it is wanted, or in the state `until`; a restart of the hub may come between.

        Parameters
        ----------
        timeout
            Seconds.
        progress
            Is told each change on the way.

        Raises
        ------
        SessionFailed
            When it stays somewhere else.
        TookTooLong
            When the time is over.
        NotFound
            When there is no such session, or it is deleted.
        """
        waiting = Waiting(session_id, until=until, progress=progress)
        try:
            async with asyncio.timeout(timeout):
                while (outcome := waiting.outcome()) is None:
                    await self._hear(waiting)
        except TimeoutError:
            raise waiting.took_too_long(timeout or 0.0) from None
        return outcome

    async def wait_until_gone(self, session_id: str, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait until all that was of a deleted session has ended and is removed."""
        try:
            await self.wait(session_id, timeout=timeout)
        except NotFound:
            return

    async def _hear(self, waiting: Waiting) -> None:
        try:
            async for news, number in self.events(waiting.session_id, after=waiting.number, watch=waiting.until is not None):
                if waiting.take(news, number):
                    return
        except NotFound:
            waiting.take(Deleted(id=waiting.session_id), None)
            return
        except Unavailable as error:
            waiting.lost(error)
        await asyncio.sleep(_PAUSE)  # the hub restarts; then it tells again how things are

    async def events(
        self,
        session_id: str,
        *,
        after: str | None = None,
        watch: bool = False,
    ) -> AsyncGenerator[tuple[News, str | None], None]:
        """Yield a session's events as they come, each with what to send as `after` to go on from there.

        They end when it is ready or has ended; with `watch`, when it is no more.
        """
        headers = {"Last-Event-ID": after} if after else None
        params = {"watch": "true" if watch else None}
        async with self._connection.open(
            f"{_session(session_id)}/events", params=params, headers=headers, silence=_SILENCE
        ) as response:
            async for event in EventSource(response).aiter_sse():
                if kind := _NEWS.get(event.event):
                    yield kind.model_validate_json(event.data), event.id or None

    async def list(
        self, *, everybody: bool = False, owner: str | None = None, states: tuple[State, ...] = ()
    ) -> list[SessionView]:
        """Return your sessions, newest first; for administrators also those of others."""
        found: list[SessionView] = []
        params = {
            "all": "true" if everybody else None,
            "owner": owner,
            "state": [state.value for state in states] or None,
            "limit": _PAGE,
        }
        after: str | None = None
        while True:
            page = await self._connection.ask(SessionList, "GET", "/sessions", params={**params, "after": after}, again=True)
            found.extend(page.sessions)
            after = page.next
            if after is None:
                return found


def _session(session_id: str) -> str:
    return f"/sessions/{element('session', session_id)}"
