"""The folder of a session's sockets: in the run folder, or a short one of our own when that path is too long for a socket's."""

import os
import shutil
import stat
from pathlib import Path

from rspark_contract.ensemble import EnsembleDocument

# A socket's path has 107 bytes, and a kernel's is `<folder>/kernel-<36 letters>-ipc-<digit>`; an interface that is opened beside
# the first has a folder in this one, whose name is a digit.
_LONGEST = 107 - len("/5/kernel--ipc-5") - 36


def make_socket_folder(document: EnsembleDocument) -> Path:
    """Make the folder, empty and for nobody else. A short one is named after the session, so that the next start clears it.

    Raises
    ------
    OSError
        When somebody else holds a folder of that name.
    """
    inside = document.places.run / "s"
    if len(os.fsencode(inside)) <= _LONGEST:
        folder = inside
    else:
        import hashlib  # noqa: PLC0415  (seldom needed, and R waits while it is loaded)
        import tempfile  # noqa: PLC0415

        digest = hashlib.sha256(os.fsencode(document.places.keep)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"rspark-{os.getuid()}-{digest}"
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
