"""Where the log of a session is: in the home, which outlives the session's machine, in a folder of the session's own."""

import contextlib
import os
import re
import shutil
import time
from pathlib import Path

_FOLDER = Path(".local/share/rspark/rc2")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
#: Seconds after which what an ended session has left is removed.
_LEFT_FOR = 30 * 86400.0


def folder(home: Path, session: str) -> Path:
    """Return the folder of a session, and remove what sessions have left that nobody has opened for a month."""
    base = home / _FOLDER
    own = base / (_UNSAFE.sub("-", session)[:64] or "session")
    with contextlib.suppress(OSError):  # a full or broken home: what is recorded is in memory then
        own.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.utime(own)
        for other in base.iterdir():
            if other != own and time.time() - _last_used(other) > _LEFT_FOR:
                shutil.rmtree(other, ignore_errors=True)
    return own


def _last_used(folder: Path) -> float:
    """Return when something was last written into a session's folder: one that runs for long is opened once alone."""
    return max(path.stat().st_mtime for path in (folder, *folder.glob("events/*")))
