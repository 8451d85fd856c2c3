"""Commands of ours that people and their programs run by a name."""

import os
import shlex
import sys


def python_script(module: str, *words: str) -> str:
    """Return a script of the shell that runs a module of ours by the session's Python, whoever calls it.

    R leads the programs that it starts to the shared libraries that are its own, among which may be those of another Python: so
    the search path is what it is here.
    """
    path = os.environ.get("LD_LIBRARY_PATH")
    libraries = "-u LD_LIBRARY_PATH" if path is None else f"LD_LIBRARY_PATH={shlex.quote(path)}"
    command = shlex.join([sys.executable, "-I", "-m", module, *words])
    return f'#!/bin/sh\nexec env {libraries} {command} "$@"\n'
