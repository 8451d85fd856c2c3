"""What was used, and what was done, on the wire."""

from datetime import datetime

from pydantic import Field

from rsparkhub.domain.event import EventKind
from rsparkhub.wire.text import Answer, JsonObject


class UsageRow(Answer):
    """The runs of one session within the period."""

    owner: str
    session: str
    environment: str | None
    starts: int
    seconds: float = Field(description="From the start of starting until everything had ended.")


class PersonUsage(Answer):
    owner: str
    sessions: int
    starts: int
    seconds: float


class Usage(Answer):
    since: datetime | None
    until: datetime
    people: list[PersonUsage]
    sessions: list[UsageRow]


class EventView(Answer):
    id: int
    session: str | None = Field(description="The session's id; null when it is about none.")
    session_name: str | None = Field(default=None, description="What the session is or was called, where it is known.")
    at: datetime
    kind: EventKind
    by: str | None = Field(description="The person who asked; null when the hub acted by itself.")
    owner: str | None = Field(default=None, description="The person whose session or account it is about.")
    text: str = Field(default="", description="What happened, as a sentence.")
    data: JsonObject


class Audit(Answer):
    events: list[EventView]
    next: int | None = Field(default=None, description="When there are more: what to send as `before`, or as `after`.")
