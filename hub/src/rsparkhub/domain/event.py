"""What happened to a session, and what people did to each other's accounts: pages' progress and the audit come from these."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from rspark_contract.reading import JsonObject

#: Of a session; the pages follow these.
SessionEventKind = Literal["created", "state", "part", "warning", "wanted", "extended", "renamed"]
#: Of people, for the audit alone. A `visit` is to somebody else's session.
PeopleEventKind = Literal["sign-in", "visit", "share", "person", "group", "token"]
EventKind = Literal[SessionEventKind, PeopleEventKind]


class CreatedData(TypedDict):
    """Of `created`: what was made; `kind` is `session` or `service`."""

    environment: str
    name: str
    kind: str


class WantedData(TypedDict):
    """Of `wanted`: what is wanted from now on."""

    wanted: str
    reason: str | None


class ExtendedData(TypedDict):
    """Of `extended`: until when an idle session stays awake (ISO 8601)."""

    until: str
    generation: int


class RenamedData(TypedDict):
    """Of `renamed`: what a session is called from now on, and what it was called."""

    name: str
    was: str


class StateData(TypedDict):
    """Of `state`: what a session is, and what it was before.

    `code` is the exit code of the run that ended, where one did, and `ended` what computed then, where something did.
    """

    state: str
    was: str
    generation: int
    reason: str | None
    code: NotRequired[int | None]
    ended: NotRequired[list[str]]


class ComponentData(TypedDict):
    """Of `part`: the state of one component of the ensemble."""

    part: str
    title: str
    state: str
    reason: str | None
    generation: int


class WarningData(TypedDict):
    """Of `warning`: that the session goes to sleep at `at` (ISO 8601), and why."""

    kind: str
    generation: int
    at: str
    text: str


class SignInData(TypedDict):
    """Of `sign-in`: by which way."""

    way: str


class VisitData(TypedDict):
    """Of `visit`: what was opened, and of which group somebody is an instructor who visits a session of it."""

    to: Literal["interface", "log"]
    group: NotRequired[str]


class ShareData(TypedDict):
    """Of `share`: with whom (`person` is their name) a session is shared from now on, or no longer; `expires` is ISO 8601."""

    change: Literal["set", "ended"]
    role: str
    person: NotRequired[str]
    group: NotRequired[str]
    expires: NotRequired[str]


class PersonData(TypedDict):
    """Of `person`: what was changed of them; `owner` of the event says whom."""

    change: Literal["added", "removed", "disabled", "enabled", "password", "link", "browser", "discarded"]
    admin: NotRequired[bool]
    data: NotRequired[str]


GroupChange = Literal[
    "added", "removed", "members", "discarded", "instructors", "rule", "announced",
    "course", "due", "handed-in", "returned", "read", "gave", "took-away", "removed-hand-in",
]  # fmt: skip


class GroupData(TypedDict):
    """Of `group`: what was changed of it, who came and went, and what becomes of its data when it goes.

    Of `instructors`, who became one and who is one no longer; of `rule`, whether they look into sessions. Of `course`, whether it
    takes work (`view`), and until when work is due (`text`); of `due`, until when an `assignment` is (`text`); of what
    was done with a file there, its name (`text`).
    """

    change: GroupChange
    group: str
    joined: list[str]
    left: list[str]
    data: NotRequired[str]
    view: NotRequired[bool]
    text: NotRequired[str]
    assignment: NotRequired[str]


class TokenData(TypedDict):
    """Of `token`: whether one was made, and with which scopes, or ended."""

    change: Literal["made", "ended"]
    name: str
    scopes: NotRequired[list[str]]


#: What is written of an event, by its kind.
SessionEventData = CreatedData | WantedData | ExtendedData | RenamedData | StateData | ComponentData | WarningData
PeopleEventData = SignInData | VisitData | ShareData | PersonData | GroupData | TokenData
EventData = SessionEventData | PeopleEventData


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event. `by` is the id of who asked, or None when the hub acted by itself.

    `owner` is the id of whose session or account it is about. `session` is empty where it is about none.
    """

    id: int
    session: str
    at: datetime
    kind: EventKind
    by: str | None = None
    owner: str | None = None
    data: JsonObject
