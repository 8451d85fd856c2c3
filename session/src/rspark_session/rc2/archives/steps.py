"""Work that blocks, done step by step in threads."""

import asyncio
from collections.abc import AsyncIterator, Generator
from typing import TypeVar

_T = TypeVar("_T")


async def in_threads(work: Generator[_T, None, None]) -> AsyncIterator[_T]:
    """Yield what a generator yields, each step of which runs in a thread; who stops waits for the step, and closes it."""
    try:
        while True:
            step = asyncio.ensure_future(asyncio.to_thread(_next, work))
            try:
                found = await asyncio.shield(step)
            except asyncio.CancelledError:
                await asyncio.wait([step])
                raise
            if not found:
                return
            yield found[0]
    finally:
        await asyncio.to_thread(work.close)


def _next(work: Generator[_T, None, None]) -> tuple[_T, ...]:
    """Return what comes next, or nothing at the end; a coroutine can't be told of an end by `StopIteration`."""
    for found in work:
        return (found,)
    return ()
