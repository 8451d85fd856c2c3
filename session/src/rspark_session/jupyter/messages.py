"""The messages between the agent and the Jupyter server of a session: one JSON object a line, written and read here.

Both ends are of one version: the agent starts the server from its own package.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeAlias

from rspark_contract import reading
from rspark_contract.reading import Fields, JsonObject, Unreadable
from rspark_contract.saved import Restored, Saved

#: Bytes of one message: a report of what was saved names some hundred lost objects.
MOST_BYTES = 2**24

_PID = reading.integer(1, 2**31)
_TITLE = reading.text(500)
_MOST_PROCESSES = 256


@dataclass(frozen=True)
class Ready:
    """The server listens, and the kernels that a sleep saved run again."""

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {}

    @classmethod
    def parse(cls, _: Fields) -> "Ready":
        """Read it."""
        return cls()


@dataclass(frozen=True)
class Activity:
    """A person did something, in UTC."""

    at: datetime

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {"at": self.at.isoformat()}

    @classmethod
    def parse(cls, fields: Fields) -> "Activity":
        """Read it; raise `Unreadable` when it has no instant."""
        return cls(fields.required("at", reading.instant))


@dataclass(frozen=True)
class Processes:
    """What the server's processes are and do: it replaces what the message before said.

    `titles` names kernels and shells by their pid, `busy` the kernels that compute, `warm_kernel` is the pid of a kernel that
    nobody has requested yet, `shells` has the pids of the shells of terminals, and `helpers` those of programs that look things
    up for the pages.
    """

    titles: Mapping[int, str]
    busy: tuple[str, ...]
    warm_kernel: int | None
    shells: tuple[int, ...] = ()
    helpers: tuple[int, ...] = ()

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        titles: JsonObject = {str(pid): title for pid, title in islice(self.titles.items(), _MOST_PROCESSES)}
        return {
            "titles": titles,
            "busy": list(self.busy[:_MOST_PROCESSES]),
            "warm_kernel": self.warm_kernel,
            "shells": list(self.shells[:_MOST_PROCESSES]),
            "helpers": list(self.helpers[:_MOST_PROCESSES]),
        }

    @classmethod
    def parse(cls, fields: Fields) -> "Processes":
        """Read it; raise `Unreadable` when a pid is no number."""
        titles = fields.required("titles", reading.mapping(_TITLE, most=_MOST_PROCESSES))
        return cls(
            titles={_pid_of(key): title for key, title in titles.items()},
            busy=fields.required("busy", reading.items(_TITLE, most=_MOST_PROCESSES)),
            warm_kernel=fields.get("warm_kernel", _PID, None),
            shells=fields.get("shells", reading.items(_PID, most=_MOST_PROCESSES), ()),
            helpers=fields.get("helpers", reading.items(_PID, most=_MOST_PROCESSES), ()),
        )


@dataclass(frozen=True)
class WorkspaceSaved:
    """What `SaveWorkspace` saved."""

    saved: Saved

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {"saved": self.saved.to_json()}

    @classmethod
    def parse(cls, fields: Fields) -> "WorkspaceSaved":
        """Read it; raise `Unreadable` when it says nothing of what was saved."""
        return cls(fields.required("saved", Saved.parse))


@dataclass(frozen=True)
class WorkspaceNotSaved:
    """Why `SaveWorkspace` could not write the folder: the number of the error, and its words."""

    errno: int
    why: str

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {"errno": self.errno, "why": self.why}

    @classmethod
    def parse(cls, fields: Fields) -> "WorkspaceNotSaved":
        """Read it; raise `Unreadable` when it has no number."""
        return cls(fields.required("errno", reading.integer(0, 2**31)), fields.get("why", reading.text(), ""))


@dataclass(frozen=True)
class WorkspaceRestored:
    """What the server restored of what a sleep saved."""

    restored: Restored

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {"restored": self.restored.to_json()}

    @classmethod
    def parse(cls, fields: Fields) -> "WorkspaceRestored":
        """Read it; raise `Unreadable` when it says nothing of what was restored."""
        return cls(fields.required("restored", Restored.parse))


@dataclass(frozen=True)
class SaveWorkspace:
    """Save what all kernels hold into the folder, within a time in seconds."""

    folder: str
    within: float

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {"folder": self.folder, "within": self.within}

    @classmethod
    def parse(cls, fields: Fields) -> "SaveWorkspace":
        """Read it; raise `Unreadable` when a folder or a time is missing."""
        return cls(fields.required("folder", reading.verbatim(2**16)), fields.required("within", reading.number(0, 1e8)))


@dataclass(frozen=True)
class End:
    """End kernels and terminals, then the server."""

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {}

    @classmethod
    def parse(cls, _: Fields) -> "End":
        """Read it."""
        return cls()


#: What the server sends, and what it is sent.
Report: TypeAlias = Ready | Activity | Processes | WorkspaceSaved | WorkspaceNotSaved | WorkspaceRestored
Request: TypeAlias = SaveWorkspace | End


def encode(message: Report | Request) -> bytes:
    """Return a message as a line."""
    return json.dumps({"type": type(message).__name__, **message.to_json()}).encode() + b"\n"


def decode_report(line: bytes) -> Report:
    """Return the message of a server in a line.

    Raises
    ------
    Unreadable
        When there is none in it.
    """
    fields = _fields(line)
    match fields.required("type", reading.text()):
        case "Ready":
            return Ready.parse(fields)
        case "Activity":
            return Activity.parse(fields)
        case "Processes":
            return Processes.parse(fields)
        case "WorkspaceSaved":
            return WorkspaceSaved.parse(fields)
        case "WorkspaceNotSaved":
            return WorkspaceNotSaved.parse(fields)
        case "WorkspaceRestored":
            return WorkspaceRestored.parse(fields)
        case other:
            raise Unreadable(f"a server sends no {other}")


def decode_request(line: bytes) -> Request:
    """Return the message of an agent in a line.

    Raises
    ------
    Unreadable
        When there is none in it.
    """
    fields = _fields(line)
    match fields.required("type", reading.text()):
        case "SaveWorkspace":
            return SaveWorkspace.parse(fields)
        case "End":
            return End.parse(fields)
        case other:
            raise Unreadable(f"an agent sends no {other}")


def _fields(line: bytes) -> Fields:
    return Fields(reading.decode(line, most=MOST_BYTES))


def _pid_of(key: str) -> int:
    if not key.isdigit():
        raise Unreadable(f"{key!r} is no pid")
    return _PID(int(key))
