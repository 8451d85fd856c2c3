"""One deadline for a series of calls: what each may take by itself adds up to more than who waits has time for."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from rsparkhub.domain.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")


def within(seconds: float) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], Callable[P, Coroutine[Any, Any, T]]]:
    """Let a method take so many seconds for all that it waits for; past them it raises `Unavailable`."""

    def limit(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        @wraps(method)
        async def limited(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                async with asyncio.timeout(seconds):
                    return await method(*args, **kwargs)
            except TimeoutError as error:
                raise Unavailable(f"The cluster took longer than {seconds:g} s for what was asked. Try again.") from error

        return limited

    return limit
