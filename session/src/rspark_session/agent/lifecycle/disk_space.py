"""Whether a home has room left, and what to say when it hasn't."""

import errno
import os
from pathlib import Path

FULL = (
    "Your home is full, so what was in memory could not be saved. Your files are kept. Start the session again and delete files "
    "that you don't need."
)
#: Less than this is none: a record and the marks of a workspace take some kilobytes.
_LEAST = 64 * 1024
_ERRORS = {errno.ENOSPC, errno.EDQUOT}


def is_full(folder: Path, problem: OSError | None = None) -> bool:
    """Return whether an error or the disk itself says that there is no space: a quota only shows in an error."""
    if problem is not None and problem.errno in _ERRORS:
        return True
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize < _LEAST
