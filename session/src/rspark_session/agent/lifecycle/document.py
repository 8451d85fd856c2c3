"""What this agent runs: `ensemble.json`, with a value in the place of all that stands for one."""

import contextlib
import socket
from collections.abc import Iterable
from pathlib import Path

from rspark_contract.ensemble import DocumentInvalid, EnsembleDocument, read_document


def load(path: Path, *, python: str) -> EnsembleDocument:
    """Read the document, choose its ports, and fill its placeholders; `python` is the Python of the session.

    Raises
    ------
    DocumentInvalid
        When the file can't be used, or no port is free.
    """
    document = read_document(path)
    try:
        ports = free_ports(document.port_names(), host=document.places.host)
    except OSError as problem:
        raise DocumentInvalid(f"No port is free for what {path} asks for: {problem.strerror or problem}.") from problem
    return document.filled(python=python, ports=ports)


def free_ports(names: Iterable[str], *, host: str) -> dict[str, int]:
    """Return a port for each name, no two the same, on which nobody listens now.

    Each is given back before its component takes it, and another program may be faster: then the component fails, or its
    condition of being ready does.

    Raises
    ------
    OSError
        When there is none.
    """
    with contextlib.ExitStack() as stack:
        ports = {}
        for name in names:
            probe = stack.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, 0))
            ports[name] = probe.getsockname()[1]
        return ports
