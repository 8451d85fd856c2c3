"""The ports of a server: those that it had the last time, where they are free, else others.

A server of Java listens seconds after its ports were chosen. So they are none of those that the system gives to outgoing
connections of whatever program (from 32768 on where nobody has set another range), nor of Kubernetes' (from 30000 on).
"""

import json
import secrets
import socket
from collections.abc import Iterator, Sequence
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


#: Where nobody takes a port by chance, and how many of these are tried.
_QUIET, _TRIES = range(20000, 30000), 50


class _Held:
    """Ports that are held until all were chosen, so that none is chosen twice."""

    def __init__(self, host: str, title: str) -> None:
        self._host, self._title = host, title
        self._sockets: dict[int, socket.socket] = {}

    def __enter__(self) -> "_Held":
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sockets.values():
            each.close()

    def take(self, wanted: int) -> int:
        """Return the port that is wanted where it is free, else another."""
        for port in _candidates(wanted):
            probe = socket.socket()
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._host, port))
            except OSError:
                probe.close()
                continue
            found = int(probe.getsockname()[1])
            if found in self._sockets:  # two that don't listen may be bound to one port
                probe.close()
                continue
            self._sockets[found] = probe
            return found
        raise ServiceProblem(f"This machine has no free port left for {self._title}.")


def _candidates(wanted: int) -> Iterator[int]:
    """Yield the ports to try: the one that is wanted, some where nobody takes one by chance, and any at last."""
    if wanted:
        yield wanted
    for _ in range(_TRIES):
        yield secrets.choice(_QUIET)
    yield 0
