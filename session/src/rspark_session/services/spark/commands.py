"""The commands that a session has beside Spark's own, each a module of this package."""

import shlex
import sys
from pathlib import Path

from rspark_session.files import write_whole

_MODULES = {"spark-workers": "rspark_session.services.spark.cluster.workers"}


def write(folder: Path) -> None:
    """Write a program for each into the folder, which is made where it's missing. They run by the session's own Python."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, module in _MODULES.items():
        content = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -m {module} "$@"\n'
        write_whole(folder / name, content, mode=0o700, durable=False)
