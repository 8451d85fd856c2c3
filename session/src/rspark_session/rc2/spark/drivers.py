"""The drivers of Spark that run in this session, and how they are asked.

The session's service `spark` says in a file where drivers announce themselves and with which header their pages can be seen.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rspark_session.processes import ports, tree
from rspark_session.proxy.fetch import fetch

#: The environment variable that names the file.
STATUS = "RSPARK_SPARK_STATUS"
_MOST_ANCESTORS = 20
#: What the forms on Spark's pages carry from 4.3 on, without which nothing is changed.
_TOKEN = re.compile(rb'name="csrfToken" value="([^"]{1,200})"')


@dataclass(frozen=True)
class Driver:
    """A driver that runs; `ancestors` are the processes that started it, the nearest first."""

    pid: int
    started: int
    id: str
    name: str
    port: int
    ancestors: tuple[int, ...]


class Drivers:
    """Finds drivers and asks them."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._file = Path(environ[STATUS]) if environ.get(STATUS) else None
        self._known: dict[int, Driver] = {}

    def find(self) -> list[Driver]:
        """Return the drivers that run now."""
        announced = dict(self._announced())
        self._known = {pid: known for pid, known in self._known.items() if pid in announced and _is_alive(known)}
        if unknown := announced.keys() - self._known.keys():
            listening = ports.listening(unknown)
            for pid in unknown:
                found = _driver(pid, announced[pid])
                # A file may be left of another process of this number, or say what it likes.
                if found is not None and found.port in listening[pid]:
                    self._known[pid] = found
        return sorted(self._known.values(), key=lambda driver: driver.pid)

    async def ask(self, driver: Driver, path: str) -> Any:
        """Return what the driver's API answers for its application; None when it doesn't."""
        whole = f"/api/v1/applications/{quote(driver.id)}/{path}"
        answer = await fetch("127.0.0.1", driver.port, whole, headers=self._headers())
        try:
            return json.loads(answer[1]) if answer and answer[0] == HTTPStatus.OK else None
        except ValueError:
            return None

    async def kill(self, driver: Driver, job: int) -> bool:
        """Have the driver cancel a job, as its own pages do; return whether it did."""
        page = await fetch("127.0.0.1", driver.port, "/jobs/", headers=self._headers())
        token = _TOKEN.search(page[1]) if page else None
        path = f"/jobs/job/kill/?id={job}" + (f"&csrfToken={quote(token[1].decode())}" if token else "")
        answer = await fetch("127.0.0.1", driver.port, path, method="POST", headers=self._headers())
        return answer is not None and answer[0] < HTTPStatus.BAD_REQUEST

    def _announced(self) -> Iterator[tuple[int, Any]]:
        if self._file is None:
            return
        for path in (self._file.parent / "drivers").glob("*.json"):
            if path.stem.isdigit():
                yield int(path.stem), path

    def _headers(self) -> tuple[tuple[bytes, bytes], ...]:
        try:
            return ((b"authorization", json.loads((self._file or Path()).read_bytes())["authorization"].encode()),)
        except (OSError, ValueError, KeyError, AttributeError):
            return ()


def _driver(pid: int, path: Path) -> Driver | None:
    process = tree.read(pid)
    try:
        told = json.loads(path.read_bytes())
        if process is None:
            return None
        return Driver(
            pid, process.started, str(told["id"])[:200], str(told["name"])[:200], int(told["port"]), _ancestors(process)
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_alive(driver: Driver) -> bool:
    process = tree.read(driver.pid)
    return process is not None and process.started == driver.started


def _ancestors(process: tree.Process) -> tuple[int, ...]:
    found: list[int] = []
    parent = tree.read(process.parent)
    while parent is not None and parent.pid > 1 and len(found) < _MOST_ANCESTORS:
        found.append(parent.pid)
        parent = tree.read(parent.parent)
    return tuple(found)
