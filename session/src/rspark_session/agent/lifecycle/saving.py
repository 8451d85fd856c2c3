"""Saving what the interfaces have in memory: before every end that keeps something, and before a voluntary sleep.

What is saved lies in a folder that doesn't count until the caller completes it (`CheckpointStore.complete`): a save that fails,
or that a sleep is refused for, leaves what an earlier sleep kept as it was.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from rspark_contract.saved import LostObject, Saved
from rspark_session.agent.lifecycle.checkpoint_store import CheckpointStore
from rspark_session.agent.lifecycle.opened import Opened

_log = logging.getLogger(__name__)

FULL = "Your home is full"
LATE = "There was not enough time"
_NAMED = 3  # of what could not be kept, in a sentence


@dataclass(frozen=True)
class SaveResult:
    """What was saved; None where nothing was, for the `problem`. Nothing to save is an empty `Saved`."""

    saved: Saved | None
    problem: str | None = None

    @property
    def failures(self) -> tuple[LostObject, ...]:
        """What was data and is not kept."""
        if self.saved is None:
            return (LostObject(name="workspace", class_name="", why=f"{self.problem}.", failed=True),)
        return self.saved.failures


async def save(opened: Sequence[Opened], store: CheckpointStore, *, seconds: float) -> SaveResult:
    """Save all that saves into the growing folders, within a time in seconds; return what was saved, or why something was not."""
    failure = None
    savers = [each for each in opened if each.can_save]
    try:
        own = store.begin()
        folders = [own if each.name is None else store.begin_beside(each.name) for each in savers]
        saves = (each.interface.save(folder, within=seconds) for each, folder in zip(savers, folders, strict=True))
        saved = Saved()
        for result in await asyncio.gather(*saves, return_exceptions=True):  # nobody writes there any more when one has failed
            if isinstance(result, BaseException):
                raise result
            if result is None:
                return SaveResult(None, LATE)
            saved += result
        if not any(each.name is None for each in savers):
            store.carry_over()
        for name in store.latest_beside().keys() - {each.name for each in savers}:
            store.carry_over_beside(name)
        return SaveResult(saved)
    except OSError as problem:  # a full disk, most likely
        failure = problem
        _log.exception("the workspace could not be saved")
    return SaveResult(None, FULL if store.is_full(failure) else LATE)


def sentence_of(failures: tuple[LostObject, ...]) -> str:
    """Return what could not be kept, and why: "could not keep `x` (There was no space on the disk) and 2 more"."""
    named = [f"`{lost.name}` ({lost.why.rstrip('.')})" for lost in failures[:_NAMED]]
    more = f" and {len(failures) - _NAMED} more" if len(failures) > _NAMED else ""
    return f"could not keep {', '.join(named)}{more}"
