"""The programs that a session has for MapReduce."""

from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.processes.script import python_script

_MODULE = "rspark_session.services.mapreduce"


def write(folder: Path) -> None:
    """Write `mapred`, and what `hadoop jar` runs, into a folder, which is made where it's missing."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(folder / "mapred", python_script(_MODULE), mode=0o700, durable=False)
    write_whole(folder / "hadoop-jar", python_script(_MODULE, "jar"), mode=0o700, durable=False)
