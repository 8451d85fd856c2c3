"""What a client sends."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from rspark_session.rc2.protocol.debugger import BreakOnError, SetBreakpoints, Step
from rspark_session.rc2.protocol.model import VERSION, Count, Figure, Identifier, Model, RelativePath, ShortText, Source

#: Bytes of the largest message that a client may send, or its connection is closed: the longest code fits, however it is written.
MOST_BYTES = 2**25


class Hello(Model):
    """The first message. `since` is the last sequence number that the client saw of the log named `epoch`; 0 for everything."""

    type: Literal["hello"] = "hello"
    version: int = VERSION
    since: Count = 0
    epoch: ShortText | None = None
    name: ShortText | None = None


class StartConsole(Model):
    """Open the console of a project and a kernelspec, and start it where it doesn't run. `console_opened` is the answer."""

    type: Literal["start_console"] = "start_console"
    kernelspec: ShortText
    project: RelativePath = ""


class Execute(Model):
    """Execute code. Executions of one console run one after another.

    Those of one `group` belong together, such as the chunks of "run all": after an error, and after an interrupt, the others of
    it that are still queued are cancelled. With `profile` R and Python sample what runs, and `profiled` comes before
    `execution_finished`.
    """

    type: Literal["execute"] = "execute"
    id: Identifier
    console: Identifier
    code: Annotated[str, Field(max_length=2**22)]
    source: Source | None = None
    group: Identifier | None = None
    figure: Figure | None = None
    profile: bool = False


class InputReply(Model):
    """Answer the question of an execution (`input_request`). The first answer counts."""

    type: Literal["input_reply"] = "input_reply"
    console: Identifier
    value: Annotated[str, Field(max_length=2**20)]


class Interrupt(Model):
    """Interrupt what a console executes, and cancel what else is queued of its group."""

    type: Literal["interrupt"] = "interrupt"
    console: Identifier


class Restart(Model):
    """End the kernel of a console and start it anew, without what it had in memory. What is queued is cancelled."""

    type: Literal["restart"] = "restart"
    console: Identifier


class CloseConsole(Model):
    """End the kernel of a console."""

    type: Literal["close_console"] = "close_console"
    console: Identifier


class Cancel(Model):
    """Take an execution from the queue before it starts. One that runs is interrupted."""

    type: Literal["cancel"] = "cancel"
    console: Identifier
    execution: Identifier


class CancelSpark(Model):
    """Cancel a job of Spark; one that has ended is left alone. What waits for it gets an error."""

    type: Literal["cancel_spark"] = "cancel_spark"
    application: ShortText
    job: Count


class SubscribeVariables(Model):
    """Send `variables` now, and after each execution of the console what has changed."""

    type: Literal["subscribe_variables"] = "subscribe_variables"
    console: Identifier


class UnsubscribeVariables(Model):
    """Send no more `variables` of the console."""

    type: Literal["unsubscribe_variables"] = "unsubscribe_variables"
    console: Identifier


RenderFormat = Literal["html", "pdf", "docx"]


class StartJob(Model):
    """Run a script or a notebook in the background, or render a document in a form. `path` is below the home."""

    type: Literal["start_job"] = "start_job"
    id: Identifier
    path: RelativePath
    format: RenderFormat | None = None


class CancelJob(Model):
    """End a job, and all that it has started."""

    type: Literal["cancel_job"] = "cancel_job"
    job: Identifier


class Ping(Model):
    """Ask for a `pong`, by which a client sees that the connection holds."""

    type: Literal["ping"] = "ping"


Request = (
    Hello
    | StartConsole
    | Execute
    | InputReply
    | Interrupt
    | Restart
    | CloseConsole
    | Cancel
    | SubscribeVariables
    | UnsubscribeVariables
    | StartJob
    | CancelJob
    | CancelSpark
    | SetBreakpoints
    | BreakOnError
    | Step
    | Ping
)

REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="type")])
#: The names of all that a client may send.
REQUEST_TYPES = frozenset(str(model.model_fields["type"].default) for model in Request.__args__)
