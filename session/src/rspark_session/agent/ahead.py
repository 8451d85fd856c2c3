"""What is started before the interface, since it takes longest: an R for the first who asks JupyterLab for one."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rspark_session.agent.environ import of_jupyter
from rspark_session.agent.spec import Spec
from rspark_session.jupyter import kernelspecs, spare


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """The kernel, and both ends of the pipe that takes what it prints: the interface's, whose kernel it becomes."""

    spare: spare.Begun
    pipe: tuple[int, int]


def start(spec: Spec, environ: Mapping[str, str], *, sockets: Path) -> Ahead | None:
    """Start it where a page asks for one soon. Without it a session goes as well, only later."""
    if spec.interface is None or spec.interface.kind != "jupyterlab" or "r" not in spec.interface.kernels:
        return None
    pipe = os.pipe()
    try:
        begun = spare.begin(
            kernelspecs.known()["r"], of_jupyter(environ, sockets), home=spec.home, sockets=sockets, output=pipe[1]
        )
    except OSError as problem:
        print(f"R is not started ahead: {problem}", file=sys.stderr)
        for end in pipe:
            os.close(end)
        return None
    return Ahead(spare=begun, pipe=pipe)
