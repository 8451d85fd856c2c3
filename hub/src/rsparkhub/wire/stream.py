"""What a stream of server-sent events carries."""

from rspark_contract.status import ComponentState
from rsparkhub.wire.session import SessionView
from rsparkhub.wire.text import Answer


class Progress(Answer):
    """A part of the ensemble changed its state."""

    session: str
    part: str
    title: str | None = None
    state: ComponentState
    reason: str | None = None


class Queue(Answer):
    """A session's place in the queue; 1 is next."""

    session: str
    position: int


class Deleted(Answer):
    """A session is no more."""

    id: str


class StreamData(Answer):
    """The data of a stream's events, by the name of the event."""

    session: SessionView
    progress: Progress
    queue: Queue
    deleted: Deleted
