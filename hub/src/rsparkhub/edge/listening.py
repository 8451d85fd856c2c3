"""The listening socket of the edge, and in words why it can't be had."""

import asyncio
import errno
import socket
import time

from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.settings import Settings

_BACKLOG = 4096
_DEADLINE = 2.0  # seconds; the Caddy of an edge that was killed a moment ago may still be ending


async def bound(settings: Settings) -> socket.socket:
    """Open the listening socket.

    Raises
    ------
    InstallationProblem
        When the address can't be had.
    """
    deadline = time.monotonic() + _DEADLINE
    while True:
        try:
            return _bind(settings.host, settings.port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise InstallationProblem(_why_not(settings, error)) from None
        await asyncio.sleep(0.05)  # nothing tells when a port is free but trying


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _why_not(settings: Settings, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {settings.port} is in use. End the program that uses it, or choose another port: `--port 8001`."
    if error.errno == errno.EACCES:
        return f"You may not use port {settings.port}; ports below 1024 are the system's. Choose another one: `--port 8001`."
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"The setting host is not an address of this machine: {settings.host}. 127.0.0.1 is this machine alone."
    return f"RSparkHub can't listen on {settings.host}, port {settings.port}: {error.strerror}. Choose another address or port."
