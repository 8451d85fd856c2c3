"""Whether a session reaches a port, tried from inside of it."""

from typing import Protocol

#: Tries to reach an address and port: prints whether it could.
_TRY = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3).close()
    print("reached")
except OSError:
    print("refused")
"""


class Runs(Protocol):
    """What runs programs in sessions: a hub, or a chart."""

    def run(self, session: str, *words: str) -> str:
        """Return what a program prints that is run in a session."""


def reaches(hub: Runs, session: str, host: str, port: int) -> bool:
    """Return whether a session can open a connection."""
    said = hub.run(session, "python", "-c", _TRY, host, str(port))
    assert said in ("reached\n", "refused\n"), said
    return said == "reached\n"
