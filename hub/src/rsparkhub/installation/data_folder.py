"""The folder that holds everything an installation keeps, and the lock that lets one `rsparkhub up` at a time use it."""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsparkhub.backends.process.proc import Process, boot_id, find
from rsparkhub.domain.errors import AlreadyRunning, InstallationProblem
from rsparkhub.files import write_whole
from rsparkhub.settings import Settings, default_data

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0


def prepare(settings: Settings) -> None:
    """Make the data folder, for its owner's eyes only, and the folders that every process of the hub uses.

    Raises
    ------
    InstallationProblem
        When it cannot be made or used.
    """
    data = settings.data.absolute()
    try:
        _private(data, passed=0o711)
        for folder in (settings.log_dir, data / "run", settings.socket_dir):
            _private(folder)
        _private(settings.notify_dir, passed=0o755)
        _close_what_is_ours(data)
        probe = data / "run" / f".writable-{os.getpid()}"
        try:
            probe.write_bytes(b"?" * 4096)
        finally:
            probe.unlink(missing_ok=True)
        if not _backend_file(settings).exists():
            write_whole(_backend_file(settings), settings.backend)
    except OSError as error:
        raise InstallationProblem(
            f"The data folder {data} cannot be used: {error.strerror}{_place(error, data)}. "
            "Make room or give yourself the right to write there, or name another folder (--data, or DATA= with make)."
        ) from None


def check_backend(settings: Settings) -> None:
    """See that the sessions of this data folder are where the settings say.

    Another backend would see none of them, and would take every one for gone.

    Raises
    ------
    InstallationProblem
        When they are elsewhere.
    """
    try:
        there = _backend_file(settings).read_text().strip()
    except (FileNotFoundError, NotADirectoryError):  # a new folder, or none at all, which `prepare` tells
        return
    if there != settings.backend:
        raise InstallationProblem(
            f"The sessions of {settings.data.absolute()} are on the backend {there}, and {settings.backend} was asked for. Set "
            f"RSPARKHUB_BACKEND={there} (or `backend: {there}` in its settings.yaml), or name another data folder."
        )


def _backend_file(settings: Settings) -> Path:
    return settings.data.absolute() / "backend"


def _place(error: OSError, data: Path) -> str:
    return f" ({error.filename})" if error.filename and Path(error.filename) != data else ""


#: Beside these, which each have a way of their own, all that lies in the data folder is the hub's alone.
_PASSED = {"homes", "sessions", "notify"}


def _close_what_is_ours(data: Path) -> None:
    """Take from others what they may do with the files in the data folder, which people's accounts may pass."""
    for entry in os.scandir(data):
        found = entry.stat(follow_symlinks=False)
        if entry.name not in _PASSED and not entry.is_symlink() and found.st_uid == os.geteuid() and found.st_mode & 0o077:
            if entry.is_dir() and is_closed(Path(entry.path)):
                continue
            Path(entry.path).chmod(stat.S_IMODE(found.st_mode) & 0o700)


def _private(folder: Path, *, passed: int | None = None) -> None:
    """Make a folder with mode 0700; one that exists must be ours, since another's could be swapped under us.

    With `passed`, the mode that the process backend gives it where people have accounts of their own is as good.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    found = folder.lstat() if folder.name.startswith("rsparkhub-") else folder.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(20, "it is not a folder", str(folder))
    if found.st_uid != os.geteuid():
        raise PermissionError(13, "it belongs to another user", str(folder))
    as_passed = os.geteuid() == 0 and stat.S_IMODE(found.st_mode) == passed
    if not as_passed and not is_closed(folder):
        folder.chmod(0o700)


def is_closed(folder: Path) -> bool:
    """Whether nobody but a folder's owner looks into it, apart from accounts that an access control list lets pass through.

    The shared PostgreSQL's account may be such a one; then the mode's group bits are the most that the list gives.
    """
    mode = stat.S_IMODE(folder.stat().st_mode)
    return mode == 0o700 or (mode == 0o710 and "system.posix_acl_access" in os.listxattr(folder))


@contextlib.contextmanager
def held(settings: Settings) -> Iterator["Holder"]:
    """Lock the data folder for this process, until it ends however it ends.

    Raises
    ------
    AlreadyRunning
        When another process holds it; the sentence says which, and where it answers.
    """
    with lock_file(settings).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(_already(settings)) from None
        holder = Holder(settings, lock.fileno())
        holder.tell()
        try:
            yield holder
        finally:
            os.ftruncate(lock.fileno(), 0)


class Holder:
    """Writes into the lock file who holds it, for `down`, `doctor` and a second `up` to read."""

    def __init__(self, settings: Settings, lock: int) -> None:
        self._settings = settings
        self._lock = lock

    async def until_lost(self) -> None:
        """Wait until the data folder's lock file is another than the one that is held: the folder was removed or replaced."""
        while True:
            try:
                if not os.path.samestat(os.fstat(self._lock), lock_file(self._settings).stat()):
                    return
            except (FileNotFoundError, NotADirectoryError):
                return
            except OSError as error:  # it may be there, and can't be looked at now
                log.warning("The data folder can't be looked at: %s", error)
            await asyncio.sleep(_LOOK_SECONDS)

    def tell(self, **processes: Process) -> None:
        """Write who this process is, its address, and the processes it started."""
        own = find(os.getpid())
        assert own is not None  # it is this process
        everyone = {"up": own, **processes}
        text = json.dumps(
            {
                "boot": boot_id(),
                "url": self._settings.url,
                "port": self._settings.port,
                "processes": {name: [process.pid, process.started] for name, process in everyone.items()},
            }
        )
        # In place: the lock is on this very file. A reader that comes in between finds no JSON, and knows no more than that.
        lock_file(self._settings).write_text(text)


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the lock file says of the last that held it: `processes` has `up` itself and what it started, by name."""

    url: str
    port: int
    processes: dict[str, Process]


def lock_file(settings: Settings) -> Path:
    return settings.data.absolute() / "lock"


def read_holder(settings: Settings) -> Held | None:
    """Read who holds the data folder, or held it last in this boot of the machine."""
    try:
        said: dict[str, Any] = json.loads(lock_file(settings).read_text())
        if said["boot"] != boot_id():
            return None
        processes = {name: Process(pid, started) for name, (pid, started) in said["processes"].items()}
        return Held(url=said["url"], port=said["port"], processes=processes)
    except (OSError, ValueError, KeyError, TypeError):  # none, or one that is being written
        return None


def is_held(settings: Settings) -> bool:
    """Whether a process holds the data folder now."""
    try:
        with lock_file(settings).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except BlockingIOError:
        return True
    return False


def refuse_second(settings: Settings) -> None:
    """Raise AlreadyRunning when a process holds the data folder; nothing is touched."""
    if is_held(settings):
        raise AlreadyRunning(_already(settings))


def _already(settings: Settings) -> str:
    found = read_holder(settings)
    who = f"process {found.processes['up'].pid}, at {found.url}" if found else "another process"
    return (
        f"RSparkHub already runs on the data in {settings.data.absolute()} ({who}). "
        f"End it with {how_to_end(settings)}, or name another data folder and another port."
    )


def how_to_end(settings: Settings) -> str:
    """Return the commands that end everything of this data folder."""
    if settings.data.absolute() == default_data().absolute():
        return "`make down` (or `rsparkhub down`)"
    data = shlex.quote(str(settings.data.absolute()))
    return f"`make down DATA={data}` (or `rsparkhub down --data {data}`)"
