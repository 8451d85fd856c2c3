"""Workers that are processes beside their master: as many as are wanted, each started again when it ends by itself."""

from collections.abc import Mapping
from pathlib import Path

from rspark_session.services.spark.cluster.daemon import Daemon
from rspark_session.services.spark.standalone import ClusterSettings

_WORKER = "org.apache.spark.deploy.worker.Worker"


class WorkerProcesses:
    """The workers of a master on the same machine. `work` is the folder in which their executors have theirs."""

    def __init__(self, settings: ClusterSettings, *, work: Path, environ: Mapping[str, str]) -> None:
        self.problem = ""
        self._environ = environ
        self._workers: list[Daemon] = []
        self._made = 0
        place = ("--host", settings.host, "--port", "0", "--webui-port", "0", "--work-dir", str(work))
        size = ("--cores", str(settings.cores), "--memory", f"{settings.memory >> 20}m")
        self._command = (_WORKER, *place, *size, f"spark://{settings.host}:{settings.port}")

    def have(self, wanted: int, _alive: int, /) -> None:
        """Start and end workers, so that there are as many as wanted; the youngest end first."""
        while len(self._workers) > wanted:
            self._workers.pop().end()
        while len(self._workers) < wanted:
            self._made += 1
            self._workers.append(Daemon(f"Spark's worker {self._made}", "spark-class", self._command, environ=self._environ))
        for daemon in self._workers:
            daemon.keep_running()

    def ask_to_end(self) -> None:
        """Ask all to end in order."""
        for daemon in self._workers:
            daemon.ask_to_end()

    def end(self) -> None:
        """End all, by force when it takes too long."""
        for daemon in self._workers:
            daemon.end()
