"""Hears the agents: a socket in the folder of bells, where each agent and each shim rings when something has changed."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

from rspark_contract.notification import MOST_BYTES, read_notification
from rsparkhub.backends.base import EnsembleRef

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
            ref = _read(listener.recv(MOST_BYTES))
            if ref is not None and not waiting.full():
                waiting.put_nowait(ref)


def _read(data: bytes) -> EnsembleRef | None:
    """Read one bell; None for one that is for somebody else or is none."""
    notification = read_notification(data)
    return EnsembleRef(notification.session, notification.generation) if notification else None
