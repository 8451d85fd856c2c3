"""Who listens where: the TCP ports of given processes, read from /proc, and one that is free."""

# ruff: noqa: PTH115, PTH123, PTH208  (read every few seconds in every session: a Path costs as much as the reading)

import os
import socket
from collections.abc import Iterable

_LISTENING = "0A"


def listening(pids: Iterable[int]) -> dict[int, set[int]]:
    """Return the TCP ports on which each process listens."""
    by_socket = _listening_sockets()
    return {pid: {by_socket[name] for name in _sockets(pid) if name in by_socket} for pid in pids}


def free_port(host: str) -> int:
    """Return a port on which nobody listens. Another program may take it before the caller does."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _listening_sockets() -> dict[str, int]:
    found: dict[str, int] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as file:
                next(file)
                for line in file:
                    words = line.split()
                    if words[3] == _LISTENING:
                        found[f"socket:[{words[9]}]"] = int(words[1].rpartition(":")[2], 16)
        except FileNotFoundError:  # a kernel without IPv6
            continue
    return found


def _sockets(pid: int) -> set[str]:
    found: set[str] = set()
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:  # it ended meanwhile
        return found
    for name in names:
        try:
            target = os.readlink(f"{folder}/{name}")
        except OSError:  # closed meanwhile, which says nothing of the others
            continue
        if target.startswith("socket:["):
            found.add(target)
    return found
