"""The command of the component `spark`, where something of Spark runs before the first call."""

import os
import signal
import sys
import threading
from pathlib import Path

from rspark_contract.reading import Unreadable
from rspark_session.services.problem import ServiceProblem
from rspark_session.services.spark.cluster import driver_ahead
from rspark_session.services.spark.cluster.pod_api import PodApi
from rspark_session.services.spark.cluster.supervisor import Cluster, Part, Workers, run
from rspark_session.services.spark.cluster.worker_pods import WorkerPods
from rspark_session.services.spark.cluster.worker_processes import WorkerProcesses
from rspark_session.services.spark.standalone import AHEAD, ENVIRON_OF_DAEMONS, FOLDER, ClusterFolder


def main() -> int:
    """Run what the folder describes until SIGTERM; return the exit code."""
    if len(sys.argv) != 2:
        print("usage: python -m rspark_session.services.spark.cluster FOLDER", file=sys.stderr)
        return 2
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    place = Path(sys.argv[1])
    folder = ClusterFolder(place / FOLDER)
    try:
        parts: list[Part] = []
        if folder.is_cluster():
            parts.append(_cluster(folder, work=place / "work"))
        if asked := folder.driver_ahead():
            parts.append(driver_ahead.daemon(asked, file=place / AHEAD, environ=os.environ))
        run(parts, ended)
    except (ServiceProblem, OSError, Unreadable) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _cluster(folder: ClusterFolder, *, work: Path) -> Cluster:
    """Return the master, and its workers as pods where it is said what those are made of; else as processes."""
    settings, template = folder.settings(), folder.worker()
    environ = {**os.environ, **ENVIRON_OF_DAEMONS}
    workers: Workers
    if template is None:
        workers = WorkerProcesses(settings, work=work, environ=environ)
    else:
        workers = WorkerPods(template, PodApi(template["metadata"]["namespace"]))
    return Cluster(folder, settings, workers, environ=environ)


if __name__ == "__main__":
    sys.exit(main())
