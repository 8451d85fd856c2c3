"""Gives a tree of files to an account, without leaving the tree: whoever wrote it may have put anything there."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def give_tree(top: Path, *, uid: int, gid: int) -> None:
    """Make the account the owner of a folder and of all in it; of `top` last, so that a walk that was cut short shows.

    Nobody else may look into `top` afterwards.

    Symbolic links are given themselves, never what they lead to. What lies on another file system, devices, and files that have
    another name outside of the tree stay as they are.

    Raises
    ------
    OSError
        When the top is no folder, or can't be given.
    """
    handle = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        inside = _names_inside(handle)
        for folder, name, found in _walk(handle):
            if found.st_uid != uid:
                with suppress(FileNotFoundError):  # what runs there may delete it meanwhile
                    _give(name, folder, uid=uid, gid=gid, names=inside)
        os.fchmod(handle, 0o700)
        os.fchown(handle, uid, gid)
    finally:
        os.close(handle)


def _give(name: str, folder: int, *, uid: int, gid: int, names: dict[int, int]) -> None:
    """Give one entry, opened first: what runs there may put another in its place at any moment."""
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        found = os.fstat(handle)
        several = stat.S_ISREG(found.st_mode) and found.st_nlink > 1
        device = stat.S_ISBLK(found.st_mode) or stat.S_ISCHR(found.st_mode)
        if not device and (not several or names.get(found.st_ino) == found.st_nlink):
            os.chown(f"/proc/self/fd/{handle}", uid, gid)
    finally:
        os.close(handle)


def _names_inside(top: int) -> dict[int, int]:
    """Count the names that files with several names have in the tree, by inode."""
    counts: dict[int, int] = {}
    for _, _, found in _walk(top):
        if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            counts[found.st_ino] = counts.get(found.st_ino, 0) + 1
    return counts


def _walk(top: int) -> Iterator[tuple[int, str, os.stat_result]]:
    """Yield all that lies below a folder, as a folder's descriptor, a name in it and what is there now."""
    device = os.fstat(top).st_dev
    for _, folders, files, here in os.fwalk(".", dir_fd=top, follow_symlinks=False):
        for name in (*folders, *files):
            try:
                found = os.stat(name, dir_fd=here, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if found.st_dev == device:
                yield here, name, found
        folders[:] = [name for name in folders if _device(name, here) == device]


def _device(name: str, folder: int) -> int | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_dev
    except FileNotFoundError:
        return None
