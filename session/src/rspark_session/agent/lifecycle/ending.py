"""Ending an ensemble in order, within its grace: save, then kernels and interfaces, then services in reverse order.

By now it is decided that it ends, whatever is lost. A voluntary sleep saves before that is decided (`sleeping`).
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rspark_contract.saved import Saved
from rspark_session import home_space
from rspark_session.agent.components.component import Component
from rspark_session.agent.lifecycle import saving
from rspark_session.agent.lifecycle.checkpoint_store import CheckpointStore
from rspark_session.agent.lifecycle.opened import Opened
from rspark_session.agent.lifecycle.saving import SaveResult
from rspark_session.processes.tree import Process, walk


@dataclass(frozen=True)
class Ending:
    """Why it ends: it was asked to, or something failed."""

    how: Literal["suspend", "stop", "fail"]
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How it ended. `problem` says what was lost that should have been kept, `saved` what was kept all the same."""

    saved: Saved | None
    problem: str | None


_NOT_IN_TIME = "The workspace could not be saved in time. What was saved before is still there."
_LATE = 3.0  # seconds that a save may be late: it watches its time itself


class Clock:
    """How much of the grace is left, in seconds."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._deadline = asyncio.get_running_loop().time() + grace

    def left(self) -> float:
        return max(self._deadline - asyncio.get_running_loop().time(), 0.0)

    def share(self, part: float) -> float:
        """Return a part of the whole grace in seconds, but no more than is left."""
        return min(self._grace * part, self.left())


async def end(
    ending: Ending,
    *,
    grace: float,
    store: CheckpointStore,
    opened: Sequence[Opened],
    components: Sequence[Component],
    after: dict[str, tuple[str, ...]],
    begun: asyncio.Task[SaveResult] | None,
) -> Outcome:
    """End everything. `after` says which components a component was started after; those end after it.

    `opened` are the interfaces; `begun` is a save that a voluntary sleep has begun, or finished.
    """
    clock = Clock(grace)
    saved, problem = None, None
    if ending.how != "stop" and (begun or any(each.can_save for each in opened)):
        seconds = clock.share(0.7)
        work = begun or asyncio.create_task(saving.save(opened, store, seconds=seconds))
        saved, problem = await _complete(work, store, seconds=seconds + _LATE)
    await asyncio.gather(*(_end_interface(each, clock) for each in opened))
    await _end_strays(components, seconds=clock.share(0.05))
    await _end_components(components, after, clock)
    await _end_strays((), seconds=0)
    return Outcome(saved, problem)


async def _end_interface(opened: Opened, clock: Clock) -> None:
    if opened.answers and opened.interface.end():
        await opened.component.gone_within(clock.share(0.15))
    await opened.component.stop(clock.share(0.05))


async def _complete(work: asyncio.Task[SaveResult], store: CheckpointStore, *, seconds: float) -> tuple[Saved | None, str | None]:
    """Make what was saved count; return it, and what of it is not kept, or why nothing is."""
    try:
        async with asyncio.timeout(seconds):
            result = await work
        if result.saved is not None:
            store.complete()
            return result.saved, f"Your session {saving.sentence_of(result.failures)}." if result.failures else None
    except TimeoutError:
        result = SaveResult(None, saving.LATE)
    except OSError as problem:
        result = SaveResult(None, saving.FULL if store.is_full(problem) else saving.LATE)
    store.abandon()
    return None, home_space.FULL if result.problem == saving.FULL else _NOT_IN_TIME


async def _end_components(components: Sequence[Component], after: dict[str, tuple[str, ...]], clock: Clock) -> None:
    left = list(components)
    while left:
        needed = {name for component in left for name in after.get(component.report.name, ())}
        leaves = [component for component in left if component.report.name not in needed]
        await asyncio.gather(*(component.stop(clock.left()) for component in leaves))
        left = [component for component in left if component not in leaves]


async def _end_strays(components: Sequence[Component], *, seconds: float) -> None:
    """End what nobody else ends: background jobs, and what lost its parent. What belongs to `components` is left alone."""
    strays = _strays(components)
    _signal(strays, signal.SIGTERM)
    clock = Clock(seconds)
    while (strays := _strays(components)) and clock.left():  # noqa: ASYNC110  (they aren't our children, so nothing tells us)
        await asyncio.sleep(0.02)
    while strays := _strays(components):
        _signal(strays, signal.SIGKILL)
        await asyncio.sleep(0.01)


def _strays(components: Sequence[Component]) -> list[Process]:
    spared = {os.getpid()}
    strays = []
    roots = {component.child.pid for component in components if component.child}
    for process in walk(os.getpid()).values():  # parents come first
        if process.pid in roots or (process.parent in spared and process.parent != os.getpid()):
            spared.add(process.pid)
        elif process.pid not in spared:
            strays.append(process)
    return strays


def _signal(processes: Sequence[Process], number: int) -> None:
    for process in processes:
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            continue
