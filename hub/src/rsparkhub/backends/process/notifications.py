"""Receives the notifications of agents and shims, at a socket of our own in the folder that they all know."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

from rspark_contract.notification import MOST_BYTES, read_notification
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.process import accounts

_MOST_WAITING = 10_000  # notifications are hints, and a receiver that slow looks by itself
_AT_ONCE = 100  # notifications that are received before anything else has its turn


async def receive(folder: Path) -> AsyncGenerator[EnsembleRef, None]:
    """Yield the generations that have news, until closed. The number of one is 0 where the notification doesn't say it.

    A session may write to the socket whatever and as often as it likes: one that is named ten times meanwhile is yielded once.
    """
    await asyncio.to_thread(_make, folder)
    path = folder / f"backend-{os.getpid()}.sock"
    waiting: dict[EnsembleRef, None] = {}
    news = asyncio.Event()
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listener:
        path.unlink(missing_ok=True)  # left by a process that had this pid, since one listens once
        listener.bind(str(path))
        await asyncio.to_thread(path.chmod, 0o666 if accounts.are_possible() else 0o600)
        loop.add_reader(listener, _receive, listener, waiting, news)
        try:
            while True:
                await news.wait()
                news.clear()
                while waiting:
                    ref = next(iter(waiting))
                    del waiting[ref]
                    yield ref
        finally:
            loop.remove_reader(listener)
            path.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    """Make the folder; agents that are other accounts look there for who listens."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if accounts.are_possible():
        folder.chmod(0o755)


def _receive(listener: socket.socket, waiting: dict[EnsembleRef, None], news: asyncio.Event) -> None:
    with suppress(BlockingIOError):
        for _ in range(_AT_ONCE):
            ref = _read(listener.recv(MOST_BYTES))
            if ref is not None and len(waiting) < _MOST_WAITING:
                waiting[ref] = None
                news.set()


def _read(data: bytes) -> EnsembleRef | None:
    """Return the generation of a notification; None for one that is for somebody else, or is none."""
    notification = read_notification(data)
    return EnsembleRef(notification.session, notification.generation) if notification else None
