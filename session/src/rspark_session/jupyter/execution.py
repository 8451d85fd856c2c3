"""Running code on a kernel without anybody seeing it, and getting a busy kernel to listen."""

import asyncio
from collections.abc import Callable
from queue import Empty
from typing import Any

from jupyter_core.utils import ensure_async


class CodeFailed(Exception):
    """The code ended with an error, or not in time. The message is a sentence."""


async def run(kernel: Any, code: str, *, seconds: float) -> None:
    """Run code on a kernel, silently and without a trace in its history. IRkernel doesn't tell errors of such code.

    Raises
    ------
    CodeFailed
        When the code ended with an error, the kernel died, or time was up.
    """
    client = kernel.client()
    client.start_channels(shell=True, iopub=False, stdin=False, hb=False, control=False)  # noqa: S604  (a channel)
    try:
        asked = client.execute(code, silent=True, store_history=False, allow_stdin=False)
        async with asyncio.timeout(seconds):
            reply = await _reply_to(asked, client, kernel)
    except TimeoutError as late:
        raise CodeFailed("It wasn't done in time.") from late
    finally:
        client.stop_channels()
    content = reply["content"]
    if content["status"] != "ok":
        raise CodeFailed(str(content.get("evalue") or content.get("ename") or "It ended with an error without words."))


async def settle(kernel: Any, *, patience: float, seconds: float) -> None:
    """Wait a little for a busy kernel, then interrupt it, and again.

    Raises
    ------
    CodeFailed
        When it computes on.
    """
    if await _until(kernel, lambda: kernel.execution_state != "busy", patience):
        return
    for _ in range(2):
        await ensure_async(kernel.interrupt_kernel())
        if await _until(kernel, lambda: kernel.execution_state != "busy", seconds / 2):
            return
    raise CodeFailed("It was computing and could not be interrupted.")


async def _reply_to(asked: str, client: Any, kernel: Any) -> dict[str, Any]:
    """Wait for the reply while the kernel lives."""
    while True:
        try:
            reply: dict[str, Any] = await client.get_shell_msg(timeout=1)
        except Empty:
            if not await ensure_async(kernel.is_alive()):
                raise CodeFailed("It stopped by itself meanwhile.") from None
        else:
            if reply["parent_header"].get("msg_id") == asked:
                return reply


async def _until(kernel: Any, condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until a condition on the kernel's state holds; tells whether it does."""
    changed = asyncio.Event()

    def note(_: Any) -> None:
        changed.set()

    kernel.observe(note, "execution_state")
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                changed.clear()
                await changed.wait()
    except TimeoutError:
        return condition()
    finally:
        kernel.unobserve(note, "execution_state")
    return True
