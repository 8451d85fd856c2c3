"""The protocol of Rc²: every message between a client and the server in a session, as pydantic models.

They are the source: `scripts/make-web-types` makes the web client's TypeScript types of them, and `make docs` the page
`docs/reference/rc2-protocol.md`. A client talks over one websocket at `rc2/api/socket`, a JSON object a frame. It sends `hello`
first. What the server sends is either an *event*, which has a sequence number and is recorded, or a *notice*, which is neither.
A client that comes back says the last number it saw, and gets the rest, in order, once. Fields that are unknown are ignored on
both sides; a message whose type is unknown is refused by its name.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

#: Grows with every change after which an older client or server would misunderstand the other.
VERSION = 1
#: Bytes of the largest message that a client may send, or its connection is closed: the longest code fits, however it is written.
MOST_BYTES = 2**25

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
ShortText = Annotated[str, Field(max_length=1000)]
RelativePath = Annotated[str, Field(max_length=4096)]
Count = Annotated[int, Field(ge=0)]


class Model(BaseModel):
    """What all messages share."""

    model_config = ConfigDict(extra="ignore", frozen=True, json_schema_serialization_defaults_required=True)


# What both sides use


class Source(Model):
    """Where code stands that is executed: lines of a file, the first of which is 1, and the chunk by its label or number."""

    path: RelativePath
    first_line: Annotated[int, Field(ge=1)]
    last_line: Annotated[int, Field(ge=1)]
    chunk: ShortText | None = None


class Figure(Model):
    """The size of plots, in inches, and their density in pixels an inch."""

    width: Annotated[float, Field(gt=0, le=100)] = 7.0
    height: Annotated[float, Field(gt=0, le=100)] = 5.0
    density: Annotated[float, Field(ge=20, le=1000)] = 96.0


# What a client sends


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
    it that are still queued are cancelled.
    """

    type: Literal["execute"] = "execute"
    id: Identifier
    console: Identifier
    code: Annotated[str, Field(max_length=2**22)]
    source: Source | None = None
    group: Identifier | None = None
    figure: Figure | None = None


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
    """Run a script of R, Python or bash in the background, or render a document in a form. `path` is below the home."""

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
    | Ping
)


# Events, which are numbered and recorded


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

    data: dict[str, JsonValue] = {}
    blobs: dict[str, Blob] = {}
    metadata: dict[str, JsonValue] = {}


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

    `result` is the path of what a render has made, `line` the line of the job's file at which it failed, from 1. `dropped` are
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
    | JobStarted
    | JobOutput
    | JobProgress
    | JobFinished
)


# Notices: neither numbered nor recorded


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


Notice = Welcome | ConsoleOpened | Variables | Refused | Pong


# Answers over HTTP, under `rc2/api/`


class Column(Model):
    """A column of a table: `missing` values of it, the range of numbers, and how many of them fall into each of equal parts."""

    name: str
    type: str
    label: str | None = None
    missing: Count | None = None
    minimum: float | str | None = None
    maximum: float | str | None = None
    histogram: tuple[int, ...] = ()
    levels: tuple[str, ...] = ()


class Filter(Model):
    """A condition on a column, by its number from 0. `between` has two values, `is_missing` and `is_present` none."""

    column: Count
    operator: Literal["=", "!=", "<", "<=", ">", ">=", "between", "contains", "starts", "in", "is_missing", "is_present"]
    values: Annotated[tuple[float | str | bool, ...], Field(max_length=1000)] = ()


class Sort(Model):
    """A column to sort by, by its number from 0."""

    column: Count
    descending: bool = False


class PageRequest(Model):
    """`POST consoles/<console>/page`: rows of a table. `path` leads from the variable into lists, by names or numbers from 0."""

    name: Annotated[str, Field(min_length=1, max_length=10_000)]
    path: Annotated[tuple[str | int, ...], Field(max_length=50)] = ()
    first_row: Count = 0
    rows: Annotated[int, Field(ge=0, le=1000)] = 100
    first_column: Count = 0
    columns: Annotated[int, Field(ge=1, le=500)] = 100
    sort: Annotated[tuple[Sort, ...], Field(max_length=8)] = ()
    filters: Annotated[tuple[Filter, ...], Field(max_length=32)] = ()
    search: Annotated[str, Field(max_length=1000)] = ""
    summarize: bool = False


class Page(Model):
    """Rows of a table, as text that the language formats; None is a missing value. `columns` are those from `first_column` on.

    `rows` are in the table, `matching` of them pass filters and search. With `summarize` the columns have counts and histograms.
    """

    rows: Count
    matching: Count
    all_columns: Count
    first_row: Count
    first_column: Count
    columns: tuple[Column, ...]
    row_names: tuple[str, ...]
    cells: tuple[tuple[str | None, ...], ...] = Field(description="By column.")


class ChildrenRequest(Model):
    """`POST consoles/<console>/children`: what is inside a list, an environment or an object."""

    name: Annotated[str, Field(min_length=1, max_length=10_000)]
    path: Annotated[tuple[str | int, ...], Field(max_length=50)] = ()
    first: Count = 0
    count: Annotated[int, Field(ge=1, le=1000)] = 100


class Children(Model):
    """Elements, and how many there are in all; `source` is a function's text."""

    total: Count
    children: tuple[Variable, ...]
    source: str | None = None


class CompletionRequest(Model):
    """`POST consoles/<console>/complete`. `position` is in characters (code points)."""

    code: Annotated[str, Field(max_length=2**20)]
    position: Count


class Completion(Model):
    """One way to go on; `type` such as `function`, `column`, `argument`, `file`, where it is known."""

    text: str
    type: str | None = None


class Completions(Model):
    """What may stand instead of the characters from `start` to `end`."""

    start: Count
    end: Count
    completions: tuple[Completion, ...]


class InspectRequest(Model):
    """`POST consoles/<console>/inspect`: what the language says of what stands at a position, for hover and signatures."""

    code: Annotated[str, Field(max_length=2**20)]
    position: Count
    detail: Literal[0, 1] = 0


class Inspection(Model):
    """Forms of it by their MIME types; none when nothing is known."""

    found: bool
    data: dict[str, str] = {}


class HelpRequest(Model):
    """`POST consoles/<console>/help`: a topic, in any package or in one; or a text to search for."""

    topic: Annotated[str, Field(max_length=1000)] = ""
    package: Annotated[str, Field(max_length=200)] = ""
    search: Annotated[str, Field(max_length=1000)] = ""


class HelpMatch(Model):
    """A topic that was found."""

    topic: str
    package: str
    title: str


class Help(Model):
    """A page in HTML, or in plain text where the language has no other; or topics to choose from."""

    topic: str = ""
    package: str = ""
    title: str = ""
    html: str | None = None
    text: str | None = None
    matches: tuple[HelpMatch, ...] = ()


class HistoryEntry(Model):
    """Code that was executed."""

    execution: Identifier
    time: datetime
    who: ShortText
    code: str


class History(Model):
    """`GET consoles/<console>/history?search=&before=&count=`: newest first; `before` is a sequence number."""

    entries: tuple[HistoryEntry, ...]
    next_before: Count | None = None


class PlotEntry(Model):
    """A plot and the code that made it."""

    seq: Count
    execution: Identifier
    plot: str | None
    time: datetime
    code: str
    source: Source | None = None


class Plots(Model):
    """`GET consoles/<console>/plots`: oldest first. `…/plots/<plot>?format=svg|png|pdf&width=&height=&density=` draws one."""

    plots: tuple[PlotEntry, ...]


# Git, under `rc2/api/git/`. `repository` is a folder of the home; other paths are within it.

GitChanged = Literal["modified", "added", "deleted", "renamed", "copied", "type"]
Oid = Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$")]
GitPaths = Annotated[tuple[RelativePath, ...], Field(max_length=5000)]
OneLine = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]


class GitRequest(Model):
    """What all requests about a repository have. `POST git/status`, `git/init`, `git/abort`, `git/continue`: `GitStatus`."""

    repository: RelativePath


class GitRepositories(Model):
    """`GET git/repositories`: the folders of the home that have a repository."""

    repositories: tuple[str, ...]


class GitFile(Model):
    """A file that is not as in the last commit. `original` is the name that it had before."""

    path: str
    original: str | None = None
    staged: GitChanged | None = None
    unstaged: GitChanged | Literal["untracked"] | None = None
    conflict: bool = False


class GitStatus(Model):
    """How a repository is. Before the first commit `head` is absent; `branch` is where a commit and no branch is checked out.

    `more` are files beyond the most that is sent. `undoable`: the last commit can be undone, since no remote has it.
    """

    repository: str
    head: str | None
    branch: str | None
    upstream: str | None
    ahead: Count
    behind: Count
    files: tuple[GitFile, ...]
    more: Count
    under_way: Literal["merge", "rebase", "cherry-pick", "revert"] | None
    remotes: tuple[str, ...]
    name: str
    email: str
    undoable: bool


class GitPathsRequest(GitRequest):
    """`POST git/stage`, `git/unstage`, `git/discard`: `GitStatus`. `all` is every file; `discard` takes only files by name.

    What is discarded of a file that Git knows is gone: ask before.
    """

    paths: GitPaths = ()
    all: bool = False


class GitTextsRequest(GitRequest):
    """`POST git/texts`: a file before and after. `staged`: from the last commit to the index; `unstaged`: from there to the file.

    `commit`: from before the commit `oid` to it. `conflict`: `before` is theirs, `after` yours.
    """

    path: RelativePath
    original: RelativePath | None = None
    side: Literal["staged", "unstaged", "commit", "conflict"]
    oid: Oid | None = None


class GitText(Model):
    """A version of a file; no `text` where there is none, or it is not shown, for which `reason` is the word."""

    text: str | None = None
    reason: Literal["absent", "binary", "large"] | None = None


class GitTexts(Model):
    """Two versions of a file. `now` is the file as it is on the disk, where there is a conflict; `index` names what is staged."""

    before: GitText
    after: GitText
    now: GitText | None = None
    index: str | None = None


class GitStageText(GitRequest):
    """`POST git/stage-text`: stage a text as a file's, such as the file with some of its changes alone. `GitStatus`.

    `index` is that of `GitTexts`: where something else is staged meanwhile, this is refused.
    """

    path: RelativePath
    text: Annotated[str, Field(max_length=2**22)]
    index: str | None


class GitCommitRequest(GitRequest):
    """`POST git/commit`: commit what is staged. `GitStatus`."""

    message: Annotated[str, Field(min_length=1, max_length=100_000)]


class GitUndoRequest(GitRequest):
    """`POST git/undo`: undo the last commit, which is `head`, and keep what it changed, staged. `GitUndone`."""

    head: Oid


class GitUndone(Model):
    """The message of the commit that was undone."""

    message: str
    status: GitStatus


class GitIdentity(GitRequest):
    """`POST git/identity`: set the name and e-mail of all commits of this home. `GitStatus`."""

    name: Annotated[OneLine, Field(min_length=1)]
    email: Annotated[OneLine, Field(min_length=1)]


class GitRemote(GitRequest):
    """`POST git/remote`: set the address of the remote. It has no password in it: that is asked for. `GitStatus`."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] = "origin"
    address: Annotated[OneLine, Field(min_length=1)]


class GitBranch(Model):
    """A branch. `remote` is the remote's name for one that is there and not here; `current` is checked out."""

    name: str
    remote: str | None = None
    current: bool = False
    upstream: str | None = None
    oid: str
    subject: str
    time: datetime


class GitBranches(Model):
    """`POST git/branches` with a `GitRequest`: newest first."""

    branches: tuple[GitBranch, ...]
    more: Count


class GitBranchRequest(GitRequest):
    """`POST git/switch`: check out a branch, or with `make` a new one. Refused where work would be lost. `GitStatus`."""

    name: Annotated[OneLine, Field(min_length=1)]
    remote: OneLine | None = None
    make: bool = False


class GitHistoryRequest(GitRequest):
    """`POST git/history`: commits before and with `head`, newest first, without the first `skip`."""

    head: Oid | None = None
    skip: Count = 0
    count: Annotated[int, Field(ge=1, le=200)] = 50


class GitCommit(Model):
    """A commit. `names` are the branches and tags that it is."""

    oid: str
    parents: tuple[str, ...]
    author: str
    email: str
    time: datetime
    subject: str
    names: tuple[str, ...] = ()


class GitHistory(Model):
    """Commits; `more` says whether there are older ones, and `head` with which it begins."""

    head: str | None
    commits: tuple[GitCommit, ...]
    more: bool


class GitCommitOf(GitRequest):
    """`POST git/show`: what a commit did."""

    oid: Oid


class GitChange(Model):
    """A file that a commit changed."""

    path: str
    original: str | None = None
    change: GitChanged


class GitShown(Model):
    """The message of a commit, and the files it changed against its first parent; `more` are beyond the most that is sent."""

    message: str
    files: tuple[GitChange, ...]
    more: Count


class GitResolve(GitRequest):
    """`POST git/resolve`: settle a conflict with one of the two versions, or with a text. `GitStatus`."""

    path: RelativePath
    take: Literal["ours", "theirs", "text"]
    text: Annotated[str, Field(max_length=2**22)] | None = None


class GitTransfer(GitRequest):
    """`POST git/transfer`: talk to the remote; the answer is a `GitProgress` a line. To close the request is to cancel it.

    `username` and `password` answer a `credentials` for `place`. They stay in the server's memory until the session ends.
    """

    action: Literal["fetch", "pull", "push"]
    place: OneLine | None = None
    username: OneLine | None = None
    password: Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00\r\n]*$")] | None = None


class GitProgress(Model):
    """How a transfer goes. `credentials`: `place` asks who you are; `username` is given where the address has one.

    `done`, `failed` and `credentials` are the last, and `text` is a sentence there.
    """

    type: Literal["progress", "done", "failed", "credentials"]
    text: str = ""
    percent: Annotated[int, Field(ge=0, le=100)] | None = None
    place: str | None = None
    username: str | None = None


# Search in files, under `rc2/api/search`. Paths are within the home. Columns and lengths count UTF-16 code units, as browsers do.


class Search(Model):
    """What is searched for, and where.

    `files` are globs of files' names; files and folders that one with `!` in front fits are left out. `ignored` takes in what
    `.gitignore` leaves out. A match lies within one line.
    """

    pattern: Annotated[str, Field(min_length=1, max_length=10_000)]
    regex: bool = False
    case: bool = False
    words: bool = False
    files: Annotated[tuple[ShortText, ...], Field(max_length=100)] = ()
    folder: RelativePath = ""
    ignored: bool = False
    hidden: bool = False


class SearchText(Model):
    """A document as its editor has it: it is searched instead of its file."""

    path: RelativePath
    text: Annotated[str, Field(max_length=2**23)]


class SearchRequest(Search):
    """`POST search`: the answer is a `SearchFound` a line. To close the request is to cancel it."""

    texts: Annotated[tuple[SearchText, ...], Field(max_length=100)] = ()


class SearchMatch(Model):
    """A match, and `text` around it, in which it lies from `start` to `end`. Lines count from 1, columns from 0."""

    line: Count
    column: Count
    length: Count
    text: str
    start: Count
    end: Count


class SearchFile(Model):
    """A file with matches; a long list comes in parts. `version` is the SHA-256 of what was searched.

    Where it is null, nothing can be replaced in the file, and `why` says the reason.
    """

    path: str
    version: str | None
    why: str | None
    matches: tuple[SearchMatch, ...]


class SearchFound(Model):
    """What was found, file by file. `matches` and `in_files` count all so far; with `more` there are more, which are not sent.

    `too_long` counts lines with a match that are too long to be sent. `done` and `failed` are the last; `text` says what failed.
    """

    type: Literal["found", "done", "failed"]
    files: tuple[SearchFile, ...] = ()
    matches: Count = 0
    in_files: Count = 0
    more: bool = False
    too_long: Count = 0
    text: str = ""


class SearchPosition(Model):
    """Where a match begins."""

    line: Count
    column: Count


class ReplaceTarget(Model):
    """A file as it was searched, and where in it; null for all matches."""

    path: RelativePath
    version: Annotated[str, Field(max_length=64)]
    at: Annotated[tuple[SearchPosition, ...], Field(max_length=100_000)] | None = None


class SearchEditsRequest(Search):
    """`POST search/edits`: what a replacement would make of files and of documents as their editors have them. `SearchEdits`.

    In what replaces an expression `$1` or `${1}` is what its first group matches, `$name` a group with a name, `$$` a dollar.
    """

    replacement: Annotated[str, Field(max_length=10_000)]
    targets: Annotated[tuple[ReplaceTarget, ...], Field(max_length=500)] = ()
    texts: Annotated[tuple[SearchText, ...], Field(max_length=100)] = ()


class SearchEdit(SearchPosition):
    """A match of so many code units, and what stands there instead."""

    length: Count
    new: str


class SearchEditsOf(Model):
    """The edits of a file, or `why` there can be none."""

    path: str
    why: str | None = None
    edits: tuple[SearchEdit, ...] = ()


class SearchEdits(Model):
    """What a replacement would change."""

    files: tuple[SearchEditsOf, ...]


class ReplaceRequest(Search):
    """`POST search/replace`: replace in files; the answer is a `Replaced` a line. To close the request is to stop it."""

    replacement: Annotated[str, Field(max_length=10_000)]
    targets: Annotated[tuple[ReplaceTarget, ...], Field(min_length=1, max_length=20_000)]


class ReplaceUndo(Model):
    """`POST search/undo`: bring back what files were before a replacement; the answer is a `Replaced` a line."""

    id: Identifier


class PassedOver(Model):
    """A file in which nothing was changed, and why."""

    path: str
    why: str


class Replaced(Model):
    """How a replacement, or its undo, goes. `id` is what undoes it; `files` and `matches` count all so far.

    `passed` are the files passed over since the line before. `done` and `failed` are the last; `text` says what failed.
    """

    type: Literal["progress", "done", "failed"]
    id: str | None = None
    files: Count = 0
    matches: Count = 0
    passed: tuple[PassedOver, ...] = ()
    text: str = ""


class Problem(Model):
    """What a request gets that can't be served; `title` is a sentence."""

    title: str
    status: int


REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="type")])
EVENT: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="type")])
NOTICE: TypeAdapter[Notice] = TypeAdapter(Annotated[Notice, Field(discriminator="type")])
#: The names of all that a client may send.
REQUEST_TYPES = frozenset(str(model.model_fields["type"].default) for model in Request.__args__)

_GIT_REQUESTS = (
    GitRequest,
    GitPathsRequest,
    GitTextsRequest,
    GitStageText,
    GitCommitRequest,
    GitUndoRequest,
    GitIdentity,
    GitRemote,
    GitBranchRequest,
    GitHistoryRequest,
    GitCommitOf,
    GitResolve,
    GitTransfer,
)
_GIT_ANSWERS = (GitRepositories, GitStatus, GitTexts, GitUndone, GitBranches, GitHistory, GitShown, GitProgress)
_SEARCH_REQUESTS = (SearchRequest, SearchEditsRequest, ReplaceRequest, ReplaceUndo)
_SEARCH_ANSWERS = (SearchFound, SearchEdits, Replaced)
_REFERENCE = "#/components/schemas/{model}"


def schemas() -> dict[str, Any]:
    """Return the schemas of all messages by their names, as OpenAPI has them: a client's as it may send them, else all fields."""
    found: dict[str, Any] = {}
    received = (
        *Request.__args__,
        PageRequest,
        ChildrenRequest,
        CompletionRequest,
        InspectRequest,
        HelpRequest,
        *_GIT_REQUESTS,
        *_SEARCH_REQUESTS,
    )
    sent = (
        *AnyEvent.__args__,
        *Notice.__args__,
        ConsoleInfo,
        JobInfo,
        Page,
        Children,
        Completions,
        Inspection,
        Help,
        History,
        Plots,
        *_GIT_ANSWERS,
        *_SEARCH_ANSWERS,
        Problem,
    )
    for mode, models in (("serialization", sent), ("validation", received)):
        for model in models:
            made = model.model_json_schema(mode=cast("Literal['serialization', 'validation']", mode), ref_template=_REFERENCE)
            found |= made.pop("$defs", {})
            if "type" in model.model_fields:
                made["required"] = list(dict.fromkeys(["type", *made.get("required", ())]))  # also from a client
            found[model.__name__] = made
    for name, union in (("Request", Request), ("AnyEvent", AnyEvent), ("Notice", Notice)):
        members = [{"$ref": _REFERENCE.format(model=model.__name__)} for model in union.__args__]
        found[name] = {"oneOf": members}
    return dict(sorted(found.items()))
