"""What happened to a session, in words and numbers: the page's progress and the audit come from these."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from rspark_contract.reading import JsonObject

EventKind = Literal["created", "state", "part", "warning", "wanted"]


class CreatedData(TypedDict):
    """Of `created`: what was made; `kind` is `session` or `service`."""

    environment: str
    name: str
    kind: str


class WantedData(TypedDict):
    """Of `wanted`: what is wanted from now on."""

    wanted: str
    reason: str | None


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


#: What is written of an event, by its kind.
EventData = CreatedData | WantedData | StateData | ComponentData | WarningData


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event. `by` is the id of who asked, or None when the controller acted by itself; `owner` owns the session."""

    id: int
    session: str
    at: datetime
    kind: EventKind
    by: str | None = None
    owner: str | None = None
    data: JsonObject
