"""The folder of a session's sockets: in the run folder, or a short one of our own when that path is too long for a socket's."""

import os
import shutil
import stat
from pathlib import Path

from rspark_contract.ensemble import EnsembleDocument
from rspark_contract.specs import Places

# A socket's path has 107 bytes, and a kernel's is `<folder>/kernel-<36 letters>-ipc-<digit>`; an interface that is opened beside
# the first has a folder in this one, whose name is a digit.
_LONGEST = 107 - len("/5/kernel--ipc-5") - 36


def socket_folder(places: Places) -> Path:
    """Return the path of the folder. A short one is named after the session, so that the next start clears it."""
    inside = places.run / "s"
    if len(os.fsencode(inside)) <= _LONGEST:
        return inside
    import hashlib  # noqa: PLC0415  (seldom needed, and R waits while it is loaded)
    import tempfile  # noqa: PLC0415

    digest = hashlib.sha256(os.fsencode(places.keep)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"rspark-{os.getuid()}-{digest}"


def make_socket_folder(document: EnsembleDocument) -> Path:
    """Make the folder, empty and for nobody else.

    Raises
    ------
    OSError
        When somebody else holds a folder of that name.
    """
    folder = socket_folder(document.places)
    try:
        _check_ours(folder)
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    folder.mkdir(mode=0o700)
    return folder


def _check_ours(folder: Path) -> None:
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else; remove it, then start the session again.")
