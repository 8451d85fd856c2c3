"""The datagram by which an agent, or what watches over it, says that a session has news.

It goes to every Unix socket `*.sock` in the folder that `ensemble.json` names as `bells`. It is a hint: its receiver may be gone,
and looks by itself every so often.
"""

import json
from dataclasses import dataclass

from rspark_contract import reading

#: Bytes of a datagram.
MOST_BYTES = 4096

_GENERATION = reading.integer(0, 2**62)


@dataclass(frozen=True, kw_only=True)
class Notification:
    """A session has news. `generation` is 0 where the sender doesn't say of which."""

    session: str
    generation: int = 0

    def to_bytes(self) -> bytes:
        """Return the datagram."""
        return json.dumps({"session": self.session, "generation": self.generation}).encode()


def read_notification(data: bytes) -> Notification | None:
    """Return what a datagram says; None for one that is for somebody else (it has `about`), or that can't be read."""
    try:
        fields = reading.Fields(reading.decode(data, most=MOST_BYTES))
        if fields.has("about"):
            return None
        return Notification(session=fields.required("session", reading.name), generation=fields.get("generation", _GENERATION, 0))
    except reading.Unreadable:
        return None
