"""Async work for programs without `await`: a loop in a thread of its own, so that it also works inside of a notebook."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rsparkhub-client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it to its end; an interrupt (Ctrl+C) ends it too."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, pieces: AsyncGenerator[T, None]) -> Iterator[T]:
        """Yield the pieces one by one, each when it is asked for."""
        try:
            while True:
                try:
                    yield self.run(_next(pieces))
                except StopAsyncIteration:
                    return
        finally:
            self.run(pieces.aclose())

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _next(pieces: AsyncGenerator[T, None]) -> T:
    return await anext(pieces)
