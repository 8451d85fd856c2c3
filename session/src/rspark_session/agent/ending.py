"""Ending an ensemble in order, within its grace: save, then kernels and interface, then services in reverse order."""

import asyncio
import logging
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rspark_contract.saved import Saved
from rspark_session.agent import room
from rspark_session.agent.keep import Keep
from rspark_session.agent.part import Part
from rspark_session.agent.tree import Process, walk
from rspark_session.interfaces.base import Interface

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ending:
    """Why it ends: it was asked to, or something failed."""

    how: Literal["suspend", "stop", "fail"]
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How it ended. `problem` says what didn't work, if anything."""

    saved: Saved | None
    problem: str | None


class Clock:
    """What is left of the grace."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._deadline = asyncio.get_running_loop().time() + grace

    def left(self) -> float:
        return max(self._deadline - asyncio.get_running_loop().time(), 0.0)

    def share(self, part: float) -> float:
        """A part of the whole grace, but no more than is left."""
        return min(self._grace * part, self.left())


async def end(
    ending: Ending,
    *,
    grace: float,
    keep: Keep,
    interface: Interface | None,
    interface_part: Part | None,
    parts: Sequence[Part],
    after: dict[str, tuple[str, ...]],
) -> Outcome:
    """End everything. `after` says which parts a part was started after; those end after it.

    `interface_part` is the process of `interface`.
    """
    clock = Clock(grace)
    saved, problem = None, None
    if interface is not None and interface_part is not None:
        answers = interface_part.alive and interface_part.was_ready
        if answers and interface.saves_workspace and ending.how != "stop":
            saved, problem = await _save(interface, keep, seconds=clock.share(0.7))
        if answers and interface.end():
            await interface_part.gone_within(clock.share(0.15))
        await interface_part.stop(clock.share(0.05))
    await _end_strays(parts, seconds=clock.share(0.05))
    await _end_parts(parts, after, clock)
    await _end_strays((), seconds=0)
    return Outcome(saved, problem)


async def _save(interface: Interface, keep: Keep, *, seconds: float) -> tuple[Saved | None, str | None]:
    """Return what was saved, or why nothing could be."""
    failure = None
    try:
        folder = keep.begin()
        saved = await interface.save(folder, within=seconds)
        if saved is not None:
            keep.complete()
            return saved, None
    except OSError as problem:  # a full disk, most likely
        failure = problem
        _log.exception("the workspace could not be saved")
    full = keep.is_full(failure)
    keep.abandon()
    return None, room.FULL if full else "The workspace could not be saved in time. What was saved before is still there."


async def _end_parts(parts: Sequence[Part], after: dict[str, tuple[str, ...]], clock: Clock) -> None:
    left = list(parts)
    while left:
        needed = {name for part in left for name in after.get(part.status.name, ())}
        leaves = [part for part in left if part.status.name not in needed]
        await asyncio.gather(*(part.stop(clock.left()) for part in leaves))
        left = [part for part in left if part not in leaves]


async def _end_strays(parts: Sequence[Part], *, seconds: float) -> None:
    """End what nobody else ends: background jobs, and what lost its parent. What belongs to `parts` is left alone."""
    strays = _strays(parts)
    _signal(strays, signal.SIGTERM)
    clock = Clock(seconds)
    while (strays := _strays(parts)) and clock.left():  # noqa: ASYNC110  (they aren't our children, so nothing tells us)
        await asyncio.sleep(0.02)
    while strays := _strays(parts):
        _signal(strays, signal.SIGKILL)
        await asyncio.sleep(0.01)


def _strays(parts: Sequence[Part]) -> list[Process]:
    spared = {os.getpid()}
    strays = []
    roots = {part.child.pid for part in parts if part.child}
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
