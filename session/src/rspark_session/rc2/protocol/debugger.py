"""The debugger: breakpoints of files, where a console waits in it, and what a person does there."""

from typing import Annotated, Literal

from pydantic import Field

from rspark_session.rc2.protocol.model import Count, Identifier, Model, RelativePath

#: Breakpoints of one file, and files that have some.
MOST_BREAKPOINTS, MOST_FILES = 100, 100
Line = Annotated[int, Field(ge=1)]


class BreakpointAt(Model):
    """A line of a file, from 1, and the first 200 characters of its text without the spaces around it.

    By its text a line is found again in code that ran before the file was changed.
    """

    line: Line
    text: Annotated[str, Field(max_length=200)] = ""


class SetBreakpoints(Model):
    """Set all breakpoints of a file; with none the file has none any more. `breakpoints` is the answer, to all clients."""

    type: Literal["set_breakpoints"] = "set_breakpoints"
    path: RelativePath
    breakpoints: Annotated[tuple[BreakpointAt, ...], Field(max_length=MOST_BREAKPOINTS)] = ()


class Step(Model):
    """Go on from where a console waits: to the next statement, into a call, to its end, to a breakpoint, or not at all.

    With `stop`, nothing is done when it waits elsewhere by now: of two who go on at once, one is heard.
    """

    type: Literal["step"] = "step"
    console: Identifier
    step: Literal["next", "in", "finish", "continue", "stop"]
    stop: Count | None = None


class BreakOnError(Model):
    """Let an error lead into the debugger, in all consoles, or no longer. `breakpoints` is the answer, to all clients."""

    type: Literal["break_on_error"] = "break_on_error"
    on: bool


class Breakpoint(BreakpointAt):
    """A breakpoint; `in_force` once a console has code of this line that stops there."""

    in_force: bool = False


class FileBreakpoints(Model):
    """The breakpoints of a file."""

    path: RelativePath
    breakpoints: tuple[Breakpoint, ...]


class Breakpoints(Model):
    """All breakpoints, and whether an error leads into the debugger. It comes at first, and when something has changed."""

    type: Literal["breakpoints"] = "breakpoints"
    files: tuple[FileBreakpoints, ...] = ()
    break_on_error: bool = False


class StackFrame(Model):
    """A call that has not ended; `name` is empty for what was executed itself. `path` and `line` are where it is, where known."""

    frame: Count
    name: str
    path: RelativePath | None = None
    line: Line | None = None
    last_line: Line | None = None


class Stopped(Model):
    """Where a console waits. `frames` are the innermost calls first, `more` those that are not sent; `error` led there.

    `stop` counts these, so that what is asked of a frame is not answered of another.
    """

    stop: Count
    frames: tuple[StackFrame, ...]
    more: Count = 0
    error: str | None = None


class DebuggerState(Model):
    """A console waits in its debugger, or no longer. It comes when that changes, and at the beginning of each that waits."""

    type: Literal["debugger"] = "debugger"
    console: Identifier
    stopped: Stopped | None = None


class FrameRequest(Model):
    """`POST consoles/<console>/frame`: the variables of a call, or what is inside of the one with a name. `Children` answer."""

    stop: Count
    frame: Count
    name: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    path: Annotated[tuple[str | int, ...], Field(max_length=50)] = ()
    first: Count = 0
    count: Annotated[int, Field(ge=1, le=1000)] = 200
