"""The kernelspecs of a session: of the kernels that the environment names and no others, whatever this machine has installed."""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: The entry point of `rspark_session.jupyter.provisioner`.
PROVISIONER = "rspark-provisioner"
#: What the name of the connection file of a kernel that still starts has at its end, in the name of an empty file beside it.
STARTING = ".begun"
#: Tells a kernel, at any value, that the last one ended while it started: it leaves out what a person has it read at its start.
WITHOUT_OWN_FILES = "RSPARK_KERNEL_WITHOUT_OWN_FILES"
_R_LIBRARIES = ("/usr/lib/R/site-library", "/usr/local/lib/R/site-library")


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """The names of a language's kernel, and the command that starts it."""

    name: str
    title: str
    language: str
    command: tuple[str, ...]
    metadata: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return its kernelspec, the content of `kernel.json`."""
        return {
            "argv": [*self.command, "{connection_file}"],
            "display_name": self.title,
            "language": self.language,
            "metadata": {"kernel_provisioner": {"provisioner_name": PROVISIONER}, **self.metadata},
        }


#: How much memory R uses before it first looks for garbage: about what IRkernel needs when it is loaded, all of which stays.
_HEAP = ("--min-nsize=1M", "--min-vsize=32M")
_WITHOUT_OWN = f"source({json.dumps(str(Path(__file__).parent / 'without_own.R'), ensure_ascii=False)})"
# R records the options it starts with, so that at sleep only those that a person changed are saved.
_BASELINE = "try(rspark:::workspace_baseline(), silent=TRUE)"
# What it prints is sent while the code runs, in linear time.
_STREAM = "try(rspark:::stream_output(), silent=TRUE)"
# R has read what a person has it read at its start, and finds its kernel; see `rspark_session.jupyter.provisioner`.
_STARTED = f"loadNamespace('IRkernel'); unlink(paste0(commandArgs()[length(commandArgs())], '{STARTING}'))"


def available() -> dict[str, Kernel]:
    """Return every kernel that an environment can name, by that name."""
    return {
        "r": Kernel(
            name="ir",
            title="R",
            language="R",
            command=(
                shutil.which("R") or "R",
                "--slave",
                *_HEAP,
                "-e",
                _WITHOUT_OWN,
                "-e",
                _BASELINE,
                "-e",
                _STREAM,
                "-e",
                _STARTED,
                "-e",
                "IRkernel::main()",
                "--args",
            ),
        ),
        "python": Kernel(
            name="python3",
            title="Python",
            language="python",
            command=(own_python(), str(Path(__file__).parent / "python_kernel.py"), "-f"),
            metadata={"debugger": True},
        ),
        "bash": Kernel(
            name="bash",
            title="bash",
            language="bash",
            command=(sys.executable, "-I", "-m", "rspark_session.jupyter.bash_kernel", "-f"),
        ),
    }


def without_own_files(language: str, command: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the command that starts a kernel without what a person has it read at its start, and what its environment adds."""
    environ = {WITHOUT_OWN_FILES: "1"}
    if language == "R":
        command = [command[0], "--no-init-file", "--no-restore-data", *command[1:]]
        environ["R_ENVIRON_USER"] = ""
    elif language == "python":  # what runs when the person's environment starts may be what ends it
        command = [sys.executable, "-s", *command[1:]]
    return command, environ


def own_python() -> str:
    """Return the Python of the person's own environment, or the session's where the home had no room for one."""
    own = Path(os.environ.get("VIRTUAL_ENV", ""), "bin/python")
    return str(own) if own.exists() else sys.executable


def write(folder: Path, names: Iterable[str]) -> None:
    """Write a kernelspec for each of the named kernels, with its logo where it has one. The folder is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    for kernel in (available()[name] for name in names):
        place = folder / kernel.name
        place.mkdir(parents=True)
        (place / "kernel.json").write_text(json.dumps(kernel.to_json()), encoding="utf-8")
        for logo in _logos(kernel):
            with contextlib.suppress(OSError):  # a kernel without its picture is still a kernel
                shutil.copy(logo, place / logo.name)


def _logos(kernel: Kernel) -> list[Path]:
    if kernel.name == "ir":
        folders = [Path(library) / "IRkernel" / "kernelspec" for library in _R_LIBRARIES]
    else:
        package = find_spec({"python3": "ipykernel", "bash": "bash_kernel"}[kernel.name])
        folders = [Path(root) / "resources" for root in (package.submodule_search_locations or [])] if package else []
    return [logo for folder in folders for logo in folder.glob("logo-*")]
