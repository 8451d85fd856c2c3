"""Leaves nothing of a job, however its command ends: a process that waits for that end, and clears up.

The command holds a pipe to it. When that is closed, which the kernel does also for what was killed, all that carries the job's
mark is ended, and its folder and what it has in HDFS unfinished are deleted.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from rspark_session.processes import tree

#: The environment variable that all processes of a job have.
MARK = "RSPARK_MAPREDUCE_JOB"
_PATIENCE = 20.0  # seconds until what was killed is gone


class Cleaner:
    """The process that clears up after a job."""

    def __init__(self, *, job: str, work: Path, note: Path, partial: str | None) -> None:
        asked = {"job": job, "work": str(work), "note": str(note), "partial": partial}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", __name__, json.dumps(asked)],
            stdin=subprocess.PIPE,
            start_new_session=True,  # what ends the command from a terminal doesn't end it
        )

    def clear(self) -> None:
        """Clear up now, and return when it is done."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def end_marked(job: str) -> None:
    """Kill all processes that carry a job's mark, until there are none."""
    mark = f"{MARK}={job}".encode()
    deadline = time.monotonic() + _PATIENCE
    while (found := _marked(mark)) and time.monotonic() < deadline:
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _marked(mark: bytes) -> list[int]:
    found = []
    for pid in tree.pids():
        with contextlib.suppress(OSError):
            if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") and tree.read(pid) is not None:
                found.append(pid)
    return [pid for pid in found if pid != os.getpid()]


def main() -> None:
    """Wait for the end of the command, and clear up after its job."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    asked: Mapping[str, str | None] = json.loads(sys.argv[1])
    sys.stdin.buffer.read()
    end_marked(str(asked["job"]))
    shutil.rmtree(str(asked["work"]), ignore_errors=True)
    if asked["partial"]:
        _delete(asked["partial"])
    Path(str(asked["note"])).unlink(missing_ok=True)


def _delete(partial: str) -> None:
    from rspark_session.services.mapreduce.hdfs_client import HdfsClient, HdfsRefused  # noqa: PLC0415  where it is needed

    with contextlib.suppress(HdfsRefused):
        if hdfs := HdfsClient.of_session():
            hdfs.delete(partial)


if __name__ == "__main__":
    main()
