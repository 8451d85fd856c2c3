"""Python's debugger is debugpy, which ipykernel speaks to by Jupyter's debug protocol: requests over the control channel.

It knows code by the file that ipykernel would write a cell to. What was executed from a file is remembered, so that a line of the
file leads to a line of that. It is attached only while something is set, since it makes code slower.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from pydantic import ValidationError

from rspark_session.rc2 import protocol
from rspark_session.rc2.debugger.debugged import Debugged, Wanted
from rspark_session.rc2.debugger.pieces import Piece, places
from rspark_session.rc2.introspection import Introspection
from rspark_session.rc2.refusal import Busy, Refusal

_log = logging.getLogger(__name__)
_COMMANDS = {"next": "next", "in": "stepIn", "finish": "stepOut", "continue": "continue"}
_SECONDS = 30.0
#: Seconds for debugpy to let code go on before an interrupt, which comes whatever that leads to.
_SECONDS_TO_STOP = 10.0
#: Python forgets who watches a thread when an interrupt arrives in the watcher itself, or code sets another one: attaching anew
#: doesn't change that, so each execution begins with it. It is debugpy's public call, in the thread that executes.
_WATCH = "__import__('debugpy').trace_this_thread(True)"
#: Calls that are sent, and those that are asked for: IPython's own are below a person's.
_MOST_FRAMES, _ASKED_FRAMES = 50, 80
#: Pieces of files that were executed last, and characters of them.
_MOST_CELLS, _LONGEST = 500, 2**18


@dataclass(eq=False)
class _Session:
    """What is known of a kernel. `cells` are those executed, the last at the end, each with its file once that is known.

    Those of the same code have the same file: it is that of the one that was executed last.
    """

    attached: bool = False
    #: An interrupt may have come while debugpy held the thread: it is left, so that it forgets that, and attached to anew.
    interrupted: bool = False
    seq: int = 0
    thread: int = 0
    cells: OrderedDict[Piece, str | None] = field(default_factory=OrderedDict)
    sent: dict[str, tuple[int, ...]] = field(default_factory=dict)
    #: By the number of a call: debugpy's own, and how the kernel finds it.
    frames: dict[int, tuple[int, dict[str, object]]] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def file_of(self, code: str) -> str | None:
        """Return the file of a cell of this code; None where none is known."""
        return next((file for cell, file in self.cells.items() if file is not None and cell.code == code), None)


class PythonDebugpy:
    """Speaks the debug protocol to ipykernel."""

    def __init__(self, introspection: Introspection) -> None:
        self._introspection = introspection
        self._sessions: WeakKeyDictionary[Debugged, _Session] = WeakKeyDictionary()

    async def prepare(self, debugged: Debugged, request: protocol.Execute) -> Mapping[str, Any]:
        """Remember where the code is from, and set its breakpoints before it runs."""
        session = self._session(debugged)
        source = request.source
        if source is not None and source.path and len(request.code) <= _LONGEST:
            cell = Piece(source.path, source.first_line, request.code)
            session.cells.setdefault(cell, session.file_of(cell.code))
            session.cells.move_to_end(cell)
            while len(session.cells) > _MOST_CELLS:
                session.cells.popitem(last=False)
        if session.attached or _concerns(debugged.wanted()):
            try:
                await self._settle(debugged)
                if session.attached:
                    await debugged.console.run_hidden(_WATCH, seconds=_SECONDS)
            except (Busy, Refusal) as problem:
                _log.warning("breakpoints of Python could not be set: %s", problem)
        return {}

    def sent(self, debugged: Debugged) -> None:
        """Ignore that an execution was sent: what it needs was set before."""

    async def apply(self, debugged: Debugged) -> None:
        """Set what is wanted in the code that was executed."""
        if self._session(debugged).attached or _concerns(debugged.wanted()):
            await self._settle(debugged)
        else:
            debugged.told = debugged.wanted()

    async def step(self, debugged: Debugged, step: str) -> None:
        """Go on from where it waits."""
        session = self._session(debugged)
        if step == "stop":
            await self._stop(debugged, session)
            return
        debugged.go_on()
        await self._request(debugged, _COMMANDS[step], {"threadId": session.thread})

    async def look(self, debugged: Debugged, request: protocol.FrameRequest) -> Mapping[str, Any]:
        """Let the kernel's own side look, in the call itself."""
        session = self._session(debugged)
        if request.frame not in session.frames:
            raise Busy("The code has gone on from there.")
        frame, at = session.frames[request.frame]

        async def evaluate(code: str) -> None:
            await self._request(debugged, "evaluate", {"expression": code, "frameId": frame, "context": "watch"})

        asked: dict[str, object] = {"ask": "frame", "at": at, **request.model_dump(mode="json", exclude_none=True)}
        return await self._introspection.ask_in_call(asked, evaluate)

    async def interrupt(self, debugged: Debugged) -> None:
        """End what runs."""
        await self._stop(debugged, self._session(debugged))

    def asked(self, debugged: Debugged, content: Mapping[str, Any]) -> None:
        """Ignore what Python asks a person: its debugger waits in another way."""

    def went_on(self, debugged: Debugged) -> None:
        """Take in that what was executed has ended, or its kernel has."""
        if not debugged.console.executing:
            debugged.go_on()

    def interrupted(self, debugged: Debugged) -> None:
        """Take in that the kernel is interrupted: it is attached to anew before something runs again."""
        session = self._session(debugged)
        session.interrupted = session.attached

    def heard(self, debugged: Debugged, event: Mapping[str, Any]) -> None:
        """Take in that code has stopped, or goes on."""
        body = event.get("body") or {}
        if event.get("event") == "continued":
            debugged.go_on()
        if event.get("event") == "stopped" and isinstance(body.get("threadId"), int):
            session = self._session(debugged)
            session.thread = body["threadId"]
            error = _error(body) if body.get("reason") == "exception" else None
            self._begin(session, self._take_stop(debugged, session, error))

    def _begin(self, session: _Session, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        session.tasks.add(task)
        task.add_done_callback(session.tasks.discard)

    def _session(self, debugged: Debugged) -> _Session:
        return self._sessions.setdefault(debugged, _Session())

    async def _settle(self, debugged: Debugged) -> None:
        """Attach, and set the breakpoints of what was executed; leave where nothing is set any more."""
        session = self._session(debugged)
        async with session.lock:
            while True:
                wanted = debugged.wanted()
                if session.interrupted and debugged.stopped is None:
                    await self._detach(debugged, session)
                if not session.attached:
                    await self._request(debugged, "initialize", _CLIENT)
                    await self._request(debugged, "attach", {})
                    session.attached = True
                last = {cell.code: cell for cell in session.cells}
                standing: dict[Piece, set[int]] = {cell: set() for cell in last.values()}
                placed: set[tuple[str, int]] = set()
                for path, breakpoints in wanted.breakpoints:
                    cells = [cell for cell in session.cells if cell.path == path]
                    for each in breakpoints:
                        for cell, line in places(cells, each).items():
                            if cell in standing:
                                standing[cell].add(line)
                                placed.add((path, each.line))
                for cell, lines in standing.items():
                    await self._set(debugged, session, cell, tuple(sorted(lines)))
                filters = ["userUnhandled"] if wanted.break_on_error else []
                await self._request(debugged, "setExceptionBreakpoints", {"filters": filters})
                await self._request(debugged, "configurationDone", {})
                debugged.told, debugged.placed = wanted, frozenset(placed)
                if debugged.wanted() == wanted:
                    break
            if not _concerns(wanted) and debugged.stopped is None:
                await self._detach(debugged, session)

    async def _detach(self, debugged: Debugged, session: _Session, *, seconds: float = _SECONDS) -> None:
        session.attached = session.interrupted = False
        session.sent.clear()
        try:
            arguments = {"restart": False, "terminateDebuggee": False}
            await self._request(debugged, "disconnect", arguments, seconds=seconds)
        except (Busy, Refusal) as problem:
            _log.warning("Python's debugger could not be left: %s", problem)

    async def _set(self, debugged: Debugged, session: _Session, cell: Piece, lines: tuple[int, ...]) -> None:
        file = session.cells[cell]
        if file is None:
            if not lines:
                return
            answer = await self._request(debugged, "dumpCell", {"code": cell.code})
            file = session.cells[cell] = str(answer.get("sourcePath"))
        if session.sent.get(file, ()) != lines:
            arguments = {"source": {"path": file}, "breakpoints": [{"line": line} for line in lines], "sourceModified": False}
            await self._request(debugged, "setBreakpoints", arguments)
            session.sent[file] = lines

    async def _take_stop(self, debugged: Debugged, session: _Session, error: str | None) -> None:
        try:
            arguments = {"threadId": session.thread, "startFrame": 0, "levels": _ASKED_FRAMES}
            answer = await self._request(debugged, "stackTrace", arguments)
            for cell in session.cells:  # a file of a cell that has had no breakpoint is not known yet
                if session.cells[cell] is None:
                    dumped = await self._request(debugged, "dumpCell", {"code": cell.code})
                    session.cells[cell] = str(dumped.get("sourcePath"))
            debugged.stop({"frames": self._frames(session, answer.get("stackFrames")), "error": error})
        except (Busy, Refusal, ValidationError) as problem:
            _log.warning("where Python waits can't be read: %s", problem)

    def _frames(self, session: _Session, found: object) -> list[dict[str, Any]]:
        by_file = {file: cell for cell, file in session.cells.items() if file is not None}
        frames: list[dict[str, Any]] = []
        session.frames.clear()
        for frame in found if isinstance(found, list) else ():
            name, file = str(frame.get("name", ""))[:200], str((frame.get("source") or {}).get("path", ""))
            number = len(frames) + 1
            shown: dict[str, Any] = {"frame": number, "name": "" if name == "<module>" else name}
            if (cell := by_file.get(file)) is not None:
                line = cell.first + int(frame.get("line", 1)) - 1
                shown |= {"path": cell.path, "line": line, "last_line": line}
            at = (name, int(frame.get("line", 1)))
            nth = sum(1 for _, other in session.frames.values() if (other["name"], other["line"]) == at)
            session.frames[number] = int(frame["id"]), {"name": at[0], "line": at[1], "nth": nth}
            frames.append(shown)
            if name == "<module>":
                break  # what is below is IPython's
        return frames[:_MOST_FRAMES]

    async def _stop(self, debugged: Debugged, session: _Session) -> None:
        """End what runs: it is left by the debugger, which lets it go on, and is interrupted at once.

        An interrupt while it waits would reach debugpy itself.
        """
        async with session.lock:
            debugged.go_on()
            try:
                await self._detach(debugged, session, seconds=_SECONDS_TO_STOP)
            finally:
                await debugged.console.interrupt()

    async def _request(
        self, debugged: Debugged, command: str, arguments: Mapping[str, Any], *, seconds: float = _SECONDS
    ) -> Mapping[str, Any]:
        """Return the body of the answer; raise `Refusal` when it is refused, `Busy` when there is none."""
        session = self._session(debugged)
        session.seq += 1
        content = {"type": "request", "seq": session.seq, "command": command, "arguments": dict(arguments)}
        answer = await debugged.console.ask("debug_request", content, seconds=seconds, channel="control")
        if not answer.get("success", False):
            raise Refusal(f"Python's debugger refused: {str(answer.get('message', command))[:500]}")
        body = answer.get("body")
        return body if isinstance(body, dict) else {}


_CLIENT = {
    "clientID": "rc2",
    "clientName": "Rc²",
    "adapterID": "",
    "pathFormat": "path",
    "linesStartAt1": True,
    "columnsStartAt1": True,
    "supportsVariableType": True,
    "supportsVariablePaging": True,
    "supportsRunInTerminalRequest": True,
    "locale": "en",
}


def _error(body: Mapping[str, Any]) -> str:
    """Return what an exception says, after its name."""
    name = str(body.get("text", "")).split(" ")[0]
    return ": ".join(part for part in (name, str(body.get("description", ""))[:2000]) if part)


def _concerns(wanted: Wanted) -> bool:
    """Return whether Python has something to stop at: R's files are none of it."""
    return wanted.break_on_error or any(not path.lower().endswith(".r") for path, _ in wanted.breakpoints)
