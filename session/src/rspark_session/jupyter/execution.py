"""Running code on a kernel without anybody seeing it, also on one that is busy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from queue import Empty
from typing import Any

from jupyter_core.utils import ensure_async

_BETWEEN = 2.0  # seconds between two interrupts


class CodeFailed(Exception):
    """The code ended with an error, or not in time. The message is a sentence."""


async def run(kernel: Any, code: str, *, seconds: float) -> None:
    """Run code on a kernel, silently and without a trace in its history. IRkernel doesn't tell errors of such code.

    Raises
    ------
    CodeFailed
        When the code ended with an error, the kernel died, or time was up.
    """
    try:
        async with _client(kernel) as client, asyncio.timeout(seconds):
            content = await _execute(kernel, client, code)
    except TimeoutError as late:
        raise CodeFailed("It wasn't done in time.") from late
    if content["status"] != "ok":
        raise CodeFailed(str(content.get("evalue") or content.get("ename") or "It ended with an error without words."))


async def settle(kernel: Any, *, patience: float, seconds: float) -> None:
    """Wait until a kernel is through with all it was asked: for `patience`, then it is interrupted until it listens.

    What a kernel says of its state may be about to change, so it is asked something instead: its turn comes last.

    Raises
    ------
    CodeFailed
        When it computes on.
    """
    async with _client(kernel) as client:
        try:
            async with asyncio.timeout(seconds) as whole:
                pause, asked = patience, client.kernel_info()
                while True:
                    try:
                        async with asyncio.timeout(pause):
                            await _reply_to(asked, client, kernel)
                            return
                    except TimeoutError:
                        if whole.expired():
                            raise
                    await ensure_async(kernel.interrupt_kernel())
                    pause = _BETWEEN
        except TimeoutError as late:
            raise CodeFailed("It was computing and could not be interrupted.") from late


@asynccontextmanager
async def _client(kernel: Any) -> AsyncIterator[Any]:
    client = kernel.client(context=kernel.context)
    client.start_channels(shell=True, iopub=False, stdin=False, hb=False, control=False)  # noqa: S604  (a channel)
    try:
        yield client
    finally:
        client.stop_channels()


async def _execute(kernel: Any, client: Any, code: str) -> dict[str, Any]:
    while True:
        asked = client.execute(code, silent=True, store_history=False, allow_stdin=False)
        content = await _reply_to(asked, client, kernel)
        if content["status"] != "aborted":  # it was in a queue that an error before it swept away
            return content


async def _reply_to(asked: str, client: Any, kernel: Any) -> dict[str, Any]:
    """Wait for the reply while the kernel lives, and give its content."""
    while True:
        try:
            reply = await client.get_shell_msg(timeout=1)
        except Empty:
            if not await ensure_async(kernel.is_alive()):
                raise CodeFailed("It stopped by itself meanwhile.") from None
        else:
            if reply["parent_header"].get("msg_id") == asked:
                content: dict[str, Any] = reply["content"]
                return content
