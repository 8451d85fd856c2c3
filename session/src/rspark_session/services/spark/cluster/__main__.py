"""The command of the component `spark`, where something of Spark runs before the first call."""

import os
import signal
import sys
import threading
from pathlib import Path

from rspark_contract.reading import Unreadable
from rspark_session.services.problem import ServiceProblem
from rspark_session.services.spark.cluster import driver_ahead
from rspark_session.services.spark.cluster.supervisor import Cluster, Part, run
from rspark_session.services.spark.standalone import AHEAD, FOLDER, ClusterFolder


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
            parts.append(Cluster(folder, folder.settings(), work=place / "work", environ=os.environ))
        if asked := folder.driver_ahead():
            parts.append(driver_ahead.daemon(asked, file=place / AHEAD, environ=os.environ))
        run(parts, ended)
    except (ServiceProblem, OSError, Unreadable) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
