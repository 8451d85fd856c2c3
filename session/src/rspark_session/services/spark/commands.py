"""The commands that a session has beside Spark's own, each a module of this package."""

from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.processes.script import python_script

_MODULES = {"spark-workers": "rspark_session.services.spark.cluster.workers"}


def write(folder: Path) -> None:
    """Write a program for each into the folder, which is made where it's missing. They run by the session's own Python."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, module in _MODULES.items():
        write_whole(folder / name, python_script(module), mode=0o700, durable=False)
