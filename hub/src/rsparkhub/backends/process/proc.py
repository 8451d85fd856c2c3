"""What the kernel knows of processes: who they are, whose children, and which ensemble they carry in their environment.

Standard library only and nothing of ours, since the shim, which is not installed anywhere, reads this file too.
"""

import os
import select
import signal
import time

_ENSEMBLE = b"\0RSPARK_ENSEMBLE="
_HOME = b"\0RSPARK_HOME="


class Process:
    """One process, known by its pid and its start (field 22 of /proc/PID/stat, in ticks since the boot): never a pid alone."""

    __slots__ = ("parent", "pid", "started")

    def __init__(self, pid: int, started: int, parent: int = 0) -> None:
        self.pid = pid
        self.started = started
        self.parent = parent

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Process) and (self.pid, self.started) == (other.pid, other.started)

    def __hash__(self) -> int:
        return hash((self.pid, self.started))

    def __repr__(self) -> str:
        return f"Process({self.pid}, {self.started})"

    def alive(self) -> bool:
        """Return whether it is there, and more than a zombie."""
        return find(self.pid) == self

    def signal(self, number: int) -> bool:
        """Send a signal to this very process; False when it has ended."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.alive():  # the handle may be that of a later process with the same pid
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; False when it hasn't in time."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if not self.alive():
                return True
            ended = select.poll()
            ended.register(handle, select.POLLIN)
            return bool(ended.poll(max(0, int(seconds * 1000))))
        finally:
            os.close(handle)


def boot_id() -> str:
    """Return the name of this boot of the machine, without which a pid and a start mean nothing."""
    return _read("/proc/sys/kernel/random/boot_id").decode().strip()


def find(pid: int) -> Process | None:
    """Return the process that has this pid now; None for none, or a zombie."""
    stat = _read(f"/proc/{pid}/stat")
    # The name in brackets may hold anything, so count from its last bracket.
    fields = stat[stat.rfind(b")") + 2 :].split()
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return None
    return Process(pid, int(fields[19]), int(fields[1]))


def user_of(pid: int) -> int | None:
    """Return the number of the account that a process runs as; None when it has ended.

    Not by the owner of its folder in /proc: that is root for whatever hides its memory.
    """
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith(b"Uid:"):
            return int(line.split()[1])
    return None


def everyone() -> list[Process]:
    """Return every process that can be seen."""
    found = (find(int(name)) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208  no pathlib in the shim
    return [process for process in found if process is not None]


def ensemble_of(pid: int, homes: bytes) -> str | None:
    """Name the ensemble that a process belongs to; `homes` is where the homes of this installation lie."""
    environ = b"\0" + _read(f"/proc/{pid}/environ")
    if _HOME + homes not in environ:
        return None  # also another installation on this machine has a service of this name
    at = environ.find(_ENSEMBLE)
    return None if at < 0 else environ[at + len(_ENSEMBLE) : environ.find(b"\0", at + 1)].decode("ascii", "replace")


def names_ensemble(pid: int, ensemble: str) -> bool:
    """Return whether a process carries the name of an ensemble in its environment."""
    return _ENSEMBLE + ensemble.encode() + b"\0" in b"\0" + _read(f"/proc/{pid}/environ") + b"\0"


def is_called_with(pid: int, *arguments: str) -> bool:
    """Return whether a process was called with these arguments, one after the other."""
    wanted = b"".join(b"\0" + argument.encode() for argument in arguments) + b"\0"
    return wanted in b"\0" + _read(f"/proc/{pid}/cmdline") + b"\0"


def members(ensemble: str, homes: bytes, roots: list[Process], uid: int | None = None) -> list[Process]:
    """Return the processes of an ensemble: `roots`, who carries its name, and who descends from either; never the caller.

    With `uid`, the name counts only for processes of that account: others may carry what they like.
    """
    processes = everyone()
    found = {process.pid for process in processes if process in roots}
    for process in processes:
        if ensemble_of(process.pid, homes) == ensemble and uid in (None, user_of(process.pid)):
            found.add(process.pid)
    grown = True
    while grown:
        grown = False
        for process in processes:
            if process.parent in found and process.pid not in found:
                found.add(process.pid)
                grown = True
    return [process for process in processes if process.pid in found and process.pid != os.getpid()]


def kill_members(ensemble: str, homes: bytes, roots: list[Process], seconds: float, uid: int | None = None) -> bool:
    """End by SIGKILL whatever is left of an ensemble, until a look finds nothing; False when something will not end.

    With `uid`, only processes of that account are taken by their name.

    Children that another one makes meanwhile are found by the next look.
    """
    deadline = time.monotonic() + seconds
    while left := members(ensemble, homes, roots, uid):
        for process in left:
            process.signal(signal.SIGKILL)
        for process in left:
            if not process.wait(deadline - time.monotonic()):
                return False
    return True


def oom_kills() -> int:
    """Count the processes that this machine's kernel has killed because memory ran out."""
    for line in _read("/proc/vmstat").splitlines():
        if line.startswith(b"oom_kill "):
            return int(line.split()[1])
    return 0


def _read(path: str) -> bytes:
    """Read a file of /proc; nothing when the process is gone or another person's."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        parts = []
        while data := os.read(handle, 65536):
            parts.append(data)
        return b"".join(parts)
    except OSError:
        return b""
    finally:
        os.close(handle)
