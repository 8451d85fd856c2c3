"""A console as the debugger sees it, and what the debugger of a language does with it."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from rspark_session.rc2 import protocol

if TYPE_CHECKING:
    from rspark_session.rc2.console import Console


@dataclass(frozen=True)
class Wanted:
    """What a person has set: breakpoints by the paths of files, and whether an error leads into the debugger."""

    breakpoints: tuple[tuple[str, tuple[protocol.BreakpointAt, ...]], ...] = ()
    break_on_error: bool = False

    def __bool__(self) -> bool:
        return bool(self.breakpoints) or self.break_on_error


@dataclass(eq=False)
class Debugged:
    """A console whose language has a debugger. `changed` is called when it stops somewhere, and when it goes on."""

    console: "Console"
    language: "Language"
    wanted: Callable[[], Wanted]
    changed: Callable[["Debugged"], None]
    #: The numbers of where it stops: none is used again, also by another kernel.
    numbers: Iterator[int]
    #: What the kernel knows of; a new one knows of nothing.
    told: Wanted = field(default_factory=Wanted)
    #: What it is told with the execution that was made ready last.
    telling: Wanted = field(default_factory=Wanted)
    #: The breakpoints that stand in its code, each as path and line.
    placed: frozenset[tuple[str, int]] = frozenset()
    stopped: protocol.Stopped | None = None
    applying: asyncio.Task[None] | None = None
    stepping: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take_placed(self, breakpoints: object) -> None:
        """Take in which breakpoints stand in its code, as a kernel says it."""
        self.placed = frozenset(_places(breakpoints))

    def stop(self, found: Mapping[str, Any]) -> None:
        """Take in where it waits; raise `ValidationError` when a kernel says it in another form."""
        self.stopped = protocol.Stopped.model_validate({**found, "stop": next(self.numbers)})
        self.changed(self)

    def go_on(self) -> None:
        """Take in that it waits no longer."""
        if self.stopped is not None:
            self.stopped = None
            self.changed(self)


def _places(breakpoints: object) -> Iterable[tuple[str, int]]:
    for each in breakpoints if isinstance(breakpoints, list) else ():
        if isinstance(each, dict) and isinstance(path := each.get("path"), str) and isinstance(line := each.get("line"), int):
            yield path, line


class Language(Protocol):
    """The debugger of a language."""

    async def prepare(self, debugged: Debugged, request: protocol.Execute) -> Mapping[str, Any]:
        """Make ready for an execution, and return the metadata that goes with it."""

    def sent(self, debugged: Debugged) -> None:
        """Take in that the execution that was made ready last was sent."""

    async def apply(self, debugged: Debugged) -> None:
        """Tell the kernel what is wanted, as soon as it can be told; raise `Busy` or `Refusal` where it can't."""

    async def step(self, debugged: Debugged, step: str) -> None:
        """Go on from where it waits."""

    async def interrupt(self, debugged: Debugged) -> None:
        """End what waits, as an interrupt does."""

    async def look(self, debugged: Debugged, request: protocol.FrameRequest) -> Mapping[str, Any]:
        """Return the variables of a call, or what is inside of one, as `Children` has them."""

    def asked(self, debugged: Debugged, content: Mapping[str, Any]) -> None:
        """Take in what came with a question of the kernel's."""

    def went_on(self, debugged: Debugged) -> None:
        """Take in that no question is open any more."""

    def interrupted(self, debugged: Debugged) -> None:
        """Take in that the kernel is interrupted."""

    def heard(self, debugged: Debugged, event: Mapping[str, Any]) -> None:
        """Take in an event of Jupyter's debug protocol."""
