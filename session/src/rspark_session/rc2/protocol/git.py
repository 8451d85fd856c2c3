"""Git, under `rc2/api/git/`. `repository` is a folder of the home; other paths are within it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from rspark_session.rc2.protocol.model import Count, Model, RelativePath

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
