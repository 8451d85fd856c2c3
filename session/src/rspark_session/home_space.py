"""Whether a home has room left, and what to say when it hasn't."""

import errno
import os
import time
from pathlib import Path

#: What is said of an end that could not keep what was in memory.
FULL = (
    "Your home is full, so what was in memory could not be saved. Your files are kept. Start the session again and delete files "
    "that you don't need."
)
#: Less than this is none: a record and the marks of a workspace take some kilobytes.
_LEAST = 64 * 1024
_ERRORS = {errno.ENOSPC, errno.EDQUOT}
_SECONDS = 2.0  # that may be spent on looking for the biggest folder


def is_full(folder: Path, problem: BaseException | None = None) -> bool:
    """Return whether an error, or one that led to it, or the disk itself says that there is no space.

    A quota shows in an error alone.
    """
    while problem is not None:
        if isinstance(problem, OSError) and problem.errno in _ERRORS:
            return True
        problem = problem.__cause__ or problem.__context__
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize < _LEAST


def sentence(home: Path) -> str:
    """Return that the home is full, and in which folder most is."""
    sizes = _sizes(home)
    if not sizes:
        return "Your home is full. Delete files that you don't need, then try again."
    name = max(sizes, key=lambda name: sizes[name])
    return f"Your home is full: {_megabytes(sizes[name])} are in {name}. Delete files that you don't need, then try again."


def _sizes(home: Path) -> dict[str, int]:
    """Return the bytes of each file and folder of the home, as far as they are found in time."""
    deadline = time.monotonic() + _SECONDS
    sizes: dict[str, int] = {}
    try:
        entries = list(os.scandir(home))
    except OSError:
        return sizes
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            sizes[entry.name] = 0
            for folder, _, files in os.walk(entry.path):
                sizes[entry.name] += sum(_size(os.path.join(folder, file)) for file in files)  # noqa: PTH118  (many)
                if time.monotonic() > deadline:
                    return sizes
        else:
            sizes[entry.name] = _size(entry.path)
    return sizes


def _size(path: str) -> int:
    """Return what a file takes on the disk."""
    try:
        return os.lstat(path).st_blocks * 512
    except OSError:
        return 0


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.1f} MB"
