"""The whole job description of a backend."""

import asyncio
import builtins
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rspark_contract.http import Ending
from rspark_contract.reading import NAME
from rsparkhub.domain.ensemble import EnsembleSpec, Observed
from rsparkhub.domain.errors import RsparkhubError
from rsparkhub.log_context import log_once

log = logging.getLogger(__name__)

#: How many generations `observe_many` observes at the same time.
AT_ONCE = 32

_GENERATION = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, order=True)
class EnsembleRef:
    """One generation of one session: the name of everything that belongs to it."""

    id: str
    generation: int

    @classmethod
    def parse(cls, session_id: str, generation: str) -> "EnsembleRef | None":
        """Return what two words name that were found on a disk, in a process or at an object; None when that is nothing of ours.

        What runs inside a session writes such words too, and what they name is ended and deleted.
        """
        if NAME.fullmatch(session_id) is None or _GENERATION.fullmatch(generation) is None:
            return None
        return cls(session_id, int(generation))


class Backend(ABC):
    """Runs ensembles, and reports what it observes.

    Each method may be called again at any time, by another controller, after a crash in the middle of the last call:

    - `apply` makes an ensemble run. A second `apply` of the same generation finds what the first made, also while the
      first is still at work; it never runs twice, and never runs again what has ended. Raises `CannotStart`.
    - `observe` returns what became of one generation; `observe_many` asks for several, none of which waits for another.
    - `list` returns every generation of which anything is left, of all sessions or of one: the truth about what runs.
    - `end` asks the agent to save and end, or to end. It returns at once; `observe` shows the end. Of an ending that begins with
      `sleep`, nothing but the agent is asked: it alone knows what would be lost, and may refuse.
    - `kill` ends everything of a generation by force, and returns when nothing of it is alive.
    - `remove` deletes what is left of an ended generation; never a home.
    - `log_tails` returns the ends of its logs.
    - `forget_session` deletes what a deleted session left over its generations.
    - `users` and `forget_user` are for what it keeps of people beside that.
    - `remove_home` deletes the home of somebody who was removed, of whom nothing runs any more.

    `changes` yields refs that are worth observing. It is a hint only: nothing may depend on it, since a controller also
    observes by itself every so often.

    Every method raises `Unavailable` where what runs the ensembles doesn't answer.
    """

    @abstractmethod
    async def apply(self, spec: EnsembleSpec) -> None: ...

    @abstractmethod
    async def observe(self, ref: EnsembleRef) -> Observed: ...

    async def observe_many(self, refs: Iterable[EnsembleRef]) -> AsyncIterator[tuple[EnsembleRef, Observed]]:
        """Yield what became of several generations, each as soon as it is known.

        One that can't be observed now is left out, and logged: one lost node hides nothing of the others.
        """
        remaining = iter(refs)
        results: asyncio.Queue[tuple[EnsembleRef, Observed] | None] = asyncio.Queue()

        async def work() -> None:
            for ref in remaining:
                try:
                    results.put_nowait((ref, await self.observe(ref)))
                except (OSError, RsparkhubError) as error:
                    log.warning("%s.%s can't be observed now: %s", ref.id, ref.generation, error)
                except Exception as error:  # a defect, which hides no other either
                    log_once(log, f"{ref} {error!r}", "%s.%s can't be observed: %r", ref.id, ref.generation, error)

        workers = [asyncio.create_task(work()) for _ in range(AT_ONCE)]
        all_of_them = asyncio.gather(*workers)
        all_of_them.add_done_callback(lambda _: results.put_nowait(None))
        try:
            while (result := await results.get()) is not None:
                yield result
            await all_of_them
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    @abstractmethod
    async def list(self, *, session_id: str | None = None) -> list[EnsembleRef]: ...

    @abstractmethod
    async def end(self, ref: EnsembleRef, ending: Ending, grace: timedelta) -> None: ...

    @abstractmethod
    async def kill(self, ref: EnsembleRef) -> None: ...

    @abstractmethod
    async def remove(self, ref: EnsembleRef) -> None: ...

    @abstractmethod
    async def log_tails(self, ref: EnsembleRef, *, most: int = 64 * 1024) -> dict[str, str]:
        """Return the last `most` bytes of the log of each component, by the component's name."""

    @abstractmethod
    def changes(self) -> AsyncIterator[EnsembleRef]: ...

    @abstractmethod
    async def forget_session(self, session_id: str, *, user: str | None) -> None:
        """Delete what a deleted session left over its generations (its saved workspace, its logs); never a home.

        `user` is the session's owner; None for a service, or for a session that no row knows any more.
        """

    async def users(self) -> "builtins.list[str]":
        """Return the people for whom it keeps something on the machine beside their homes and sessions, such as an account."""
        return []

    async def forget_user(self, user: str) -> None:  # noqa: B027  most keep nothing
        """Remove what it keeps for a person who was removed, once nothing of theirs runs; never their home."""

    @abstractmethod
    async def remove_home(self, user: str, *, archive: Path | None) -> None:
        """Delete the home of a person, by their id; before, write it into the folder `archive` where one is given.

        Only a backend with the capability `archive` is given one. There may be no home.
        """

    async def aclose(self) -> None:  # noqa: B027  a backend without connections has nothing to close
        """Close the connections to agents and to what runs the ensembles; those go on."""
