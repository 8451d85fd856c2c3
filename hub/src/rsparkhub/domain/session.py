"""A session: one user's running ensemble of one environment, with one lifecycle."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from rspark_contract.ensemble import is_beside
from rspark_contract.reading import JsonObject
from rspark_contract.saved import Restored, Saved, SleepRefusal
from rspark_contract.status import ComponentState
from rsparkhub.domain.notice import Notice

# 32 characters without look-alikes; a name that starts with a letter is also a DNS label and a Kubernetes name.
_LETTERS = "abcdefghjkmnpqrstuvwxyz"
_ALPHABET = _LETTERS + "23456789"
#: What `new_session_id` returns, as a pattern.
MADE_ID = rf"[{_LETTERS}][{_ALPHABET}]{{9}}"

#: What a row of the store stands for: one user's session, or a service that sessions share.
RowKind = Literal["session", "service"]


def new_session_id() -> str:
    """Return a new id of 10 characters (49 bits), unique for all practical purposes and fit for a host name."""
    return secrets.choice(_LETTERS) + "".join(secrets.choice(_ALPHABET) for _ in range(9))


class Wanted(StrEnum):
    """What is wanted of a session."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    DELETED = "deleted"


class Sleep(StrEnum):
    """What a session may lose to be put to sleep, from the least to the most."""

    IDLE = "idle"  # nothing: it stays awake while something computes
    KEPT = "kept"  # what computes; not what is in memory
    FORCED = "forced"  # whatever can't be kept

    def allows_more(self, other: "Sleep") -> bool:
        """Return whether this one may lose more than another."""
        order = list(Sleep)
        return order.index(self) > order.index(other)


class State(StrEnum):
    """What a session was last observed to be."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUSPENDING = "suspending"
    SUSPENDED = "suspended"
    RESUMING = "resuming"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def in_words(self) -> str:
        """How a sentence goes on whose subject is the session: "is asleep"."""
        return _IN_WORDS[self]


_IN_WORDS = {
    State.QUEUED: "waits in the queue",
    State.STARTING: "is starting",
    State.RUNNING: "is running",
    State.SUSPENDING: "is going to sleep",
    State.SUSPENDED: "is asleep",
    State.RESUMING: "is waking up",
    State.STOPPING: "is stopping",
    State.STOPPED: "has stopped",
    State.FAILED: "has failed",
}


#: In these states something of the session may exist on the backend.
LIVE = frozenset({State.STARTING, State.RESUMING, State.RUNNING, State.SUSPENDING, State.STOPPING})


@dataclass(frozen=True, kw_only=True)
class Component:
    """One component of an ensemble (the interface, or a service) as its user sees it start."""

    name: str
    title: str
    state: ComponentState = ComponentState.WAITING
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class LastExit:
    """How the last run ended; `saved` is what it kept, None where nothing was, and `ended` what computed when it was ended."""

    code: int | None
    saved: Saved | None
    at: datetime
    ended: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SessionVisit:
    """That somebody looked into the session whose it is not: an instructor of `group`, or else an administrator."""

    person: str  # an id
    to: str
    group: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Session:
    """One row of the store.

    `generation` grows with each start, so that what an earlier start left behind is never taken for this one's.
    """

    id: str
    kind: RowKind = "session"
    owner: str | None  # the id of a person
    name: str
    environment: str
    wanted: Wanted
    sleep: Sleep = Sleep.KEPT  # where it is wanted asleep
    state: State
    generation: int = 0
    reason: str | None = None
    detail: str | None = None  # the log line that an administrator needs
    created: datetime
    queued_at: datetime  # when it was last asked to run: its position in the queue
    started: datetime | None = None  # of this generation
    ready: datetime | None = None
    ended: datetime | None = None
    end_requested_at: datetime | None = None
    last_activity: datetime | None = None
    busy: bool = False
    busy_with: tuple[str, ...] = ()
    memory: int | None = None  # bytes
    cpu: float | None = None  # cores
    upstream: str | None = None  # host:port of the agent of this generation
    secret: str | None = None
    components: tuple[Component, ...] = ()
    endpoints: dict[str, JsonObject] = field(default_factory=dict)  # component → where a service listens
    restored: Restored | None = None
    last_exit: LastExit | None = None
    notices: tuple[Notice, ...] = ()  # of what will put this generation to sleep
    refusal: SleepRefusal | None = None  # of the last sleep of this generation that was given up; `at` is by the hub's clock
    awake_until: datetime | None = None  # somebody put off the sleep of this generation; it is not idle before that
    visits: tuple[SessionVisit, ...] = ()  # the newest first
    project: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    damaged: bool = False  # its row can't be read: it is shown as failed, and left alone until it is deleted

    @property
    def is_service(self) -> bool:
        """Whether it is the row of a shared service, which is nobody's session."""
        return self.kind == "service"

    @property
    def opens_several(self) -> bool:
        """Whether there are interfaces beside the one that it opens first."""
        return any(is_beside(component.name) for component in self.components)
