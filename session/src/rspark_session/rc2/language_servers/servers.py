"""Which language servers a session has: R's and Python's, and those that its settings add."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

_HERE = Path(sys.executable).parent
_OWN_MODULES = "rspark_session.rc2.language_servers"


class Declared(BaseModel):
    """A language server as the settings of Jupyter's server declare it: the program with its arguments, and its languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    argv: Annotated[tuple[str, ...], Field(min_length=1, max_length=100)]
    languages: Annotated[tuple[str, ...], Field(min_length=1, max_length=100)]


DECLARED = TypeAdapter(dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")], Declared])


@dataclass(frozen=True)
class LanguageServer:
    """A program that speaks the protocol on its standard input and output."""

    name: str
    command: tuple[str, ...]
    languages: tuple[str, ...]


def servers(declared: Mapping[str, Declared]) -> list[LanguageServer]:
    """Return the servers whose programs are there; one that is declared stands before ours for the same language."""
    return [*_declared(declared), *_own()]


def _declared(declared: Mapping[str, Declared]) -> Iterator[LanguageServer]:
    for name, server in declared.items():
        program = shutil.which(server.argv[0])
        if program is not None:
            yield LanguageServer(name, (program, *server.argv[1:]), server.languages)


def _own() -> Iterator[LanguageServer]:
    if shutil.which("Rscript") is not None:
        yield LanguageServer("r", (sys.executable, "-m", f"{_OWN_MODULES}.r"), ("r",))
    ruff = _HERE / "ruff"
    if os.access(ruff, os.X_OK):
        yield LanguageServer("ruff", (str(ruff), "server"), ("python",))
    yield LanguageServer("python-names", (sys.executable, "-m", f"{_OWN_MODULES}.python_names"), ("python",))
