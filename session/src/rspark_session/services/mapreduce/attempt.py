"""What Hadoop runs as a map, combine or reduce of a streaming job: the person's own program, and what it said last.

    python -I -S attempt.py FOLDER mapper

Standard library alone, and a file of its own, so that it is soon there. FOLDER is the job's. The program gets the environment of
the person's command and not Hadoop's, with what Hadoop says of the task. What it says on stderr goes on to Hadoop, which reads
counters there, and its last lines are kept for when it fails.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LINES, _LETTERS = 15, 500
_NOT_FOUND, _NOT_RUN = 127, 126
#: Beside the job's folder in it: what was asked for, and what failed.
JOB, FAILURES = "job.json", "failures"
#: What Hadoop calls a task by, and which of its kind it is.
_ATTEMPT, _PARTITION = "mapreduce_task_attempt_id", "mapreduce_task_partition"
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> int:
    """Run the program; return its exit code, 128 and the signal's number where one ended it."""
    folder, kind = Path(sys.argv[1]), sys.argv[2]
    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    command, environ = job["programs"][kind], dict(job["environ"])
    # Hadoop says of a task what its settings are, by names such as mapreduce_task_id.
    environ |= {name: value for name, value in os.environ.items() if name.partition("_")[0] in ("mapreduce", "mapred", "stream")}
    environ["PATH"] = f"{Path.cwd()}:{environ.get('PATH', os.defpath)}"
    words = command if isinstance(command, list) else [command]
    last: deque[str] = deque(maxlen=_LINES)
    try:
        process = subprocess.Popen(
            [shutil.which(words[0], path=environ["PATH"]) or words[0], *words[1:]],
            env=environ,
            stderr=subprocess.PIPE,
            preexec_fn=_ends_with_parent(),  # noqa: PLW1509  (no thread is here)
        )
    except OSError as problem:
        last.append(f"{words[0]} can't be run: {problem.strerror}")
        code = _NOT_FOUND if isinstance(problem, FileNotFoundError) else _NOT_RUN
    else:
        assert process.stderr is not None
        for line in process.stderr:
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()
            if not line.startswith(b"reporter:"):
                last.append(line.decode(errors="replace").rstrip()[:_LETTERS])
        code = process.wait()
    if code != 0:
        _note_failure(folder, kind, code, list(last))
    return code if code >= 0 else 128 - code


def _note_failure(folder: Path, kind: str, code: int, said: list[str]) -> None:
    attempt = os.environ.get(_ATTEMPT, f"attempt-{os.getpid()}")
    number = os.environ.get(_PARTITION, "0")
    (folder / FAILURES).mkdir(exist_ok=True)
    report = {"kind": kind, "number": number, "code": code, "said": said}
    beside = folder / FAILURES / f".{attempt}"
    beside.write_text(json.dumps(report), encoding="utf-8")
    beside.rename(folder / FAILURES / f"{attempt}.json")


def _ends_with_parent() -> Callable[[], None]:
    parent = os.getpid()

    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


if __name__ == "__main__":
    sys.exit(main())
