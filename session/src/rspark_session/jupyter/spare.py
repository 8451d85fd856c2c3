"""A kernel of R that is started before the server has loaded, so that both start at once; who first asks for R gets it.

R takes as long to start as the server. What a kernel must know is told it when it is taken: its folder and its environment. One
that would have started otherwise in that folder is not taken but ended, and so is one that nobody asks for.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rspark_session.jupyter.kernelspecs import Kernel

#: What R reads at its start from the folder where it starts alone.
_WORKSPACE = ".RData"
#: All that R reads at its start; the others from the folder where it starts, or else from the home.
_READ = (".Rprofile", ".Renviron", _WORKSPACE)
#: What jupyter_client adds to a kernel's environment.
_PARENT = "JPY_PARENT_PID"
#: Which functions R compiles before they run: none while it starts, which saves a fifth of its work; see `?compiler::enableJIT`.
_COMPILES, _COMPILES_BY_DEFAULT = "R_ENABLE_JIT", "3"


class Spare:
    """A kernel without an owner.

    Parameters
    ----------
    kernel
        The kernel to start.
    home
        The folder where it starts.
    sockets
        The folder of its connection file and its sockets; short, as the path of a socket must be.
    """

    def __init__(self, kernel: Kernel, *, home: Path, sockets: Path) -> None:
        self.name = kernel.name
        self._home = home
        #: What tells a client how to reach it; see "Connection files" in the documentation of jupyter_client.
        self.connection: dict[str, Any] = {
            **{f"{channel}_port": number for number, channel in enumerate(("shell", "iopub", "stdin", "control", "hb"), start=1)},
            "transport": "ipc",
            "ip": str(sockets / "spare-ipc"),
            "key": os.urandom(32).hex(),
            "signature_scheme": "hmac-sha256",
            "kernel_name": kernel.name,
        }
        self._file = sockets / "spare.json"
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self.connection, file)
        self._environ = os.environ | {_PARENT: str(os.getpid()), _COMPILES: "0"}
        self._started = time.time()
        self.process = subprocess.Popen(
            [*kernel.command, str(self._file)], cwd=home, env=self._environ, stdin=subprocess.DEVNULL, start_new_session=True
        )

    def fits(self, folder: Path) -> bool:
        """Tell whether a kernel that starts in the folder now would be as this one is."""
        if self.process.poll() is not None or not folder.is_dir():
            return False
        if folder != self._home and any(map(os.path.lexists, [folder / name for name in _READ] + [self._home / _WORKSPACE])):
            return False
        return all(_changed_at(self._home / name) < self._started for name in _READ)

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
        """End it: nobody has taken it, so it holds nothing."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)  # with what a profile of R's may have started
            self.process.wait()
        self._file.unlink(missing_ok=True)
        for number in range(1, 6):
            Path(f"{self.connection['ip']}-{number}").unlink(missing_ok=True)


def _changed_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # R reads it the same
