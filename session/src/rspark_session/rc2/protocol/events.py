"""Events, which are numbered and recorded."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter

from rspark_session.rc2.protocol.model import Count, Identifier, Model, RelativePath, ShortText, Source
from rspark_session.rc2.protocol.requests import RenderFormat


class Recorded(Model):
    """What all events have: their number in the log, and when they happened."""

    seq: Annotated[int, Field(ge=1)]
    time: datetime


class Event(Recorded):
    """What the events of a console have."""

    console: Identifier


class OfExecution(Event):
    """What the events of an execution have. `execution` is the `id` of its `execute`; another client's is the server's own."""

    execution: Identifier


class ConsoleStarted(Event):
    """A console has a kernel. `kernel` is its id for Jupyter's own API under `api/kernels`."""

    type: Literal["console_started"] = "console_started"
    kernelspec: ShortText
    language: ShortText
    title: ShortText
    project: RelativePath
    kernel: ShortText


ConsoleStates = Literal["starting", "idle", "busy", "asking", "restarting", "ended"]


class ConsoleState(Event):
    """A console's kernel is in another state; `reason` is a sentence where the person did not cause it."""

    type: Literal["console_state"] = "console_state"
    state: ConsoleStates
    reason: str | None = None


class ExecutionQueued(OfExecution):
    """Code waits for its turn. `who` asked for it."""

    type: Literal["execution_queued"] = "execution_queued"
    who: ShortText
    code: str
    source: Source | None = None
    group: Identifier | None = None


class ExecutionStarted(OfExecution):
    """Code runs."""

    type: Literal["execution_started"] = "execution_started"


ExecutionStatus = Literal["ok", "error", "interrupted", "cancelled", "lost"]


class ExecutionFinished(OfExecution):
    """Code has ended. `lost`: the kernel or the server ended before it; `reason` is then a sentence.

    `count` is the kernel's own number of it; `dropped` are characters of output that were more than one execution may record.
    """

    type: Literal["execution_finished"] = "execution_finished"
    status: ExecutionStatus
    started: datetime | None = None
    count: Count | None = None
    dropped: Count = 0
    reason: str | None = None


class Stream(OfExecution):
    """Text that was printed. It may hold control characters of a terminal: colours, and returns that rewrite a line."""

    type: Literal["stream"] = "stream"
    name: Literal["stdout", "stderr"]
    text: str


class Blob(Model):
    """Data that is too large for an event: `rc2/api/blob/<sha256>` has it."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Count


class Rich(OfExecution):
    """A value in one or several forms by their MIME types, each either in `data`, or a blob. Images are in base64 in `data`.

    Show HTML from `rc2/api/frame/<seq>`, which has an origin of its own.
    """

    data: dict[str, JsonValue] = {}  # noqa: RUF012  (pydantic copies it)
    blobs: dict[str, Blob] = {}  # noqa: RUF012  (pydantic copies it)
    metadata: dict[str, JsonValue] = {}  # noqa: RUF012  (pydantic copies it)


class Display(Rich):
    """Something is shown. `result` is true for the value of the last expression. `update_display` may replace a `display`."""

    type: Literal["display"] = "display"
    display: ShortText | None = None
    result: bool = False


class UpdateDisplay(Rich):
    """Everything that was shown under the id `display` becomes this."""

    type: Literal["update_display"] = "update_display"
    display: ShortText


class Plot(Rich):
    """A plot was drawn. Where it has an id `plot`, `rc2/api/consoles/<console>/plots/<plot>` draws it at any size."""

    type: Literal["plot"] = "plot"
    plot: ShortText | None = None


class Error(OfExecution):
    """Code ended with an error. `traceback` are lines as the language shows them."""

    type: Literal["error"] = "error"
    name: str
    message: str
    traceback: tuple[str, ...] = ()


class InputRequest(OfExecution):
    """Code waits for a line of input."""

    type: Literal["input_request"] = "input_request"
    prompt: str
    password: bool = False


class InputReplied(OfExecution):
    """The question was answered; the value is absent where it is a password."""

    type: Literal["input_replied"] = "input_replied"
    value: str | None = None


class ClearOutput(OfExecution):
    """The execution's output is cleared, with `wait` when the next of it comes."""

    type: Literal["clear_output"] = "clear_output"
    wait: bool = False


class SparkSummary(OfExecution):
    """What Spark has computed for an execution that has ended: jobs, those that failed, stages and tasks, and for how long."""

    type: Literal["spark_summary"] = "spark_summary"
    jobs: Annotated[int, Field(ge=1)]
    failed: Count
    stages: Count
    tasks: Count
    seconds: Annotated[float, Field(ge=0)]


class Profiled(OfExecution):
    """An execution was profiled. `rc2/api/blob/<sha256>` has the `Profile`; `seconds` are those in which the language computed.

    Without a blob there is none, and `problem` is a sentence that says why.
    """

    type: Literal["profiled"] = "profiled"
    blob: Blob | None = None
    seconds: Annotated[float, Field(ge=0)] = 0.0
    problem: str | None = None


class OfJob(Recorded):
    """What the events of a job have. `job` is the `id` of its `start_job`."""

    job: Identifier


class JobStarted(OfJob):
    """A job runs. `who` asked for it; `format` is that of a document that is rendered."""

    type: Literal["job_started"] = "job_started"
    who: ShortText
    title: ShortText
    path: RelativePath
    format: RenderFormat | None = None


class JobOutput(OfJob):
    """Text that a job has printed, as into a terminal."""

    type: Literal["job_output"] = "job_output"
    text: str


class JobProgress(OfJob):
    """How far a job is, from 0 to 1, and what it does now, where its program says so."""

    type: Literal["job_progress"] = "job_progress"
    fraction: Annotated[float, Field(ge=0, le=1)]
    step: ShortText | None = None


JobStatus = Literal["ok", "error", "cancelled", "lost"]


class JobFinished(OfJob):
    """A job has ended. `lost`: the session ended before it; `reason` is then a sentence.

    `result` is the path of what it has made, `line` the line of the job's file at which it failed, from 1. `dropped` are
    characters of output that were more than one job may record.
    """

    type: Literal["job_finished"] = "job_finished"
    status: JobStatus
    code: int | None = None
    reason: str | None = None
    result: RelativePath | None = None
    line: Annotated[int, Field(ge=1)] | None = None
    dropped: Count = 0


AnyEvent = (
    ConsoleStarted
    | ConsoleState
    | ExecutionQueued
    | ExecutionStarted
    | ExecutionFinished
    | Stream
    | Display
    | UpdateDisplay
    | Plot
    | Error
    | InputRequest
    | InputReplied
    | ClearOutput
    | SparkSummary
    | Profiled
    | JobStarted
    | JobOutput
    | JobProgress
    | JobFinished
)

EVENT: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="type")])
