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
        write_whole(folder / name, f'#!/bin/sh\nexec {run}{words} "$@"\n', mode=0o700, durable=False)
