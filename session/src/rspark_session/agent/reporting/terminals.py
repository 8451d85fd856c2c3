"""What runs in terminals, and doesn't wait for its person: it is work also while it uses no processor, as a transfer or a query.

A shell gives the terminal to the command in the foreground. Such a command is work, unless it waits for keys: then it has taken
the terminal out of its usual mode, line by line (an editor, a pager, `top`, Python's and R's own prompts), or it reads from the
terminal right now. A client of another machine waits for keys as well, and for what runs there. What runs in the background is
work, unless it was stopped.
"""

import os
import termios
from collections.abc import Iterable
from pathlib import Path

from rspark_session.processes import standing
from rspark_session.processes.tree import Process

#: They pass keys on to something that runs elsewhere.
_REMOTE = frozenset({"ssh", "mosh-client", "telnet", "sftp"})
_READ = {"x86_64": "0", "aarch64": "63"}.get(os.uname().machine, "0")  # the number of the system call
_LOCAL_MODES = 3  # of what tcgetattr returns


def running(shells: Iterable[int], processes: Iterable[Process]) -> list[str]:
    """Return a sentence for each command that runs in one of the shells: "A terminal runs psql"."""
    found: dict[str, None] = {}  # a set that keeps its order
    below = list(processes)
    for shell in shells:
        own = standing.read(shell)
        if own is None:
            continue
        foreground = own.foreground
        for process in below:
            if process.parent != shell or (child := standing.read(process.pid)) is None or child.group == own.group:
                continue
            if child.group != foreground:
                if not child.stopped:
                    found[f"A terminal runs {process.name} in the background"] = None
            elif not _waits_for_keys(shell, process, [each for each in below if _is_in(each, foreground)]):
                found[f"A terminal runs {process.name}"] = None
    return list(found)


def _is_in(process: Process, group: int) -> bool:
    found = standing.read(process.pid)
    return found is not None and found.group == group


def _waits_for_keys(shell: int, leader: Process, group: list[Process]) -> bool:
    if leader.name in _REMOTE:
        return False
    return _is_by_keys(shell) or any(_reads_terminal(process.pid) for process in group)


def _is_by_keys(shell: int) -> bool:
    """Return whether a program has set the terminal to pass on each key."""
    try:
        terminal = os.open(f"/proc/{shell}/fd/0", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return not termios.tcgetattr(terminal)[_LOCAL_MODES] & termios.ICANON
    except termios.error:
        return False
    finally:
        os.close(terminal)


def _reads_terminal(pid: int) -> bool:
    """Return whether a process is blocked in reading from a terminal."""
    try:
        call, descriptor = Path(f"/proc/{pid}/syscall").read_text(encoding="ascii").split()[:2]
        return call == _READ and str(Path(f"/proc/{pid}/fd/{int(descriptor, 16)}").readlink()).startswith(
            ("/dev/pts/", "/dev/tty")
        )
    except (OSError, ValueError):
        return False
