"""What holds for every answer that doesn't end by itself: it ends with the right to hear it, and with the server."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import TypeVar

from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from rsparkhub.api.context import AppContext
from rsparkhub.api.identity import identify
from rsparkhub.domain.access import Identity
from rsparkhub.domain.errors import NotAllowed, NotSignedIn, RsparkhubError

T = TypeVar("T")

_SURE_FOR = 2.0  # seconds that the right to listen is believed without asking again


async def while_allowed(
    pieces: AsyncGenerator[T, None], *, request: Request, context: AppContext, identity: Identity
) -> AsyncGenerator[T, None]:
    """Pass pieces on for as long as whoever listens may hear them, and has a place. A silent stream costs no question."""
    clock = asyncio.get_running_loop().time
    sure_until = clock() + _SURE_FOR
    async with aclosing(pieces):
        with context.places.place(identity) as place_lost:
            async for piece in _until(place_lost, pieces):
                if clock() > sure_until:
                    if not await _may_listen(request, context, identity):
                        return
                    sure_until = clock() + _SURE_FOR
                yield piece


async def _until(end: asyncio.Event, pieces: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Yield pieces until the event is set, also while none comes."""
    ended = asyncio.create_task(end.wait())
    following: asyncio.Task[T] | None = None
    try:
        while True:
            following = asyncio.ensure_future(anext(pieces))
            await asyncio.wait({following, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                return
            try:
                piece = following.result()
            except StopAsyncIteration:
                return
            yield piece
    finally:
        waiting = [task for task in (ended, following) if task is not None]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


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


async def _may_listen(request: Request, context: AppContext, identity: Identity) -> bool:
    try:
        now = await identify(request, context)
    except (NotSignedIn, NotAllowed):
        return False
    except RsparkhubError:  # the database is away: what is told was read before it went
        return True
    return now.user.name == identity.user.name and now.user.admin == identity.user.admin and now.session == identity.session
