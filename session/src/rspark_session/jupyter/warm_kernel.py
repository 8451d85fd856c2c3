"""A kernel of R that the agent starts before it starts the server, so that both load at once. The first request for R gets it.

R takes longer to start than the server. When it is taken, it runs setup code for the folder and the environment of the kernel
that was requested. One that would have started otherwise in that folder is not taken but ended, and so is one that nobody
requests.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rspark_contract import reading
from rspark_contract.reading import Fields, JsonObject
from rspark_session.jupyter.adopted_process import AdoptedProcess
from rspark_session.jupyter.kernelspecs import Kernel

#: What R reads at its start from the folder where it starts alone.
_WORKSPACE = ".RData"
#: All that R reads at its start; the others from the folder where it starts, or else from the home.
_STARTUP_FILES = (".Rprofile", ".Renviron", _WORKSPACE)
#: What jupyter_client adds to a kernel's environment.
_PARENT = "JPY_PARENT_PID"
#: Which functions R compiles before they run: none while it starts, which saves a fifth of its work; see `?compiler::enableJIT`.
_JIT, _JIT_BY_DEFAULT = "R_ENABLE_JIT", "3"
_CONNECTION_FILE = "warm-kernel.json"
_SOCKETS = "warm-ipc"


@dataclass(frozen=True, kw_only=True)
class StartedKernel:
    """A kernel on its way, and how it is reached (see "Connection files" in the documentation of jupyter_client).

    `started` is in seconds since 1970; `pidfd` is a descriptor of this process, and of one that it is passed to.
    """

    pid: int
    pidfd: int
    started: float
    connection: JsonObject

    def end(self) -> None:
        """Kill it, with what a profile of R's may have started: nobody has taken it, so nothing is lost."""
        process = AdoptedProcess(self.pid, self.pidfd)
        if process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            process.wait()
        sockets = Path(str(self.connection["ip"]))
        sockets.with_name(_CONNECTION_FILE).unlink(missing_ok=True)
        for number in range(1, 6):
            sockets.with_name(f"{sockets.name}-{number}").unlink(missing_ok=True)

    def to_json(self) -> JsonObject:
        """Return its JSON."""
        return {"pid": self.pid, "pidfd": self.pidfd, "started": self.started, "connection": self.connection}

    @classmethod
    def parse(cls, value: object) -> "StartedKernel":
        """Read it; raise `Unreadable` when it is no kernel."""
        fields = Fields(value)
        return cls(
            pid=fields.required("pid", reading.integer(1, 2**31)),
            pidfd=fields.required("pidfd", reading.integer(0, 2**31)),
            started=fields.required("started", reading.number(0, 1e12)),
            connection=fields.required("connection", reading.json_object()),
        )


def start(kernel: Kernel, environ: Mapping[str, str], *, home: Path, sockets: Path, output: int) -> StartedKernel:
    """Start a kernel that belongs to nobody yet.

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
        The descriptor of what it prints by itself.

    Raises
    ------
    OSError
        When it can't be started.
    """
    connection: JsonObject = {
        **{f"{channel}_port": number for number, channel in enumerate(("shell", "iopub", "stdin", "control", "hb"), start=1)},
        "transport": "ipc",
        "ip": str(sockets / _SOCKETS),
        "key": os.urandom(32).hex(),
        "signature_scheme": "hmac-sha256",
        "kernel_name": kernel.name,
    }
    file = sockets / _CONNECTION_FILE
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as writing:
        json.dump(connection, writing)
    started = time.time()
    process = subprocess.Popen(
        [*kernel.command, str(file)],
        cwd=home,
        env=_start_environ(environ),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    process.returncode = 0  # so that Popen never waits for it: the agent reaps every process
    return StartedKernel(pid=process.pid, pidfd=os.pidfd_open(process.pid), started=started, connection=connection)


class WarmKernel:
    """A kernel that nobody has requested yet, as the server has it."""

    def __init__(self, started: StartedKernel, *, home: Path) -> None:
        self.name = str(started.connection["kernel_name"])
        self.connection = started.connection
        self.process = AdoptedProcess(started.pid, started.pidfd)
        self._started = started
        self._home = home
        self._environ = _start_environ(os.environ)

    def matches(self, folder: Path) -> bool:
        """Return whether a kernel that starts in the folder now would be as this one is."""
        if self.process.poll() is not None or not folder.is_dir():
            return False
        own_start = [folder / name for name in _STARTUP_FILES] + [self._home / _WORKSPACE]
        if folder != self._home and any(map(os.path.lexists, own_start)):
            return False
        return all(_changed_at(self._home / name) < self._started.started for name in _STARTUP_FILES)

    def setup_code(self, folder: Path, environ: Mapping[str, str]) -> str:
        """Return R's code that makes it what a kernel with that folder and environment is."""
        wanted = {**environ, _PARENT: str(os.getpid())}
        set_ = [f"{_quoted(name)} = {_quoted(value)}" for name, value in wanted.items() if self._environ.get(name) != value]
        unset = [_quoted(name) for name in self._environ if name not in wanted]
        level = environ.get(_JIT, _JIT_BY_DEFAULT)
        lines = [f"setwd({_quoted(str(folder))})", f"compiler::enableJIT(as.integer({_quoted(level)}))"]
        if unset:
            lines.append(f"Sys.unsetenv(c({', '.join(unset)}))")
        if set_:  # as a call that takes any name
            lines.append(f"do.call(Sys.setenv, list({', '.join(set_)}))")
        return "; ".join(lines)

    def end(self) -> None:
        """Kill it."""
        self._started.end()


def _start_environ(environ: Mapping[str, str]) -> dict[str, str]:
    return {**environ, _JIT: "0"}


def _changed_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # R reads it the same
