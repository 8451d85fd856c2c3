"""What holds for every answer that doesn't end by itself: it ends with the right to hear it, and with the server."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TypeVar

from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from rsparkhub.api.context import AppContext
from rsparkhub.api.identity import Access, find_session, identify
from rsparkhub.domain.access import Action, Identity, may
from rsparkhub.domain.errors import NotAllowed, NotFound, NotSignedIn, RsparkhubError
from rsparkhub.domain.session import Session

T = TypeVar("T")

_SURE_FOR = 2.0  # seconds that the right to listen is believed without asking again, while something is told
_SILENT_FOR = 30.0  # seconds after which it is asked again while nothing is


async def while_allowed(
    pieces: AsyncGenerator[T, None],
    *,
    request: Request,
    context: AppContext,
    identity: Identity,
    access: Access | None = None,
    to: Action = Action.READ,
) -> AsyncGenerator[T, None]:
    """Pass pieces on for as long as whoever listens may hear them, and has a place; end at once when that is taken away.

    `access` is to the one session that they are about, and `to` is what is done with it.
    """
    keys, until = (identity.keys, None) if access is None else (access.keys, access.until)
    clock = asyncio.get_running_loop().time
    sure_until = clock() + _SURE_FOR
    upcoming: asyncio.Task[T] | None = None
    with context.revocations.watch(keys) as revoked, context.places.place(identity) as place_lost:
        revocation, ended = asyncio.create_task(revoked.wait()), asyncio.create_task(place_lost.wait())
        try:
            while True:
                upcoming = upcoming or asyncio.create_task(_next(pieces))
                waiting = {upcoming, revocation, ended}
                left = _SILENT_FOR if until is None else (until - context.now()).total_seconds()
                if left <= 0:
                    return
                await asyncio.wait(waiting, timeout=min(left, _SILENT_FOR), return_when=asyncio.FIRST_COMPLETED)
                if ended.done():
                    return
                if revocation.done():
                    revoked.clear()
                    revocation = asyncio.create_task(revoked.wait())
                    sure_until = 0.0
                if not upcoming.done() or clock() > sure_until:
                    if not await _may_listen(request, context, identity, None if access is None else access.session, to):
                        return
                    sure_until = clock() + _SURE_FOR
                if not upcoming.done():
                    continue
                following, upcoming = upcoming, None
                try:
                    piece = following.result()
                except StopAsyncIteration:
                    return
                yield piece
        finally:
            open_tasks = [task for task in (upcoming, revocation, ended) if task is not None]
            for task in open_tasks:
                task.cancel()
            await asyncio.gather(*open_tasks, return_exceptions=True)
            await pieces.aclose()


async def _next(pieces: AsyncGenerator[T, None]) -> T:
    return await anext(pieces)


class FollowedText(StreamingResponse):
    """Text that goes on for as long as something is written, the client listens, and the server runs.

    Unlike its base it notices that the client went also while nothing is written, and lets go of where the text is from.
    """

    def __init__(self, pieces: AsyncGenerator[bytes, None], *, closed: asyncio.Event) -> None:
        super().__init__(pieces, media_type="text/plain; charset=utf-8")
        self._pieces = pieces
        self._closed = closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the text."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        closing = asyncio.create_task(self._closed.wait())
        try:
            await asyncio.wait({sending, leaving, closing}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            for task in (sending, leaving, closing):
                task.cancel()
            await asyncio.wait({sending, leaving, closing})
            await self._pieces.aclose()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send) -> None:
        with suppress(OSError):  # the client went
            async for piece in self._pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _may_listen(request: Request, context: AppContext, identity: Identity, session: Session | None, to: Action) -> bool:
    try:
        now = await identify(request, context)
        if session is not None and not may(now, to, session):  # else a session that is gone has an end to be heard
            await find_session(context, now, session.id, to=to)
    except (NotSignedIn, NotAllowed, NotFound):
        return False
    except RsparkhubError:  # the database is away: what is told was read before it went
        return True
    return now.user.id == identity.user.id and now.user.admin == identity.user.admin and now.session == identity.session
