"""What an agent reports of its ensemble while it runs: `status.json` in the run folder, and the answer to `/agent/status`."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rspark_contract import VERSION, reading
from rspark_contract.reading import Fields, JsonObject, Unreadable
from rspark_contract.saved import Restored, SleepRefusal

#: Bytes of a report; a usual one has some kilobytes.
MOST_BYTES = 2**20
MOST_COMPONENTS = 32
#: How many computations are named.
MOST_BUSY = 20

_ADDRESS = re.compile(r"[A-Za-z0-9.\[\]:-]{1,255}:[0-9]{1,5}")
_SESSION = reading.text(64)
_NUMBER = reading.integer(0, 2**53)
_MEMORY = reading.integer(0, 2**62 - 1)
_CPU = reading.number(0, 1e6)


class AgentState(StrEnum):
    """The state of an ensemble as its agent knows it."""

    STARTING = "starting"
    READY = "ready"
    SUSPENDING = "suspending"
    STOPPING = "stopping"
    ENDED = "ended"
    FAILED = "failed"


class ComponentState(StrEnum):
    """The state of one component."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class ComponentStatus:
    """One component of the ensemble; `endpoint` is where a service listens, in the service's own words."""

    name: str
    title: str
    state: ComponentState
    reason: str | None = None
    endpoint: JsonObject | None = None

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "state": self.state.value,
            "reason": self.reason,
            "endpoint": self.endpoint,
        }

    @classmethod
    def parse(cls, value: object) -> "ComponentStatus":
        """Read it.

        Raises
        ------
        Unreadable
            When it is no component.
        """
        fields = Fields(value)
        return cls(
            name=fields.required("name", reading.name),
            title=fields.get("title", reading.text(200), ""),
            state=fields.required("state", reading.member_of(ComponentState)),
            reason=fields.get("reason", reading.text(), None),
            endpoint=fields.get("endpoint", reading.json_object(), None),
        )


@dataclass(frozen=True, kw_only=True)
class AgentStatus:
    """The report of one agent.

    `memory` is in bytes and `cpu` in cores; both count the whole ensemble. `last_activity` is when a person last did
    something; `busy_with` names what computes: a kernel ("R kernel, a.ipynb"), or a sentence ("A terminal runs psql").
    `refusal` is the last voluntary sleep that was given up. Times are in UTC.
    """

    state: AgentState
    session: str = ""
    generation: int = 0
    reason: str | None = None  # for the person
    detail: str | None = None  # for the administrator
    address: str | None = None  # host:port where the agent listens
    pid: int | None = None
    busy: bool = False
    busy_with: tuple[str, ...] = ()
    last_activity: datetime | None = None
    memory: int | None = None
    cpu: float | None = None
    components: tuple[ComponentStatus, ...] = ()
    restored: Restored | None = None
    refusal: SleepRefusal | None = None
    updated: datetime | None = None

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {
            "contract": VERSION,
            "session": self.session,
            "generation": self.generation,
            "state": self.state.value,
            "reason": self.reason,
            "detail": self.detail,
            "address": self.address,
            "pid": self.pid,
            "busy": self.busy,
            "busy_with": list(self.busy_with),
            "last_activity": _written(self.last_activity),
            "memory": self.memory,
            "cpu": self.cpu,
            "parts": [component.to_json() for component in self.components],
            "restored": self.restored.to_json() if self.restored else None,
            **({"refusal": self.refusal.to_json()} if self.refusal else {}),
            "updated": _written(self.updated),
        }

    @classmethod
    def parse(cls, value: object) -> "AgentStatus":
        """Read it; what only adds to it (a computation's name, a lost object) is left out where it can't be read.

        Raises
        ------
        Unreadable
            When it is no report.
        """
        fields = Fields(value)
        return cls(
            state=fields.required("state", reading.member_of(AgentState)),
            session=fields.get("session", _SESSION, ""),
            generation=fields.get("generation", _NUMBER, 0),
            reason=fields.get("reason", reading.text(), None),
            detail=fields.get("detail", reading.text(), None),
            address=fields.get("address", _address, None),
            pid=fields.get("pid", _NUMBER, None),
            busy=fields.get("busy", reading.flag, False),
            busy_with=fields.get("busy_with", reading.readable_items(reading.text(200), most=MOST_BUSY), ()),
            last_activity=fields.get("last_activity", reading.instant, None),
            memory=fields.get("memory", _MEMORY, None),
            cpu=fields.get("cpu", _CPU, None),
            components=fields.get("parts", reading.items(ComponentStatus.parse, most=MOST_COMPONENTS), ()),
            restored=fields.get("restored", Restored.parse, None),
            refusal=fields.get("refusal", SleepRefusal.parse, None),
            updated=fields.get("updated", reading.instant, None),
        )


def read_status(data: bytes | str) -> AgentStatus | None:
    """Return the report in a text; None when there is none in it that can be read.

    A session whose report can't be read stays as it was last seen, and its start has a deadline.
    """
    try:
        return AgentStatus.parse(reading.decode(data, most=MOST_BYTES))
    except Unreadable:
        return None


def _address(value: object) -> str | None:
    """Read an address; an agent that does not listen yet writes an empty one."""
    if value == "":
        return None
    address = reading.matching(_ADDRESS)(value)
    if not 0 < int(address.rpartition(":")[2]) < 2**16:
        raise Unreadable("an address has no such port")
    return address


def _written(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
