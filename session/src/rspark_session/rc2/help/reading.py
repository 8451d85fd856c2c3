"""Reading the help that is installed, by a program for each language, at a low priority: package after package.

The program gets `{"libraries": […], "known": {library: {package: stamp}}}` on its standard input. It writes lines of JSON: which
packages there are, as `{"present": {library: {package: stamp}}}`, then a `Package` for each whose stamp is another than the known
one, or `{"problem": …}` where one can't be read. What else stands in its output is passed over.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from rspark_session.processes import memory_order

_HERE = Path(__file__).parent
_R = ("Rscript", "--no-save", "--no-restore", "--no-init-file", str(_HERE / "read_help.R"))
_PROGRAMS = {"R": _R, "python": (sys.executable, "-I", str(_HERE / "read_help.py"))}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Topic(_Model):
    """A topic with the names that lead to it, or a vignette."""

    topic: str
    names: tuple[str, ...] = ()
    title: str
    body: str
    vignette: bool = False


class Package(_Model):
    """The help of a package. `stamp` is another one when it is installed anew."""

    library: str
    package: str
    stamp: str
    topics: tuple[Topic, ...]


class Present(_Model):
    """The packages there are: their stamps, by library and name."""

    present: dict[str, dict[str, str]]


class Unreadable(_Model):
    """A package whose help can't be read, and why."""

    problem: str


_LINE: TypeAdapter[Package | Present | Unreadable] = TypeAdapter(Package | Present | Unreadable)


def is_read(language: str) -> bool:
    """Return whether there is a program that reads a language's help."""
    return language in _PROGRAMS


class Reading:
    """The program of a language, at work. What it says is iterated over."""

    def __init__(self, language: str, libraries: tuple[str, ...], known: Mapping[str, Mapping[str, str]]) -> None:
        slowly = ("nice", "-n", "10") if shutil.which("nice") else ()
        self._process = subprocess.Popen(
            (*slowly, *_PROGRAMS[language]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        memory_order.take_before_agent(self._process.pid, memory_order.WORKS)
        self._question = json.dumps({"libraries": libraries, "known": known}).encode() + b"\n"

    def __iter__(self) -> Iterator[Package | Present | Unreadable]:
        """Return what it says.

        Raises
        ------
        OSError
            When it can't be asked, or ends before its time.
        ValueError
            When it says something else.
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with process:
            process.stdin.write(self._question)
            process.stdin.close()
            for line in process.stdout:
                if line.startswith(b"{"):
                    yield _LINE.validate_json(line)
        if process.returncode != 0:
            raise OSError(f"the program that reads it ended with {process.returncode}")

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self) -> None:
        """End it at once."""
        self._process.kill()
