"""What an agent says of its ensemble, read with care.

A session belongs to its person, who may write anything into it; so nothing that an agent says can break the controller
or fill the store: a text that is too long is cut, and a report that is none is no report.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from rsparkhub.domain.session import ComponentState

#: Enough for a sentence or a log line.
MOST_LETTERS = 1000
MOST_PARTS = 32
MOST_BUSY = 20


def _cut(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


def _aware(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


Text = Annotated[str, AfterValidator(_cut)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
Instant = Annotated[datetime, AfterValidator(_aware)]


class _Report(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class AgentPart(_Report):
    name: Name
    title: Text = ""
    state: ComponentState
    reason: Text | None = None
    endpoint: dict[str, Any] | None = None


class AgentStatus(_Report):
    """`GET /agent/status`, and the file of the same content."""

    state: Literal["starting", "ready", "suspending", "stopping", "ended", "failed"]
    reason: Text | None = None
    detail: Text | None = None
    address: Annotated[str, Field(pattern=r"^[A-Za-z0-9.\[\]:-]{1,255}:[0-9]{1,5}$")] | None = None
    busy: bool = False
    busy_with: tuple[Text, ...] = ()
    last_activity: Instant | None = None
    memory: Annotated[int, Field(ge=0, lt=2**62)] | None = None  # bytes
    cpu: Annotated[float, Field(ge=0, lt=1e6, allow_inf_nan=False)] | None = None  # cores
    parts: Annotated[tuple[AgentPart, ...], Field(max_length=MOST_PARTS)] = ()
    restored: dict[str, Any] | None = None


class AgentRecord(_Report):
    """What the agent leaves when it ends: how, and what it kept."""

    how: Literal["suspended", "stopped", "failed"]
    reason: Text | None = None
    detail: Text | None = None
    code: int | None = None
    saved: dict[str, Any] | None = None


def read_status(data: dict[str, Any] | None) -> AgentStatus | None:
    """Read an agent's status; None when there is none, or when it is not one."""
    try:
        return None if data is None else AgentStatus.model_validate(data)
    except ValidationError:
        return None  # the session stays as it was last seen; its start has a deadline


def read_record(data: dict[str, Any] | None) -> AgentRecord | None:
    """Read an agent's record; None when there is none, or when it is not one: then it did not end cleanly."""
    try:
        return None if data is None else AgentRecord.model_validate(data)
    except ValidationError:
        return None
