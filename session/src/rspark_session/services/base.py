"""The face of a service towards the agent of a session that uses it.

Loaded before the first process of a session is started, so it loads next to nothing itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rspark_contract.specs import ServiceSpec

if TYPE_CHECKING:  # they need asyncio, and are loaded when the first processes are on their way
    from rspark_session.notebook_cell import Cell
    from rspark_session.processes.tree import Process
    from rspark_session.proxy.server import Reply, Request


class ServiceUnavailable(Exception):
    """A session can't use a service. The message is for the person: what is wrong, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a service is given: what the environment says of it, and where the session runs.

    The session is served under `base_path`. `home` is the person's, `run` the folder of this generation.
    """

    spec: ServiceSpec
    base_path: str
    home: Path
    run: Path


@dataclass(frozen=True, kw_only=True)
class SparkAdditions:
    """What every driver of Spark in a session has for the sake of another service, and its executors too.

    `jars` are on the class path, before those of Spark; `settings` are by Spark's names; `java_options` are the driver's own.
    """

    jars: Sequence[Path] = ()
    java_options: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


class Service:
    """One service in one generation of a session.

    As it stands it does nothing: enough for a service of which a session needs no more than environment variables and files,
    which are in `ensemble.json`. The agent calls, in this order: `programs` and `environ`, before anything is started;
    `prepare` and, for a new home, `welcome`, before the interface is up; then, again and again, `busy_with`, `own_processes`
    and `answer`.
    """

    #: The first segment of the path under the session that this service answers: `spark` for `/s/<id>/spark/…`.
    route: ClassVar[str | None] = None
    #: Modules that every kernel of Python loads; each has a function `load(shell)`, and must load next to nothing itself.
    python_hooks: ClassVar[Sequence[str]] = ()

    def __init__(self, context: Context) -> None:
        self.context = context
        #: The services of the session, itself among them; set before anything is called.
        self.session_services: Sequence[Service] = (self,)

    def programs(self) -> Sequence[Path]:
        """Return folders of programs; they come before what the machine has on its PATH."""
        return ()

    def environ(self) -> Mapping[str, str]:
        """Return environment variables of everything in the session."""
        return {}

    def prepare(self) -> None:
        """Write the files that the session reads.

        Raises
        ------
        ServiceUnavailable
            When the configuration can't be used.
        OSError
            When a file can't be written.
        """

    def for_spark(self) -> SparkAdditions:
        """Return what a driver of Spark needs to use this service, where the session has both."""
        return SparkAdditions()

    def welcome(self) -> "Sequence[Cell]":
        """Return what a person sees of it in a welcome document, in each language that has something to show."""
        return ()

    async def answer(self, request: "Request", reply: "Reply", path: str, processes: "Iterable[Process]") -> None:
        """Answer a request below `route`, of which `path` is what follows it: empty, or from the next slash on.

        `processes` are all that run in the session now.
        """
        raise NotImplementedError(f"{type(self).__name__} has a route and no answer")

    async def busy_with(self, processes: "Iterable[Process]") -> Sequence[str]:
        """Return what it computes now for this session, each as a person knows it."""
        return ()

    def own_processes(self, processes: "Iterable[Process]") -> Iterable[int]:
        """Return pids of processes that only serve: they never count as computing."""
        return ()
