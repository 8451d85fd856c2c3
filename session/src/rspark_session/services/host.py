"""The address and the name of a host that has just been made, as clients of a service are to know it."""

import socket
import time

from rspark_session.services.problem import ServiceProblem

LOOPBACK = "127.0.0.1"
_SECONDS = 120.0


def find_host(name: str, *, title: str) -> tuple[str, str]:
    """Return the address of a host of the service `title`, and its full name; wait until it has one.

    Raises
    ------
    ServiceProblem
        When it has none for long.
    """
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            entry = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_CANONNAME)[0]
        except OSError as problem:
            if time.monotonic() > deadline:
                raise ServiceProblem(f"The name {name} of {title} can't be resolved: {problem.strerror}.") from problem
            time.sleep(0.5)
            continue
        return str(entry[4][0]), entry[3] or name
