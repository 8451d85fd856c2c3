"""The face of an interface towards the agent, and how one is found by its name.

Loaded before anything else, and before asyncio: a person waits, and `start_ahead` comes first.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from rspark_contract.specs import InterfaceSpec
from rspark_session import plugins

if TYPE_CHECKING:  # to load these costs time before the first process is started
    from datetime import datetime

    from rspark_contract.saved import Restored, Saved
    from rspark_session.notebook_cell import Cell

#: Entry points of this group are interfaces of other packages.
ENTRY_POINTS = "rspark_session.interfaces"


class InterfaceUnavailable(Exception):
    """An interface can't be started, or doesn't become ready. The message is for the person: what is wrong, and what to do."""


class LaunchedProcess(Protocol):
    """A process that was just started."""

    @property
    def pid(self) -> int:
        """Its process id."""

    @property
    def output(self) -> int:
        """The descriptor from which its stdout and stderr are read."""


class Launch(Protocol):
    """Starts a command in a process group of its own.

    It gets the descriptors in `pass_fds`, and writes into the pipe `pipe` (read end, write end), or into one that is made for it.
    Raises `OSError` when the command can't be run.
    """

    def __call__(
        self,
        command: Sequence[str],
        *,
        environ: Mapping[str, str],
        folder: Path,
        pass_fds: Sequence[int] = (),
        pipe: tuple[int, int] | None = None,
    ) -> LaunchedProcess: ...


@dataclass(frozen=True, kw_only=True)
class Context:
    """What an interface is given: what the environment says of it, and where it runs.

    The interface is served under `base_path`. It runs with `environ`, in the person's home. `run` is the folder of this
    generation; sockets go into `sockets`, whose path is short enough for them. `template` names the project that the home gets
    from the environment, if it gets one.
    """

    spec: InterfaceSpec
    base_path: str
    home: Path
    run: Path
    sockets: Path
    environ: Mapping[str, str]
    launch: Launch
    template: str | None = None


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where an interface listens: at a Unix socket, or on a port of 127.0.0.1. Each request gets the headers.

    With `strips_base` requests come without the path under which the session is served, and begin with a slash.
    """

    socket: Path | None = None
    port: int | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    strips_base: bool = False


class Host(Protocol):
    """What the agent does for an interface that runs."""

    def activity(self, at: "datetime") -> None:
        """Report that a person did something."""

    def changed(self) -> None:
        """Report that `busy_with`, `titles`, `own_processes` or `helper_processes` have changed."""

    def restored(self, restored: "Restored") -> None:
        """Report what came back of what a sleep saved."""

    async def until_healthy(self, ready: Mapping[str, str]) -> None:
        """Wait until all hold: `tcp`: a `host:port` accepts; `http`: a URL answers below 500; `file`: it exists."""

    def has_port(self, port: int) -> bool:
        """Return whether a process of this ensemble listens on the port."""


class Interface(ABC):
    """One interface of one generation of a session.

    The agent calls, in this order: `start_ahead`; `restore`, where there is something to restore; `start`; `write_home_files`;
    then `run` and `until_ready` at the same time; at a suspend `save`, if the interface `saves_workspace`, and `go_on` where the
    session stays awake; and `end`. Where
    `start` is never reached or fails, or the session fails right after it, it calls `abandon`.
    """

    #: Whether visits, unsafe requests and frames of websockets are a person's activity. Others call `Host.activity` themselves.
    traffic_is_activity: ClassVar[bool] = True
    #: Whether frames of websockets are; where a page sends some by itself they are not.
    frames_are_activity: ClassVar[bool] = True
    #: Whether there is anything in memory that `save` can save.
    saves_workspace: ClassVar[bool] = False
    #: Whether it is started again, by another call of `start`, when it ends by itself after it was ready. Else the session fails.
    restarts: ClassVar[bool] = False

    def __init__(self, context: Context) -> None:
        self.context = context

    def start_ahead(self) -> None:  # noqa: B027  (most interfaces have none)
        """Start what takes longest. It is the first that happens in a session, and a failure of it must fail nothing else."""

    def abandon(self) -> None:  # noqa: B027  (most interfaces have none)
        """End what `start_ahead` started."""

    def restore(self, folder: Path) -> None:  # noqa: B027  (most interfaces have none)
        """Let `start` restore what an earlier `save` wrote into the folder."""

    @abstractmethod
    def start(self) -> LaunchedProcess:
        """Start the interface.

        Raises
        ------
        InterfaceUnavailable, OSError
            When it can't be started.
        """

    def is_activity(self, method: str, path: str) -> bool:
        """Return whether a request is a person's doing, beside the visit of a page; the path is without the session's own."""
        return method not in ("GET", "HEAD", "OPTIONS")

    def judge_of_frames(self, path: str) -> Callable[[bytes], bool] | None:
        """Return what takes in all that a page sends over one websocket, and says of each piece whether it is a person's doing.

        The path is without the session's own. None where each frame is, or none (`frames_are_activity`).
        """
        return None

    @property
    @abstractmethod
    def endpoint(self) -> Endpoint:
        """Where it listens, once it is ready."""

    def write_home_files(self, welcome: "Sequence[Cell]") -> None:  # noqa: B027  (most interfaces have none)
        """Write what a new home gets from this interface; the cells are what the session's services have to show."""

    def document_url(self, path: str) -> str | None:
        """Return the address that opens a document of the home, under the session's own; None where the interface has none."""
        return None

    async def run(self, host: Host) -> None:  # noqa: B027  (most interfaces report nothing)
        """Take in what the interface reports, until it has ended."""

    @abstractmethod
    async def until_ready(self, host: Host) -> None:
        """Wait until it can be opened.

        Raises
        ------
        InterfaceUnavailable
            When it never will.
        """

    @property
    def busy_with(self) -> Sequence[str]:
        """What computes by its own account. What uses the processor is found without."""
        return ()

    @property
    def titles(self) -> Mapping[int, str]:
        """Names of processes as a person knows them, by their pid; each stands for all that it started."""
        return {}

    @property
    def shells(self) -> Iterable[int]:
        """Pids of the shells of terminals: what runs in them computes, whether it uses the processor or not."""
        return ()

    @property
    def kernels(self) -> Iterable[int]:
        """Pids of kernels: what they left running computes, whether it uses the processor or not. Each has a title."""
        return ()

    @property
    def own_processes(self) -> Iterable[int]:
        """Pids of processes that only serve: they never count as computing, but what they started does."""
        return ()

    @property
    def helper_processes(self) -> Iterable[int]:
        """Pids of programs that look things up for its pages: neither they nor what they started count as computing."""
        return ()

    async def save(self, folder: Path, *, within: float) -> "Saved | None":
        """Save what is in memory into the empty folder, within a time in seconds; return None when that time was too short.

        Raises
        ------
        OSError
            When the folder can't be written.
        """
        return None

    def go_on(self) -> None:  # noqa: B027  (most interfaces need nothing)
        """Go on after a `save` when the session stays awake all the same."""

    def end(self) -> bool:
        """Request it to end, and return whether it will by itself. Otherwise it gets SIGTERM at once."""
        return False


def find(kind: str) -> type[Interface]:
    """Return the interface of that name: `INTERFACE` in a module of this package, else an entry point of another.

    Raises
    ------
    InterfaceUnavailable
        When there is none.
    TypeError
        When another package brings something else under that name.
    """
    found = plugins.find(kind, package="rspark_session.interfaces", attribute="INTERFACE", group=ENTRY_POINTS)
    if found is None:
        raise InterfaceUnavailable(f"There is no interface {kind!r} in this version.")
    if not isinstance(found, type) or not issubclass(found, Interface):
        raise TypeError(f"{kind} is no interface: {found!r}")
    return found
