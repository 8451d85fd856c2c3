"""Notifications: hints, between processes, that a session is due or has changed, or that what let somebody in no longer does.

A notification may be lost, doubled or late, and nothing may depend on it but how soon something is done. There are three
kinds: `look` (a controller has something to do for the session), `changed` (its row is not what it was: for those who show it),
and `revoked`, which has in the place of the session the key of what may be revoked (`key_of_user`, `key_of_secret`,
`key_of_shares`, `key_of_group`). A
notification of none of these is for all who follow sessions; agents, which write into the same folder, send such ones. So
whatever stands in a notification may come from a session: it is read within bounds, a flood of them holds up nothing else, and of
`revoked` too nothing is believed but that it is worth asking the store.
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

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable

About = Literal["look", "changed", "revoked"]
EVERYTHING: frozenset[About] = frozenset({"look", "changed"})

_LONGEST = 4096  # bytes; a notification is some sixty
_MOST_WAITING = 10_000  # sessions; who reads that slowly looks by itself
_AT_ONCE = 100  # notifications that are received before anything else has its turn


class Notifier(ABC):
    """Notifies every process that subscribes on the same store."""

    @abstractmethod
    async def notify(self, *session_ids: str, about: About | None = None) -> None:
        """Notify subscribers about these sessions; never fails, since it is a hint."""

    @abstractmethod
    def subscribe(self, name: str, *, about: Iterable[About] = EVERYTHING) -> AsyncIterator[str]:
        """Yield ids of sessions that are notified; `name` is the subscriber's, such as `controller`."""


def key_of_user(person_id: str) -> str:
    """Return the key of everything that a person shows to be let in, as it stands in a notification."""
    return f"u-{person_id.replace('.', '-')}"


def key_of_secret(digest: str) -> str:
    """Return the key of one sign-in or token, as it stands in a notification."""
    return f"k{digest[:48]}"


def key_of_shares(session_id: str) -> str:
    """Return the key of all that lets others into a session, as it stands in a notification."""
    return f"s-{session_id}"


def key_of_group(name: str) -> str:
    """Return the key of all that lets a group's instructors look into its sessions, as it stands in a notification."""
    return f"g-{name}"


class Inbox:
    """What was received and not read yet; a session that is notified ten times meanwhile is in it once."""

    def __init__(self, about: Iterable[About]) -> None:
        self._about = frozenset(about)
        self._ids: dict[str, None] = {}
        self._news = asyncio.Event()

    def receive(self, message: bytes | str) -> None:
        """Take one message; one that can't be read is passed over, since it is a hint."""
        try:
            fields = Fields(reading.decode(message, most=_LONGEST))
            session, about = fields.required("session", reading.name), fields.get("about", reading.text(), None)
        except Unreadable:
            return
        wanted = about in self._about or (about is None and not self._about.isdisjoint(EVERYTHING))
        if wanted and len(self._ids) < _MOST_WAITING:
            self._ids[session] = None
            self._news.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            await self._news.wait()
            self._news.clear()
            received, self._ids = self._ids, {}
            for session_id in received:
                yield session_id


def message(session_id: str, about: About | None) -> str:
    """Write one message."""
    return json.dumps({"session": session_id, "about": about})


class SocketNotifier(Notifier):
    """A folder of Unix sockets, one for each subscriber; whoever notifies sends a datagram to all of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def notify(self, *session_ids: str, about: About | None = None) -> None:
        try:
            subscribers = [entry.path for entry in os.scandir(self._folder) if entry.name.endswith(".sock")]
        except OSError:  # nobody has ever subscribed
            return
        if not subscribers:
            return
        messages = [message(session_id, about).encode() for session_id in session_ids]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
            for subscriber in subscribers:
                _send(sender, subscriber, messages)

    async def subscribe(self, name: str, *, about: Iterable[About] = EVERYTHING) -> AsyncIterator[str]:
        inbox = Inbox(about)
        with self.into(inbox, name):
            async for session_id in inbox:
                yield session_id

    def into(self, inbox: Inbox, name: str) -> AbstractContextManager[object]:
        """Receive what is sent to the folder into `inbox`, for as long as this is entered."""
        return _Socket(self._folder, name, inbox)


class NullNotifier(Notifier):
    """For a store that nobody shares: it notifies nobody."""

    async def notify(self, *session_ids: str, about: About | None = None) -> None:
        pass

    async def subscribe(self, name: str, *, about: Iterable[About] = EVERYTHING) -> AsyncIterator[str]:
        async for session_id in Inbox(about):
            yield session_id


def _send(sender: socket.socket, subscriber: str, messages: list[bytes]) -> None:
    for data in messages:
        try:
            sender.sendto(data, subscriber)
        except OSError as error:
            if error.errno == errno.ECONNREFUSED:  # its process died: nobody will ever read there again
                Path(subscriber).unlink(missing_ok=True)
            return  # a full queue means that the subscriber has enough to do, and a notification is a hint


class _Socket:
    """A subscriber's socket in the folder, for as long as it is entered."""

    def __init__(self, folder: Path, name: str, inbox: Inbox) -> None:
        self._folder, self._name, self._inbox = folder, name, inbox

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
        """Take `<name>-<pid>.sock`, or with a number for a second subscriber of this name in this process."""
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
        for _ in range(_AT_ONCE):
            try:
                data = self._socket.recv(_LONGEST)
            except (BlockingIOError, InterruptedError):
                return
            self._inbox.receive(data)


def _is_stale(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as caller:
        try:
            caller.connect(str(path))
        except OSError as error:
            return error.errno == errno.ECONNREFUSED
        return False
