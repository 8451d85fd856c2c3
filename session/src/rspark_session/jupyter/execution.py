"""Running code on a kernel without anybody seeing it, also on one that is busy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from queue import Empty
from typing import Any

from jupyter_core.utils import ensure_async

_INTERRUPT_INTERVAL = 2.0  # seconds


class CodeFailed(Exception):
    """The code ended with an error, or not in time. The message is a sentence."""


async def run(kernel: Any, code: str, *, seconds: float) -> None:
    """Run code on a kernel, silently and without a trace in its history. IRkernel reports no errors of such code.

    Raises
    ------
    CodeFailed
        When the code ended with an error, the kernel died, or time was up.
    """
    try:
        async with _client(kernel) as client, asyncio.timeout(seconds):
            content = await _execute(kernel, client, code)
    except TimeoutError as timeout:
        raise CodeFailed("It wasn't done in time.") from timeout
    if content["status"] != "ok":
        raise CodeFailed(str(content.get("evalue") or content.get("ename") or "It ended with an error without words."))


async def wait_idle(kernel: Any, *, patience: float, seconds: float) -> None:
    """Wait until a kernel has done all that it was sent.

    What a kernel says of its state may be about to change, so it is sent a request instead, whose turn comes last. After
    `patience` seconds the kernel is interrupted, again and again, until it answers.

    Raises
    ------
    CodeFailed
        When it still computes after `seconds`.
    """
    async with _client(kernel) as client:
        try:
            async with asyncio.timeout(seconds) as whole:
                pause, request = patience, client.kernel_info()
                while True:
                    try:
                        async with asyncio.timeout(pause):
                            await _reply_to(request, client, kernel)
                            return
                    except TimeoutError:
                        if whole.expired():
                            raise
                    await ensure_async(kernel.interrupt_kernel())
                    pause = _INTERRUPT_INTERVAL
        except TimeoutError as timeout:
            raise CodeFailed("It was computing and could not be interrupted.") from timeout


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
        request = client.execute(code, silent=True, store_history=False, allow_stdin=False)
        content = await _reply_to(request, client, kernel)
        if content["status"] != "aborted":  # it was in a queue that an error before it swept away
            return content


async def _reply_to(request: str, client: Any, kernel: Any) -> dict[str, Any]:
    """Wait for the reply to a request while the kernel lives, and return its content."""
    while True:
        try:
            reply = await client.get_shell_msg(timeout=1)
        except Empty:
            if not await ensure_async(kernel.is_alive()):
                raise CodeFailed("It stopped by itself meanwhile.") from None
        else:
            if reply["parent_header"].get("msg_id") == request:
                content: dict[str, Any] = reply["content"]
                return content
