"""The command `spark-workers`: says how many workers the session's Spark has, and asks for more or fewer."""

import argparse
import os
import sys
import time
from pathlib import Path

from rspark_contract.reading import Unreadable
from rspark_session.services.spark.standalone import FOLDER, ClusterFolder, ClusterState

_SECONDS = 120.0
_LOCAL = (
    "Spark computes in its driver here, or in pods: this session has no workers of its own. "
    "Start an environment whose `spark` has `mode: standalone`."
)


def main() -> int:
    """Print what there is, after what was asked for is there; return the exit code."""
    parser = argparse.ArgumentParser(prog="spark-workers", description=(__doc__ or "").partition(": ")[2].capitalize())
    parser.add_argument("number", type=int, nargs="?", help="how many workers there shall be; nothing is changed without it")
    asked: int | None = parser.parse_args().number
    folder = ClusterFolder(Path(os.environ.get("SPARK_CONF_DIR", "")).parent / FOLDER)
    try:
        settings = folder.settings()
    except (OSError, Unreadable):
        print(_LOCAL, file=sys.stderr)
        return 1
    if asked is not None:
        if not 0 <= asked <= settings.most:
            print(f"This session may have 0 to {settings.most} workers, not {asked}; its environment says so.", file=sys.stderr)
            return 2
        folder.want(asked)
    state = _state(folder, asked)
    if state is None or (asked is not None and state.alive != asked):
        why = f". {state.problem}" if state and state.problem else "; the log of Spark says why not all."
        print(f"{state.alive if state else 0} of {asked} workers are ready{why}", file=sys.stderr)
        return 1
    each = f"{settings.cores} core{'s' * (settings.cores != 1)} and {settings.memory >> 20} MB each"
    print(f"{state.alive} of {state.wanted} workers are ready, with {each}; {settings.most} at the most.")
    if state.problem:
        print(state.problem)
    return 0


def _state(folder: ClusterFolder, asked: int | None) -> ClusterState | None:
    """Return the state, once it is what was asked for; as it is when that takes too long."""
    deadline = time.monotonic() + _SECONDS
    while True:
        state = folder.state()
        settled = state is not None and (asked is None or state.wanted == state.alive == asked)
        if settled or time.monotonic() > deadline:
            return state
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
