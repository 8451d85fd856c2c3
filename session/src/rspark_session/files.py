"""Files that are there whole or not at all, whatever is killed when."""

import os
import shutil
from pathlib import Path


def write_whole(path: Path, content: str | bytes, *, mode: int = 0o600, durable: bool = True) -> None:
    """Write a file in one step: whoever reads it sees all of what was there before, or all of this.

    With `durable` it is on the disk before it is seen, so that a machine that stops leaves the one or the other.

    Raises
    ------
    OSError
        When it can't be written; what was there before stays.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def link_folder(source: Path, target: Path) -> None:
    """Make a copy of a folder whose files are the same ones, where the file system has hard links; what is there already stays.

    For files that are never changed in place.
    """

    def link(found: str, made: str) -> None:
        try:
            os.link(found, made)
        except FileExistsError:
            return
        except OSError:
            shutil.copy2(found, made)

    shutil.copytree(source, target, copy_function=link, dirs_exist_ok=True)


def flush_folder(folder: Path) -> None:
    """Write the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
