"""The programs that a session has for MapReduce."""

import shlex
import sys
from pathlib import Path

from rspark_session.files import write_whole


def write(folder: Path) -> None:
    """Write `mapred`, and what `hadoop jar` runs, into a folder, which is made where it's missing."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    run = f"{shlex.quote(sys.executable)} -I -m rspark_session.services.mapreduce"
    for name, words in {"mapred": "", "hadoop-jar": " jar"}.items():
        # R has its children find the libraries of the machine first, also a Python that has its own.
        script = f'#!/bin/sh\n[ -z "${{R_HOME:-}}" ] || unset LD_LIBRARY_PATH\nexec {run}{words} "$@"\n'
        write_whole(folder / name, script, mode=0o700, durable=False)
