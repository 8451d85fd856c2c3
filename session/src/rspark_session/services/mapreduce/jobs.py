"""Which jobs run in a session: a file for each, with the process that looks after it."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable
from rspark_session.files import write_whole
from rspark_session.processes import tree
from rspark_session.processes.tree import Process

_FOLDER = "jobs"
_MOST_BYTES = 2**16
_NUMBER = reading.integer(0, 2**62)


def note(folder: Path, job: str, title: str) -> Path:
    """Write that this process runs a job; return the file, which goes when it is done."""
    myself = tree.read(os.getpid())
    assert myself is not None
    file = folder / _FOLDER / f"{job}.json"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(file, json.dumps({"title": title, "pid": myself.pid, "started": myself.started}), durable=False)
    return file


def noted(folder: Path) -> bool:
    """Return whether there is a job."""
    return any((folder / _FOLDER).glob("*.json"))


def running(folder: Path, processes: Iterable[Process]) -> list[str]:
    """Return a sentence for each job that one of these processes runs."""
    alive = {(process.pid, process.started) for process in processes}
    found = []
    for file in sorted((folder / _FOLDER).glob("*.json")):
        with suppress(OSError, Unreadable):
            fields = Fields(reading.decode(file.read_bytes(), most=_MOST_BYTES))
            if (fields.required("pid", _NUMBER), fields.required("started", _NUMBER)) in alive:
                found.append(f"MapReduce runs {fields.required('title', reading.text(200))}")
    return found
