"""The ports of a server: those that it had the last time, where they are free, else others."""

import json
import socket
from collections.abc import Sequence
from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.services.problem import ServiceProblem


def keep_ports(file: Path, names: Sequence[str], *, host: str, title: str) -> dict[str, int]:
    """Return a port for each name, that of the last time where it is free, and write them into a file.

    Raises
    ------
    ServiceProblem
        When the machine has none left for the service `title`.
    """
    try:
        kept = json.loads(file.read_text())
    except (OSError, ValueError):
        kept = {}
    found: dict[str, int] = {}
    with _Held(host, title) as held:
        for name in names:
            found[name] = held.take(int(kept.get(name, 0)))
    if found != kept:
        write_whole(file, json.dumps(found))
    return found


class _Held:
    """Ports that are held until all were chosen, so that none is chosen twice."""

    def __init__(self, host: str, title: str) -> None:
        self._host, self._title = host, title
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> "_Held":
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sockets:
            each.close()

    def take(self, wanted: int) -> int:
        """Return the port that is wanted where it is free, else another."""
        for port in dict.fromkeys((wanted, 0)):
            probe = socket.socket()
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._host, port))
            except OSError:
                probe.close()
                continue
            self._sockets.append(probe)
            return int(probe.getsockname()[1])
        raise ServiceProblem(f"This machine has no free port left for {self._title}.")
