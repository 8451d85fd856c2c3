"""Bells: hints, between processes, that a session is worth a look or has changed.

A bell may be lost, doubled or late, and nothing may depend on it but how soon something is seen. There are two kinds:
`look` (a controller should look at the session) and `changed` (its row is not what it was: for those who show it). A bell
of neither kind is for everybody; agents, which ring in the same folder, ring such ones.
"""

import asyncio
import errno
import itertools
import json
import os
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

About = Literal["look", "changed"]
EVERYTHING: frozenset[About] = frozenset({"look", "changed"})

_LONGEST = 4096  # bytes; a bell is some sixty


class Notifier(ABC):
    """Rings in every process that listens on the same store."""

    @abstractmethod
    async def notify(self, *session_ids: str, about: About | None = None) -> None:
        """Ring for these sessions; never fails, since it is a hint."""

    @abstractmethod
    def subscribe(self, name: str, *, about: Iterable[About] = EVERYTHING) -> AsyncIterator[str]:
        """Yield ids of sessions, each as often as it is worth it; `name` is the listener's, such as `controller`."""


class Inbox:
    """What was heard and not yet told; a session that rings ten times meanwhile is told once."""

    def __init__(self, about: Iterable[About]) -> None:
        self._about = frozenset(about)
        self._ids: dict[str, None] = {}
        self._news = asyncio.Event()

    def hear(self, message: bytes | str) -> None:
        """Take one message; one that is not a bell is nobody's loss, since bells are hints."""
        try:
            data = json.loads(message)
            session, about = data["session"], data.get("about")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return
        if isinstance(session, str) and (about is None or about in self._about):
            self._ids[session] = None
            self._news.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            await self._news.wait()
            self._news.clear()
            heard, self._ids = self._ids, {}
            for session_id in heard:
                yield session_id


def message(session_id: str, about: About | None) -> str:
    """Write one message."""
    return json.dumps({"session": session_id, "about": about})


class SocketNotifier(Notifier):
    """A folder of Unix sockets, one for each listener; whoever rings sends a datagram to all of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def notify(self, *session_ids: str, about: About | None = None) -> None:
        try:
            listeners = [entry.path for entry in os.scandir(self._folder) if entry.name.endswith(".sock")]
        except OSError:  # nobody has ever listened
            return
        if not listeners:
            return
        messages = [message(session_id, about).encode() for session_id in session_ids]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
            for listener in listeners:
                _send(sender, listener, messages)

    async def subscribe(self, name: str, *, about: Iterable[About] = EVERYTHING) -> AsyncIterator[str]:
        heard = Inbox(about)
        with self.into(heard, name):
            async for session_id in heard:
                yield session_id

    def into(self, heard: Inbox, name: str) -> AbstractContextManager[object]:
        """Let `heard` hear the folder, for as long as this is entered."""
        return _Socket(self._folder, name, heard)


class NullNotifier(Notifier):
    """For a store that nobody shares: tells nobody, and hears nothing."""

    async def notify(self, *session_ids: str, about: About | None = None) -> None:
        pass

    async def subscribe(self, name: str, *, about: Iterable[About] = EVERYTHING) -> AsyncIterator[str]:
        async for session_id in Inbox(about):
            yield session_id


def _send(sender: socket.socket, listener: str, messages: list[bytes]) -> None:
    for data in messages:
        try:
            sender.sendto(data, listener)
        except OSError as error:
            if error.errno == errno.ECONNREFUSED:  # its process died: nobody will ever listen there again
                Path(listener).unlink(missing_ok=True)
            return  # a full queue means that the listener has news enough, and bells are hints


class _Socket:
    """A listener's socket in the folder, for as long as it is entered."""

    def __init__(self, folder: Path, name: str, heard: Inbox) -> None:
        self._folder, self._name, self._heard = folder, name, heard

    def __enter__(self) -> "_Socket":
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._path = self._bind()
        except BaseException:
            self._socket.close()
            raise
        asyncio.get_running_loop().add_reader(self._socket, self._receive)
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._path.unlink(missing_ok=True)
        self._socket.close()

    def _bind(self) -> Path:
        """Take `<name>-<pid>.sock`, or with a number for a second listener of this name in this process."""
        for number in itertools.count(1):
            path = self._folder / f"{self._name}-{os.getpid()}{'' if number == 1 else f'-{number}'}.sock"
            if _is_stale(path):
                path.unlink(missing_ok=True)  # left by a process that died and had this pid
            try:
                self._socket.bind(str(path))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            return path
        raise AssertionError("there is always another number")

    def _receive(self) -> None:
        while True:
            try:
                data = self._socket.recv(_LONGEST)
            except (BlockingIOError, InterruptedError):
                return
            self._heard.hear(data)


def _is_stale(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as caller:
        try:
            caller.connect(str(path))
        except OSError as error:
            return error.errno == errno.ECONNREFUSED
        return False
