"""What holds for every answer that doesn't end by itself: it ends with the right to hear it, and with the server."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import TypeVar

from fastapi import Request

from rsparkhub.api.context import Context
from rsparkhub.api.identity import identify
from rsparkhub.auth.identity import Identity
from rsparkhub.domain.errors import NotAllowed, NotSignedIn, RsparkhubError

T = TypeVar("T")

_SURE_FOR = 2.0  # seconds that the right to listen is believed without asking again


async def while_allowed(
    pieces: AsyncGenerator[T, None], *, request: Request, here: Context, identity: Identity
) -> AsyncGenerator[T, None]:
    """Pass pieces on for as long as whoever listens may hear them. A silent stream costs no question."""
    clock = asyncio.get_running_loop().time
    sure_until = clock() + _SURE_FOR
    async with aclosing(pieces):
        async for piece in pieces:
            if clock() > sure_until:
                if not await _may_listen(request, here, identity):
                    return
                sure_until = clock() + _SURE_FOR
            yield piece


async def until_set(pieces: AsyncGenerator[T, None], event: asyncio.Event) -> AsyncGenerator[T, None]:
    """Pass pieces on until the event is set, also while none comes."""
    ending = asyncio.ensure_future(event.wait())
    following: asyncio.Task[T | None] | None = None
    try:
        while True:
            following = asyncio.create_task(_next(pieces))
            await asyncio.wait({following, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done() or (piece := following.result()) is None:
                return
            yield piece
    finally:
        ending.cancel()
        if following is not None and not following.done():
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
        await pieces.aclose()


async def _next(pieces: AsyncGenerator[T, None]) -> T | None:
    return await anext(pieces, None)


async def _may_listen(request: Request, here: Context, identity: Identity) -> bool:
    try:
        now = await identify(request, here)
    except (NotSignedIn, NotAllowed):
        return False
    except RsparkhubError:  # the database is away: what is told was read before it went
        return True
    return now.user.name == identity.user.name and now.user.admin == identity.user.admin and now.session == identity.session
