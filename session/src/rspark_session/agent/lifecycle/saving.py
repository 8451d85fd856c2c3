"""Saving what the interface has in memory: before every end that keeps something, and before a voluntary sleep.

What is saved lies in a folder that doesn't count until the caller completes it (`CheckpointStore.complete`): a save that fails,
or that a sleep is refused for, leaves what an earlier sleep kept as it was.
"""

import logging
from dataclasses import dataclass

from rspark_contract.saved import LostObject, Saved
from rspark_session.agent.lifecycle.checkpoint_store import CheckpointStore
from rspark_session.interfaces.base import Interface

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


async def save(interface: Interface, store: CheckpointStore, *, seconds: float) -> SaveResult:
    """Save into the growing folder within a time in seconds; return what was saved, or why nothing could be."""
    failure = None
    try:
        saved = await interface.save(store.begin(), within=seconds)
        if saved is not None:
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
