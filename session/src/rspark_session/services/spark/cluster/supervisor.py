"""Looks after a master and its workers, and a driver ahead: what runs is made what is wanted, again and again, until it ends."""

import http.client
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Protocol

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable
from rspark_session.services.problem import ServiceProblem
from rspark_session.services.spark.cluster.daemon import Daemon
from rspark_session.services.spark.standalone import ClusterFolder, ClusterSettings, ClusterState

_INTERVAL = 0.3  # seconds between two looks
_SECONDS = 2.0  # for the master to say which workers it has
_MOST_FAILURES = 5  # in a row, of the master: then it can't run here
_MOST_BYTES = 2**20
_ALIVE = "ALIVE"
_MASTER = "org.apache.spark.deploy.master.Master"


class Part(Protocol):
    """Something that shall run."""

    def keep_running(self) -> None:
        """Make what runs what is wanted.

        Raises
        ------
        ServiceProblem
            When it can't run here.
        """

    def ask_to_end(self) -> None:
        """Ask all of it to end in order."""

    def end(self) -> None:
        """End it, by force when it takes too long."""


def run(parts: Sequence[Part], ended: threading.Event) -> None:
    """Look after the parts until the event, and end them then, the last one first.

    Raises
    ------
    ServiceProblem
        When one can't run here.
    """
    try:
        while not ended.is_set():
            for part in parts:
                part.keep_running()
            ended.wait(_INTERVAL)
    finally:
        for part in reversed(parts):
            part.ask_to_end()
        for part in reversed(parts):
            part.end()


class Workers(Protocol):
    """The workers of a master. `problem` says in a sentence what keeps some from running; it is empty where nothing does."""

    problem: str

    def have(self, wanted: int, alive: int, /) -> None:
        """Have as many as are wanted, and replace those that ended by themselves; the master knows `alive` ones."""

    def ask_to_end(self) -> None:
        """Ask all to end in order."""

    def end(self) -> None:
        """End all, by force when it takes too long."""


class Cluster:
    """The master and the workers of one session."""

    def __init__(self, folder: ClusterFolder, settings: ClusterSettings, workers: Workers, *, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._settings = settings
        recovery = folder.folder / "recovery"
        recovery.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A master that was killed knows workers and applications again, and what runs goes on.
        options = (
            "-Dspark.deploy.recoveryMode=FILESYSTEM",
            f'"-Dspark.deploy.recoveryDirectory={recovery}"',
            "-Dspark.ui.killEnabled=false",
            "-Dspark.port.maxRetries=0",
        )
        environ = {**environ, "SPARK_MASTER_OPTS": " ".join(options)}
        address = ("--host", settings.host, "--port", str(settings.port), "--webui-port", str(settings.pages_port))
        self._master = Daemon("Spark's master", "spark-class", (_MASTER, *address), environ=environ)
        self._workers = workers
        self._state: ClusterState | None = None

    def keep_running(self) -> None:
        """Start what doesn't run, and have as many workers as are wanted.

        Raises
        ------
        ServiceProblem
            When the master can't run.
        """
        self._master.keep_running()
        if self._master.failures >= _MOST_FAILURES:
            raise ServiceProblem("Spark's master can't run here. What it says above tells why.")
        wanted = min(self._folder.wanted(self._settings.workers), self._settings.most)
        alive = self._alive()
        self._workers.have(wanted, alive)
        self._report(wanted, alive)

    def ask_to_end(self) -> None:
        """Ask the workers to end: the master must know of it."""
        self._workers.ask_to_end()

    def end(self) -> None:
        """End the workers, and then the master."""
        self._workers.end()
        self._master.end()

    def _report(self, wanted: int, alive: int) -> None:
        state = ClusterState(wanted=wanted, alive=alive, problem=self._workers.problem)
        if state != self._state:
            self._state = state
            self._folder.write_state(state)
            print(f"{state.alive} of {state.wanted} workers are ready.", flush=True)

    def _alive(self) -> int:
        """Return how many workers the master knows to be alive; none while it doesn't answer."""
        headers = {"Authorization": self._settings.authorization}
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self._settings.pages_port, timeout=_SECONDS)) as connection:
                connection.request("GET", "/json/", headers=headers)
                answer = connection.getresponse().read(_MOST_BYTES)
            workers = Fields(reading.decode(answer, most=_MOST_BYTES)).get("workers", reading.items(_state, most=10**4), ())
        except (OSError, http.client.HTTPException, Unreadable):
            return 0
        return sum(state == _ALIVE for state in workers)


def _state(worker: object) -> str:
    return Fields(worker).get("state", reading.text(64), "")
