"""Receives the notifications of agents and shims, at a socket of our own in the folder that they all know."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

from rspark_contract.notification import MOST_BYTES, read_notification
from rsparkhub.backends.base import EnsembleRef

_MOST_WAITING = 10_000  # notifications are hints, and a receiver that slow looks by itself


async def receive(folder: Path) -> AsyncGenerator[EnsembleRef, None]:
    """Yield the generations that have news, until closed. The number of one is 0 where the notification doesn't say it."""
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
    """Return the generation of a notification; None for one that is for somebody else, or is none."""
    notification = read_notification(data)
    return EnsembleRef(notification.session, notification.generation) if notification else None
