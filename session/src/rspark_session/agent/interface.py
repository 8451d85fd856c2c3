"""What the browser opens: how each kind of interface is started, and where it then listens."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rspark_session.agent.ahead import Ahead
from rspark_session.agent.environ import of_jupyter
from rspark_session.agent.launch import Launched, launch
from rspark_session.agent.spec import Spec, SpecInvalid
from rspark_session.services.atomic import write_whole

#: Interfaces that are a Jupyter server of ours; they tell by themselves when they are ready, busy and used.
JUPYTER = frozenset({"jupyterlab", "terminal"})


@dataclass(frozen=True, kw_only=True)
class Interface:
    """An interface on its way. It listens at a Unix socket, or on a `port` of this machine's own address."""

    launched: Launched
    at: Path | None = None
    port: int | None = None
    token: str | None = None
    line: socket.socket | None = None  # our end of the line to a Jupyter server


def start(spec: Spec, environ: Mapping[str, str], *, sockets: Path, restore: Path | None, ahead: Ahead | None) -> Interface:
    """Start the interface that the spec names, and give it what was started ahead of it.

    Raises
    ------
    SpecInvalid
        When there is no such interface, or its command can't be run.
    """
    assert spec.interface is not None
    try:
        if spec.interface.kind in JUPYTER:
            return _jupyter(spec, environ, sockets=sockets, restore=restore, ahead=ahead)
        if spec.interface.kind == "web":
            return _web(spec, environ)
    except OSError as problem:
        raise SpecInvalid(f"{spec.interface.title} can't be started: {problem.strerror or problem}.") from problem
    raise SpecInvalid(f"There is no interface {spec.interface.kind!r} in this version.")


def _jupyter(spec: Spec, environ: Mapping[str, str], *, sockets: Path, restore: Path | None, ahead: Ahead | None) -> Interface:
    assert spec.interface is not None
    if "r" in spec.interface.kernels and shutil.which("R", path=environ["PATH"]) is None:
        raise SpecInvalid(
            "R is not installed on this machine. Install it (on Debian: apt-get install r-base-core r-cran-irkernel), "
            "then start the session again."
        )
    ours, theirs = socket.socketpair()
    listens = sockets / "interface"
    token = os.urandom(32).hex()
    told = spec.run / "interface.json"
    write_whole(
        told,
        json.dumps(
            {
                "kind": spec.interface.kind,
                "title": spec.interface.title,
                "kernels": spec.interface.kernels,
                "base": spec.base_path,
                "home": str(spec.home),
                "run": str(spec.run),
                "socket": str(listens),
                "token": token,
                "line": theirs.fileno(),
                "restore": str(restore) if restore else None,
                "spare": asdict(ahead.spare) if ahead else None,
            }
        ),
    )
    try:
        launched = launch(
            [sys.executable, "-m", "rspark_session.jupyter", str(told)],
            environ=of_jupyter(environ, sockets),
            folder=spec.home,
            pass_fds=[theirs.fileno(), *([ahead.spare.pidfd] if ahead else [])],
            pipe=ahead.pipe if ahead else None,
        )
    finally:
        theirs.close()
    return Interface(launched=launched, at=listens, token=token, line=ours)


def _web(spec: Spec, environ: Mapping[str, str]) -> Interface:
    assert spec.interface is not None
    port = spec.interface.port or _free_port()
    command = [word.replace("{port}", str(port)).replace("{base}", spec.base_path) for word in spec.interface.command]
    launched = launch(command, environ={**environ, "PORT": str(port), "BASE_PATH": spec.base_path}, folder=spec.home)
    return Interface(launched=launched, port=port)


def _free_port() -> int:
    """Find a port that nobody has. Another may take it before the command does: `ports.owned_by` finds that out."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
