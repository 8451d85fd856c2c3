"""What each driver did, written into the home as it does it: from these files the pages of past applications are made."""

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

#: Below the home.
FOLDER = Path(".local/share/rspark/spark-events")
#: What is kept from one start of a session to the next: the newest, and no more bytes than this in all.
MOST_APPLICATIONS = 50
MOST_BYTES = 200 * 2**20


def settings(home: Path) -> dict[str, str]:
    """Return the settings of a driver that writes them; files that grow are ended and begun anew."""
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": (home / FOLDER).as_uri(),
        "spark.eventLog.compress": "true",
        "spark.eventLog.rolling.enabled": "true",
        "spark.eventLog.rolling.maxFileSize": "10m",
    }


def shell(home: Path) -> str:
    """Return what the shell that starts a driver does: without a folder that can be written to, it starts one that writes none.

    A person may have deleted the folder, and the home may be full; Spark itself would refuse to start.
    """
    folder = shlex.quote(str(home / FOLDER))
    return (
        f"{{ mkdir -p -m 700 {folder} && printf room >{folder}/.room; }} 2>/dev/null ||\n"
        '  export SPARK_SUBMIT_OPTS="${SPARK_SUBMIT_OPTS:-} -Dspark.eventLog.enabled=false"\n'
    )


def prune(folder: Path, *, applications: int = MOST_APPLICATIONS, most: int = MOST_BYTES) -> None:
    """Delete the oldest, so that no more than so many applications and bytes are left. What can't be deleted stays."""
    try:
        found = sorted((log for log in folder.iterdir() if not log.name.startswith(".")), key=_written, reverse=True)
    except OSError:  # nobody has used Spark yet
        return
    size = 0
    for number, log in enumerate(found):
        size += sum(_sizes(log))
        if number >= applications or size > most:
            if log.is_dir() and not log.is_symlink():
                shutil.rmtree(log, ignore_errors=True)
            else:
                log.unlink(missing_ok=True)


def _written(log: Path) -> float:
    try:
        return max((file.lstat().st_mtime for file in log.iterdir()), default=0.0)
    except OSError:
        return log.lstat().st_mtime


def _sizes(log: Path) -> Iterator[int]:
    for file in [log, *log.iterdir()] if log.is_dir() else [log]:
        yield file.lstat().st_size
