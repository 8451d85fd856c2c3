"""A kernel of R that the agent starts before it starts the server, so that both load at once; who first asks for R gets it.

R takes longer to start than the server. What a kernel must know is told it when it is taken: its folder and its environment. One
that would have started otherwise in that folder is not taken but ended, and so is one that nobody asks for.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rspark_session.jupyter.adopted import Adopted
from rspark_session.jupyter.kernelspecs import Kernel

#: What R reads at its start from the folder where it starts alone.
_WORKSPACE = ".RData"
#: All that R reads at its start; the others from the folder where it starts, or else from the home.
_READ = (".Rprofile", ".Renviron", _WORKSPACE)
#: What jupyter_client adds to a kernel's environment.
_PARENT = "JPY_PARENT_PID"
#: Which functions R compiles before they run: none while it starts, which saves a fifth of its work; see `?compiler::enableJIT`.
_COMPILES, _COMPILES_BY_DEFAULT = "R_ENABLE_JIT", "3"
_FILE = "spare.json"


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A kernel on its way, and how it is reached (see "Connection files" in the documentation of jupyter_client).

    `started` is in seconds since 1970; `pidfd` is a descriptor of this process, and of one that it is passed to.
    """

    pid: int
    pidfd: int
    started: float
    connection: dict[str, Any]

    def end(self) -> None:
        """End it, with what a profile of R's may have started: nobody has taken it, so it holds nothing."""
        process = Adopted(self.pid, self.pidfd)
        if process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            process.wait()
        at = Path(self.connection["ip"])
        at.with_name(_FILE).unlink(missing_ok=True)
        for number in range(1, 6):
            at.with_name(f"{at.name}-{number}").unlink(missing_ok=True)


def begin(kernel: Kernel, environ: Mapping[str, str], *, home: Path, sockets: Path, output: int) -> Begun:
    """Start a kernel that belongs to nobody.

    Parameters
    ----------
    kernel
        The kernel to start.
    environ
        The environment of the server.
    home
        The folder where it starts.
    sockets
        The folder of its connection file and its sockets; short, as the path of a socket must be.
    output
        Where it writes what it prints by itself.

    Raises
    ------
    OSError
        When it can't be started.
    """
    connection: dict[str, Any] = {
        **{f"{channel}_port": number for number, channel in enumerate(("shell", "iopub", "stdin", "control", "hb"), start=1)},
        "transport": "ipc",
        "ip": str(sockets / "spare-ipc"),
        "key": os.urandom(32).hex(),
        "signature_scheme": "hmac-sha256",
        "kernel_name": kernel.name,
    }
    file = sockets / _FILE
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as writing:
        json.dump(connection, writing)
    started = time.time()
    process = subprocess.Popen(
        [*kernel.command, str(file)],
        cwd=home,
        env=_at_start(environ),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    process.returncode = 0  # so that Popen never waits for it: who reaps all does
    return Begun(pid=process.pid, pidfd=os.pidfd_open(process.pid), started=started, connection=connection)


class Spare:
    """A kernel without an owner, as the server has it."""

    def __init__(self, begun: Begun, *, home: Path) -> None:
        self.name = str(begun.connection["kernel_name"])
        self.connection = begun.connection
        self.process = Adopted(begun.pid, begun.pidfd)
        self._begun = begun
        self._home = home
        self._environ = _at_start(os.environ)

    def fits(self, folder: Path) -> bool:
        """Tell whether a kernel that starts in the folder now would be as this one is."""
        if self.process.poll() is not None or not folder.is_dir():
            return False
        if folder != self._home and any(map(os.path.lexists, [folder / name for name in _READ] + [self._home / _WORKSPACE])):
            return False
        return all(_changed_at(self._home / name) < self._begun.started for name in _READ)

    def orders(self, folder: Path, environ: Mapping[str, str]) -> str:
        """Give R's code that makes it what a kernel with that folder and environment is."""
        wanted = {**environ, _PARENT: str(os.getpid())}
        given = [f"{_text(name)} = {_text(value)}" for name, value in wanted.items() if self._environ.get(name) != value]
        taken = [_text(name) for name in self._environ if name not in wanted]
        level = environ.get(_COMPILES, _COMPILES_BY_DEFAULT)
        lines = [f"setwd({_text(str(folder))})", f"compiler::enableJIT(as.integer({_text(level)}))"]
        if taken:
            lines.append(f"Sys.unsetenv(c({', '.join(taken)}))")
        if given:  # as a call that takes any name
            lines.append(f"do.call(Sys.setenv, list({', '.join(given)}))")
        return "; ".join(lines)

    def end(self) -> None:
        """End it."""
        self._begun.end()


def _at_start(environ: Mapping[str, str]) -> dict[str, str]:
    return {**environ, _COMPILES: "0"}


def _changed_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # R reads it the same
