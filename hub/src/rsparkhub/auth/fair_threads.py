"""Questions that block, asked in a few threads in fair turns: of PAM, and of directories."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rsparkhub.auth.fair_turns import FairTurns

T = TypeVar("T")


class FairThreads:
    """Runs what blocks in `at_once` threads; one origin, which may have all but one of them, never holds up another.

    A turn ends with its thread, not with the wait for it: what is slow is not asked by more at once because some gave up.
    """

    def __init__(self, name: str, *, at_once: int) -> None:
        self._pool = ThreadPoolExecutor(at_once, name)
        self._turns = FairTurns(at_once=at_once, at_once_of_one=max(1, at_once - 1), most_of_one=50, most=500)

    async def run(self, work: Callable[[], T], *, origin: str, seconds: float) -> T:
        """Return what `work` returns in a thread of its own, with the wait for a turn within so many seconds.

        Raises
        ------
        TimeoutError
            When it takes longer; the thread goes on.
        TooManyAttempts
            When too many wait already.
        """
        async with asyncio.timeout(seconds):
            await self._turns.enter(origin)
            running = asyncio.get_running_loop().run_in_executor(self._pool, work)

            def end(done: asyncio.Future[T]) -> None:
                self._turns.leave(origin)
                if not done.cancelled():
                    done.exception()  # whoever asked has given up, and nobody else wants to know

            running.add_done_callback(end)
            return await asyncio.shield(running)
