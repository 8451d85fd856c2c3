"""The debugger of the room: what is set, where consoles wait, and who is told."""

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rspark_session.rc2 import protocol
from rspark_session.rc2.console import Console
from rspark_session.rc2.debugger.breakpoints import BreakpointStore
from rspark_session.rc2.debugger.debugged import Debugged, Language, Wanted
from rspark_session.rc2.debugger.python_debugpy import PythonDebugpy
from rspark_session.rc2.debugger.r_browser import RBrowser
from rspark_session.rc2.introspection import Introspection
from rspark_session.rc2.refusal import Busy, Refusal

_log = logging.getLogger(__name__)
_WENT_ON = "The code has gone on from there."

Notify = Callable[[protocol.Notice], None]


class Debugger:
    """Keeps breakpoints, passes them to consoles, and tells all clients where one waits."""

    def __init__(self, file: Path, introspection: Introspection) -> None:
        self._store = BreakpointStore(file)
        self._languages: dict[str, Language] = {"R": RBrowser(introspection), "python": PythonDebugpy(introspection)}
        self._consoles: dict[str, Debugged] = {}
        self._notify: list[Notify] = []
        self._told: protocol.Breakpoints | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)

    def subscribe(self, notify: Notify) -> Callable[[], None]:
        """Tell a client what there is and what changes, until what is returned is called."""
        self._notify.append(notify)
        notify(self._breakpoints())
        for debugged in self._consoles.values():
            if debugged.stopped is not None:
                notify(protocol.DebuggerState(console=debugged.console.identity.id, stopped=debugged.stopped))
        return lambda: self._notify.remove(notify)

    # What a person asks for

    def set_breakpoints(self, request: protocol.SetBreakpoints) -> None:
        """Set the breakpoints of a file; raise `Refusal` when too many have some."""
        self._store.set(request.path, request.breakpoints)
        self._changed()

    def break_on_error(self, on: bool) -> None:
        """Let errors lead into the debugger, or not."""
        self._store.break_on_error = on
        self._changed()

    async def step(self, console: Console, request: protocol.Step) -> None:
        """Go on from where a console waits; raise `Refusal` where it doesn't, or no longer.

        One step is taken after another; what is to stop waits for none.
        """
        debugged = self._consoles.get(console.identity.id)
        stopped = debugged.stopped if debugged is not None else None
        if request.stop is not None and (stopped is None or stopped.stop != request.stop):
            raise Busy(_WENT_ON)
        if debugged is None or stopped is None:
            raise Refusal("Nothing waits in the debugger now.")
        if request.step == "stop":
            await debugged.language.step(debugged, request.step)
            return
        async with debugged.stepping:
            if debugged.stopped is not stopped:
                raise Busy(_WENT_ON)
            await debugged.language.step(debugged, request.step)

    async def interrupt(self, console: Console) -> None:
        """Interrupt what a console executes, also where it waits."""
        debugged = self._consoles.get(console.identity.id)
        if debugged is None or debugged.stopped is None:
            await console.interrupt()
        else:
            await debugged.language.interrupt(debugged)

    async def cancel(self, console: Console, execution: str) -> None:
        """Take an execution from the queue, or interrupt it; raise `Refusal` when it does neither wait nor run."""
        if console.runs(execution):
            await self.interrupt(console)
        else:
            console.cancel(execution)

    async def look(self, console: Console, request: protocol.FrameRequest) -> protocol.Children:
        """Return the variables of a call, or what is inside of one.

        Raises
        ------
        Busy
            When the console doesn't wait there any more.
        Refusal
            When there is nothing of that name: the message says so.
        """
        debugged = self._consoles.get(console.identity.id)
        if debugged is None or debugged.stopped is None or debugged.stopped.stop != request.stop:
            raise Busy(_WENT_ON)
        return protocol.Children.model_validate(await debugged.language.look(debugged, request))

    # What consoles tell

    def started(self, console: Console) -> None:
        """Take in that its kernel is usable, at first or anew."""
        language = self._languages.get(console.identity.language)
        if language is None:
            return
        self._forget(console)
        debugged = Debugged(console, language, wanted=self._wanted, changed=self._tell_of, numbers=self._numbers)
        self._consoles[console.identity.id] = debugged
        self._tell()
        self._apply(debugged)

    def ended(self, console: Console) -> None:
        """Take in that it has no kernel any more."""
        self._forget(console)
        self._tell()

    def _forget(self, console: Console) -> None:
        if (debugged := self._consoles.pop(console.identity.id, None)) is not None:
            debugged.go_on()

    async def prepare(self, console: Console, request: protocol.Execute) -> Mapping[str, Any]:
        """Make ready for an execution, and return the metadata that goes with it."""
        debugged = self._consoles.get(console.identity.id)
        if debugged is None:
            return {}
        metadata = await debugged.language.prepare(debugged, request)
        self._tell()
        return metadata

    def sent(self, console: Console) -> None:
        """Take in that the execution that was made ready last was sent."""
        if (debugged := self._consoles.get(console.identity.id)) is not None:
            debugged.language.sent(debugged)

    def asked(self, console: Console, content: Mapping[str, Any]) -> None:
        """Take in what came with a question of its kernel's."""
        if (debugged := self._consoles.get(console.identity.id)) is not None:
            debugged.language.asked(debugged, content)
            self._tell()
            if debugged.stopped is not None:
                self._apply(debugged, at_once=True)

    def went_on(self, console: Console) -> None:
        """Take in that no question is open any more."""
        if (debugged := self._consoles.get(console.identity.id)) is not None:
            debugged.language.went_on(debugged)

    def interrupted(self, console: Console) -> None:
        """Take in that its kernel is interrupted."""
        if (debugged := self._consoles.get(console.identity.id)) is not None:
            debugged.language.interrupted(debugged)

    def placed(self, console: Console, breakpoints: object) -> None:
        """Take in which breakpoints stand in its code."""
        if (debugged := self._consoles.get(console.identity.id)) is not None:
            debugged.take_placed(breakpoints)
            self._tell()

    def heard(self, console: Console, event: Mapping[str, Any]) -> None:
        """Take in an event of Jupyter's debug protocol."""
        if (debugged := self._consoles.get(console.identity.id)) is not None:
            debugged.language.heard(debugged, event)

    # What is told

    def _wanted(self) -> Wanted:
        return Wanted(tuple(self._store), self._store.break_on_error)

    def _breakpoints(self) -> protocol.Breakpoints:
        placed = {each for debugged in self._consoles.values() for each in debugged.placed}
        files = tuple(
            protocol.FileBreakpoints(
                path=path,
                breakpoints=tuple(
                    protocol.Breakpoint(line=each.line, text=each.text, in_force=(path, each.line) in placed)
                    for each in breakpoints
                ),
            )
            for path, breakpoints in self._store
        )
        return protocol.Breakpoints(files=files, break_on_error=self._store.break_on_error)

    def _changed(self) -> None:
        self._tell()
        for debugged in self._consoles.values():
            self._apply(debugged, at_once=debugged.stopped is not None)

    def _tell(self) -> None:
        now = self._breakpoints()
        if now != self._told:
            self._told = now
            for notify in list(self._notify):
                notify(now)

    def _tell_of(self, debugged: Debugged) -> None:
        state = protocol.DebuggerState(console=debugged.console.identity.id, stopped=debugged.stopped)
        for notify in list(self._notify):
            notify(state)

    def _apply(self, debugged: Debugged, *, at_once: bool = False) -> None:
        """Let a console know what is set: `at_once` where it waits, whoever waits until it is free."""
        if debugged.told == self._wanted() or (debugged.applying and not debugged.applying.done() and not at_once):
            return
        task = debugged.applying = asyncio.ensure_future(self._try_apply(debugged))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _try_apply(self, debugged: Debugged) -> None:
        try:
            await debugged.language.apply(debugged)
            self._tell()
        except (Busy, Refusal):
            pass  # it is told with the next execution, or where it waits next
        except Exception:  # a defect must not end what the console does
            _log.exception("breakpoints could not be set")
