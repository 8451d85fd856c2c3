"""What a stream of server-sent events carries beside a session's own JSON."""

from rspark_contract.status import ComponentState
from rsparkhub.wire.text import Answer


class Progress(Answer):
    """A part of the ensemble changed its state."""

    session: str
    part: str
    title: str | None = None
    state: ComponentState
    reason: str | None = None


class Queue(Answer):
    session: str
    position: int


class Deleted(Answer):
    id: str
