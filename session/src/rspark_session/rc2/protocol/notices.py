"""Notices: neither numbered nor recorded."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from rspark_session.rc2.protocol.debugger import Breakpoints, DebuggerState
from rspark_session.rc2.protocol.events import ConsoleStates
from rspark_session.rc2.protocol.model import VERSION, Count, Identifier, Model, RelativePath, ShortText
from rspark_session.rc2.protocol.requests import RenderFormat
from rspark_session.rc2.protocol.spark import SparkProgress


class ConsoleInfo(Model):
    """A console that runs. `queue` are the executions that run or wait, in order. `GET consoles` has a list of these."""

    console: Identifier
    kernelspec: ShortText
    language: ShortText
    title: ShortText
    project: RelativePath
    kernel: ShortText
    state: ConsoleStates
    queue: tuple[Identifier, ...]


class JobInfo(Model):
    """A job that runs."""

    job: Identifier
    who: ShortText
    title: ShortText
    path: RelativePath
    format: RenderFormat | None
    started: datetime
    fraction: float | None
    step: str | None


class Welcome(Model):
    """The answer to `hello`. Events after `since` follow; `last` is the newest of them.

    `oldest` is the first that is still recorded; `consoles` and `jobs` are those that run. Where `epoch` is not the client's, the
    log is another: the client forgets what it has, and gets everything.
    """

    type: Literal["welcome"] = "welcome"
    version: int = VERSION
    epoch: str
    oldest: Count
    last: Count
    consoles: tuple[ConsoleInfo, ...] = ()
    jobs: tuple[JobInfo, ...] = ()


class ConsoleOpened(Model):
    """The answer to `start_console`: the console runs, or starts."""

    type: Literal["console_opened"] = "console_opened"
    console: Identifier
    kernelspec: ShortText
    project: RelativePath


VariableKind = Literal[
    "table", "list", "environment", "function", "vector", "factor", "date", "object", "active", "promise", "other"
]


class Variable(Model):
    """A variable, in the order of the environment. Promises and active bindings are named and never evaluated.

    `type` is the language's name of it, `classes` its class and those it inherits, `size` in bytes where it is cheap to know.
    `changed` is true of what the last execution changed.
    """

    name: str
    kind: VariableKind
    type: str
    classes: tuple[str, ...] = ()
    dimensions: tuple[int, ...] | None = None
    length: int | None = None
    size: int | None = None
    summary: str = ""
    children: bool = False
    changed: bool = False


class Variables(Model):
    """The variables of a console: all of them where `all` is true, else what changed since the last such notice.

    `more` are variables beyond the most that is sent.
    """

    type: Literal["variables"] = "variables"
    console: Identifier
    all: bool
    set: tuple[Variable, ...] = ()
    removed: tuple[str, ...] = ()
    more: Count = 0


class Refused(Model):
    """A message could not be served. `why` is a sentence; `execution` is the id of an `execute` or a `start_job`."""

    type: Literal["refused"] = "refused"
    request: str
    why: str
    console: str | None = None
    execution: str | None = None


class Pong(Model):
    """The answer to `ping`."""

    type: Literal["pong"] = "pong"


Notice = Welcome | ConsoleOpened | Variables | SparkProgress | Breakpoints | DebuggerState | Refused | Pong

NOTICE: TypeAdapter[Notice] = TypeAdapter(Annotated[Notice, Field(discriminator="type")])
