"""Homes of people who were removed: written into an archive, and deleted."""

import os
import tarfile
from pathlib import Path

from rsparkhub.backends.process.run_folder import throw_away


def remove(home: Path, *, archive: Path | None, trash: Path) -> None:
    """Delete a home; before, write it whole into `home.tar.gz` in the folder `archive`, where one is given.

    It may be done again after a crash in the middle: what is archived already is not written once more, since only then the home
    goes.
    """
    if not os.path.lexists(home):
        return
    if archive is not None:
        archive.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = archive / f".home.tar.gz.{os.getpid()}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as tar:
                tar.add(home, arcname="home", filter=_plain)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(archive / "home.tar.gz")
    throw_away(home, trash)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what is no file: sockets, pipes and devices of programs that have ended."""
    return member if member.isreg() or member.isdir() or member.issym() or member.islnk() else None
