"""Files that are there whole or not at all, whatever is killed when."""

import os
from pathlib import Path


def write_whole(path: Path, content: str, *, mode: int = 0o600) -> None:
    """Put `content` in the place of `path` in one step, and on the disk before it is seen."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
