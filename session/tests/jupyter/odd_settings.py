"""Settings and names that a person can make by which a kernel's own code could fail, and the sleep of a kernel that has them."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

from rspark_session.jupyter import snapshot

WAIT = 240.0  # seconds

BASH = (
    "set -eu -o pipefail",
    "set -o posix",
    "set -k",
    "PS1='$ '; PS2=",
    "PS2='> '",
    "PROMPT_COMMAND=('PS1=mine' 'PS1=\"$PS1 \"')",
    "exec > /dev/null",
    "exec 2> /dev/null",
    "stty echo; set -v",
    "IFS=0123456789",
    "readonly PATH=/nowhere",
    "readonly x line text REPLY name key work pid own",
    "trap 'echo debug' DEBUG; trap 'echo err' ERR; trap 'echo bye' EXIT",
    "declare() { return 1; }; trap() { return 1; }; printf() { return 1; }; eval() { return 1; }; unset() { return 1; }",
    "shopt -s extdebug failglob xpg_echo nocasematch",
    "mkdir removed; cd removed; rmdir ../removed",
)
PYTHON = (
    "print = 1; open = exec = __import__ = None; list = dict = len = type = isinstance = 3",
    "__builtins__ = {}",
    "import sys; sys.stdout = sys.stderr = None",
    "import sys; sys.stdout.close()",
    "import sys; sys.modules.clear()",
    "import json; json.dumps = json.loads = None",
    "import sys; sys.path = None; sys.setrecursionlimit(60)",
    "import warnings; warnings.simplefilter('error')",
    "import os; os.mkdir('removed'); os.chdir('removed'); os.rmdir('../removed')",
    "for name in ('gzip', 'decimal', 'dill', 'jedi', 'parso', 'queue'): open(name + '.py', 'w').write('1 / 0')",
)
R = (
    "options(expressions = 25)",
    "setTimeLimit(elapsed = 0.01)",
    "options(warn = 2, error = quote(q()), OutDec = ',', encoding = 'latin1', keep.source = FALSE, device = stop)",
    "try <- tryCatch <- c <- print <- paste <- function(...) stop('mine'); T <- FALSE; q <- 1",
    "`:::` <- function(...) stop('mine')",
    "for (i in 1:19) sink('out.txt')",
    "warning('once'); dir.create('removed'); setwd('removed'); unlink('../removed', recursive = TRUE)",
)


class Kernel:
    """A kernel of a session, and what its code shows."""

    def __init__(self, language: str, command: list[str], folder: Path, **environ: str) -> None:
        self.language = language
        self._folder = tempfile.TemporaryDirectory(prefix="ipc")  # the path of a socket must be short
        self._manager = KernelManager(transport="ipc", ip=f"{self._folder.name}/ipc")
        self._manager._kernel_spec = KernelSpec(argv=[*command, "{connection_file}"], language=language)
        self._manager.start_kernel(cwd=str(folder), env={**os.environ, "HOME": str(folder), **environ})
        self._client: BlockingKernelClient = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=WAIT)

    def shown(self, code: str, *, silent: bool = False) -> str:
        """Run code, and return the text of all that it shows, errors among it."""
        said: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            failed = content.get("evalue") or content.get("ename")
            said.append(content.get("text") or failed or content.get("data", {}).get("text/plain", ""))

        self._client.execute_interactive(code, silent=silent, timeout=WAIT, output_hook=hear, allow_stdin=False)
        return "".join(said).strip()

    def interrupt(self) -> None:
        """Interrupt what it runs."""
        self._manager.interrupt_kernel()

    def completions(self, code: str) -> list[str]:
        """Return what may stand at the end of code."""
        answer = self._client.complete(code, len(code), reply=True, timeout=WAIT)
        return list(answer["content"].get("matches", []))

    def save(self, folder: Path) -> None:
        """Save the workspace, as a session that goes to sleep does."""
        assert self.shown(str(snapshot.code("save", self.language, folder)), silent=True) == ""
        snapshot.read_report("save", folder)

    def restore(self, folder: Path) -> None:
        """Restore what was saved."""
        said = self.shown(str(snapshot.code("restore", self.language, folder)), silent=True)
        assert said == "", said
        snapshot.read_report("restore", folder)

    def end(self) -> None:
        """End it."""
        self._client.stop_channels()
        with suppress(ProcessLookupError):
            self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        self._folder.cleanup()


@contextmanager
def kernel(*arguments: Any, **environ: str) -> Iterator[Kernel]:
    """Give a kernel that ends with the block."""
    started = Kernel(*arguments, **environ)
    try:
        yield started
    finally:
        started.end()
