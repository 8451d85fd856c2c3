"""Files that are there whole or not at all, whatever is killed when."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step, and on the disk before it is seen.

    Whoever reads it meanwhile, or after the machine has stopped, finds all of what was there before, or all of this.

    Raises
    ------
    OSError
        When it can't be written; what was there before stays.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
