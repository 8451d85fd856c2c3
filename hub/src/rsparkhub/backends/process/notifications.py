"""Hears the agents: a socket in the folder of bells, where each agent and each shim rings when something has changed."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

from rsparkhub.backends.base import EnsembleRef

_LONGEST = 4096  # bytes
_MOST_WAITING = 10_000  # bells are hints, and a listener that slow looks by itself


async def heard(folder: Path) -> AsyncGenerator[EnsembleRef, None]:
    """Yield what rings, until closed. A bell names a session; its generation is 0 where it doesn't say."""
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    path = folder / f"backend-{os.getpid()}.sock"
    waiting: asyncio.Queue[EnsembleRef] = asyncio.Queue(_MOST_WAITING)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listener:
        path.unlink(missing_ok=True)  # left by a process that had this pid, since one listens once
        listener.bind(str(path))
        loop.add_reader(listener, _receive, listener, waiting)
        try:
            while True:
                yield await waiting.get()
        finally:
            loop.remove_reader(listener)
            path.unlink(missing_ok=True)


def _receive(listener: socket.socket, waiting: asyncio.Queue[EnsembleRef]) -> None:
    with suppress(BlockingIOError):
        while True:
            ref = _read(listener.recv(_LONGEST))
            if ref is not None and not waiting.full():
                waiting.put_nowait(ref)


def _read(data: bytes) -> EnsembleRef | None:
    """Read one bell; None for one that is for somebody else or is none."""
    try:
        notifier = json.loads(data)
        session, generation = notifier["session"], notifier.get("generation", 0)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not isinstance(session, str) or not isinstance(generation, int) or notifier.get("about") == "changed":
        return None
    return EnsembleRef(session, generation)
