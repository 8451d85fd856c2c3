"""The whole job description of a backend."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from rsparkhub.domain.ensemble import Ending, EnsembleSpec, Observed


@dataclass(frozen=True, order=True)
class EnsembleRef:
    """One generation of one session: the name of everything that belongs to it."""

    id: str
    generation: int


class Backend(ABC):
    """Runs ensembles, and reports what it sees.

    Six methods do the work, and all of them may be called again at any time, by another controller, after a crash in
    the middle of the last call:

    - `apply` makes an ensemble run. A second `apply` of the same generation finds what the first made, also while the
      first is still at work; it never runs twice, and never runs again what has ended.
    - `observe` tells what became of one generation.
    - `list` tells every generation that has left any trace: the truth about what runs.
    - `end` asks the agent to save and end, or to end. It returns at once; the end is seen by `observe`.
    - `kill` ends everything of a generation by force, and returns when nothing of it is alive.
    - `remove` takes away the traces of an ended generation; never a home.

    `changes` yields refs that are worth a look. It is a hint only: nothing may depend on it, since a controller also looks
    by itself every so often.
    """

    @abstractmethod
    async def apply(self, spec: EnsembleSpec) -> None: ...

    @abstractmethod
    async def observe(self, ref: EnsembleRef) -> Observed: ...

    @abstractmethod
    async def list(self) -> list[EnsembleRef]: ...

    @abstractmethod
    async def end(self, ref: EnsembleRef, ending: Ending, grace: timedelta) -> None: ...

    @abstractmethod
    async def kill(self, ref: EnsembleRef) -> None: ...

    @abstractmethod
    async def remove(self, ref: EnsembleRef) -> None: ...

    @abstractmethod
    async def log_tails(self, ref: EnsembleRef, *, most: int = 64 * 1024) -> dict[str, str]:
        """Give the last `most` bytes of the log of each part, by the part's name."""

    @abstractmethod
    def changes(self) -> AsyncIterator[EnsembleRef]: ...

    @abstractmethod
    async def forget_session(self, session_id: str, *, user: str | None) -> None:
        """Take away what a deleted session kept over its generations (its saved workspace, its logs); never a home.

        `user` is the session's person; None for a service, or for a session that no row knows any more.
        """
