"""What an agent leaves when it has ended: how it ended, and what it saved.

It lies as `record.json` in the run folder and beside what was saved. In a container it is also the termination message, of which
a runtime keeps `MOST_MESSAGE` bytes.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rspark_contract import VERSION, reading
from rspark_contract.reading import Fields, JsonObject, Unreadable
from rspark_contract.saved import Saved
from rspark_contract.status import MOST_BUSY, MOST_COMPONENTS

MOST_BYTES = 2**20
MOST_MESSAGE = 4096

_CODE = reading.integer(-(2**31), 2**31)


class How(StrEnum):
    """How an ensemble ended."""

    SUSPENDED = "suspended"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class ComponentExit:
    """With which code a component ended: minus the signal when one killed it, None when it never ran or can't be known."""

    name: str
    code: int | None = None

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {"name": self.name, "code": self.code}

    @classmethod
    def parse(cls, value: object) -> "ComponentExit":
        """Read it.

        Raises
        ------
        Unreadable
            When it is no component.
        """
        fields = Fields(value)
        return cls(name=fields.required("name", reading.name), code=fields.get("code", _CODE, None))


@dataclass(frozen=True, kw_only=True)
class Record:
    """How one generation ended. `saved` is None where nothing was; `code` is the agent's exit code.

    `ended` names what was computing when it was ended.
    """

    how: How
    session: str = ""
    generation: int = 0
    reason: str | None = None  # for the person
    detail: str | None = None  # for the administrator
    code: int | None = None
    at: datetime | None = None
    saved: Saved | None = None
    ended: tuple[str, ...] = ()
    components: tuple[ComponentExit, ...] = ()

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {
            "contract": VERSION,
            "session": self.session,
            "generation": self.generation,
            "how": self.how.value,
            "reason": self.reason,
            "detail": self.detail,
            "code": self.code,
            "at": self.at.isoformat() if self.at else None,
            "saved": self.saved.to_json() if self.saved is not None else None,
            **({"ended": list(self.ended)} if self.ended else {}),
            "parts": [component.to_json() for component in self.components],
        }

    @classmethod
    def parse(cls, value: object) -> "Record":
        """Read it; what only adds to it (a component's code, a lost object) is left out where it can't be read.

        Raises
        ------
        Unreadable
            When it is no record.
        """
        fields = Fields(value)
        return cls(
            how=fields.required("how", reading.member_of(How)),
            session=fields.get("session", reading.text(64), ""),
            generation=fields.get("generation", reading.integer(0, 2**53), 0),
            reason=fields.get("reason", reading.text(), None),
            detail=fields.get("detail", reading.text(), None),
            code=fields.get("code", _CODE, None),
            at=fields.get("at", reading.instant, None),
            saved=fields.get("saved", Saved.parse, None),
            ended=fields.get("ended", reading.readable_items(reading.text(200), most=MOST_BUSY), ()),
            components=fields.get("parts", reading.readable_items(ComponentExit.parse, most=MOST_COMPONENTS), ()),
        )


def read_record(data: bytes | str) -> Record | None:
    """Return the record in a text; None when there is none in it that can be read: then the agent did not end in order."""
    try:
        return Record.parse(reading.decode(data, most=MOST_BYTES))
    except Unreadable:
        return None
