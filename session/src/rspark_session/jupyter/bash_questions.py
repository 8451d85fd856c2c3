"""What a program asks at bash's terminal: whether one waits for what is typed, and whether others may see the answer.

The kernel of Linux tells in which call a process waits. One that reads the terminal, where nothing is left to be read, asks.
"""

import array
import fcntl
import os
import platform
import re
import stat
import termios
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

#: The number of the call by which a process reads.
_READ = {"x86_64": "0", "aarch64": "63"}.get(platform.machine(), "")
_NUMBER_OF_TERMINAL = 0x80045430  # TIOCGPTN
_OWN_TERMINAL = os.makedev(5, 0)  # /dev/tty
_SECRET = re.compile(r"passw|passphrase|passcode|\bPIN\b|secret|\btoken\b", re.IGNORECASE)
#: `read -s`, which shows nothing of what is typed.
_UNSEEN = re.compile(r"\bread\b[^|;&]*\s-[A-Za-z]*s")
#: What colours a prompt, and moves the cursor.
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|[\x00-\x08\x0e-\x1f]")


def waits_for_input(terminal: int, pids: Iterable[int], said: str) -> bool:
    """Return whether one of these processes waits for what is typed.

    Parameters
    ----------
    terminal
        The side of the terminal that types.
    pids
        The processes.
    said
        The line that they began at last. What runs as another account, as `sudo` and `su` do, doesn't show in which call it
        waits: it asks where this is for a secret.
    """
    number = array.array("i", [0])
    try:
        fcntl.ioctl(terminal, _NUMBER_OF_TERMINAL, number)
        path = f"/dev/pts/{number[0]}"
        devices = {os.stat(path).st_rdev, _OWN_TERMINAL}  # noqa: PTH116  (of a device)
        hidden = bool(_SECRET.search(said))
        if not any(_reads(pid, devices, hidden=hidden) for pid in pids):
            return False
        side = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # the shell has just ended
        return False
    try:
        fcntl.ioctl(side, termios.FIONREAD, number)
        return number[0] == 0  # else it has no processor yet to read what is there
    finally:
        os.close(side)


def takes_lines(terminal: int) -> bool:
    """Return whether whoever reads has whole lines of the terminal, and not each key."""
    return bool(termios.tcgetattr(terminal)[3] & termios.ICANON)


def is_secret(prompt: str, line: str) -> bool:
    """Return whether nobody is to see what is answered. `line` is the code that runs."""
    return bool(_SECRET.search(prompt) or _UNSEEN.search(line))


def as_text(prompt: str) -> str:
    """Return a prompt without what only a terminal understands."""
    return _CONTROLS.sub("", prompt).lstrip("\r\n")


def _reads(pid: int, devices: set[int], *, hidden: bool) -> bool:
    """Return whether a process waits in reading one of these devices, in any thread: Java's `main` has one of its own.

    `hidden` is what is returned where that can't be known.
    """
    with suppress(OSError):  # it has ended
        return any(_thread_reads(thread, pid, devices, hidden=hidden) for thread in Path(f"/proc/{pid}/task").iterdir())
    return False


def _thread_reads(thread: Path, pid: int, devices: set[int], *, hidden: bool) -> bool:
    try:
        call, *arguments = (thread / "syscall").read_text(encoding="ascii").split()
        if call != _READ:
            return False
        read = os.stat(f"/proc/{pid}/fd/{int(arguments[0], 16)}")  # noqa: PTH116  (of a device)
    except PermissionError:
        return hidden
    except (OSError, ValueError, IndexError):  # it has ended, or runs
        return False
    return stat.S_ISCHR(read.st_mode) and read.st_rdev in devices
