"""`hiveserver2` and `hive` of a session, by which programs that speak HiveServer2's protocol reach its Hive.

The server is a driver of the session's own Spark, started by the first call of either; it ends with the session.
"""

import os
import secrets
import socket
import sys
from pathlib import Path

from rspark_session.files import write_whole

_PROGRAM = """#!/bin/sh
# {about}
exec {python} -m rspark_session.services.hive.hiveserver2 {name} "$@"
"""
_ABOUT = {
    "hiveserver2": "Starts the session's HiveServer2 where it doesn't run, and prints how it is reached: --json for PyHive.",
    "hive": "Queries at a shell: hive -e 'SELECT 1'. All that beeline takes may follow.",
}


def write(folder: Path) -> None:
    """Write the programs below a folder, and the password that clients show."""
    binaries = folder / "bin"
    binaries.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, about in _ABOUT.items():
        write_whole(binaries / name, _PROGRAM.format(about=about, python=sys.executable, name=name), mode=0o700)
    if not (folder / "password").exists():
        write_whole(folder / "password", secrets.token_urlsafe(24))


def free_port() -> int:
    """Return a port of this machine that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_running(pid: int) -> bool:
    """Return whether a process of ours runs."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
