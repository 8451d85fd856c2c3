"""What happened to a session, in words and numbers: the page's progress, the audit and the bill come from these."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

EventKind = Literal["created", "state", "part", "queue", "warning", "wanted"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event. `by` is the person who asked, or None when the controller acted by itself; `owner` owns the session."""

    id: int
    session: str
    at: datetime
    kind: EventKind
    by: str | None = None
    owner: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
