"""The processes of an ensemble, read from /proc by walking down from the agent: nothing else on the machine is looked at."""

# ruff: noqa: PTH123, PTH208  (read every few seconds in every session: a Path costs as much as the reading)

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Process:
    """One process as it was when looked at. `started` with `pid` names it for good; `cpu` is in seconds, `rss` in bytes."""

    pid: int
    parent: int
    name: str
    started: int
    cpu: float
    rss: int


#: Some kernels are built without the list of a process's children; there every process has to be asked for its parent.
_LISTS_CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children").exists()


def walk(root: int) -> dict[int, Process]:
    """Return the process `root` and all its descendants, parents before children."""
    below = _listed_children if _LISTS_CHILDREN else _scan().__getitem__
    found: dict[int, Process] = {}
    waiting = [root]
    while waiting:
        pid = waiting.pop(0)
        process = read(pid)
        if process is not None and pid not in found:
            found[pid] = process
            waiting.extend(below(pid))
    return found


def read(pid: int) -> Process | None:
    """Read one process; None when it is gone or only waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # pid (name) state ppid …: the name may hold spaces and brackets, so look from its last bracket on
    opened, closed = stat.index("("), stat.rindex(")")
    rest = stat[closed + 2 :].split()
    if rest[0] in "ZX":
        return None
    return Process(
        pid=pid,
        parent=int(rest[1]),
        name=stat[opened + 1 : closed],
        cpu=(int(rest[11]) + int(rest[12])) / _TICKS,
        started=int(rest[19]),
        rss=int(rest[21]) * _PAGE,
    )


def pids() -> list[int]:
    """Return the pid of every process of the machine."""
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def children(pid: int) -> list[int]:
    """Return the children of a process; none when it is gone."""
    return _listed_children(pid) if _LISTS_CHILDREN else _scan()[pid]


def environ_of(pid: int) -> dict[str, str]:
    """Return the variables with which a process was started; none when it is gone, or somebody else's."""
    try:
        pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return {}
    return dict(os.fsdecode(pair).split("=", 1) for pair in pairs if b"=" in pair)


def command_line(pid: int) -> list[str]:
    """Return the words with which a process was started; none when it is gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return words.decode(errors="replace").split("\0")[:-1]


def program(pid: int) -> str | None:
    """Return the file that a process runs; None when it is gone, or isn't ours to look into."""
    try:
        return str(Path(f"/proc/{pid}/exe").readlink())
    except OSError:
        return None


def working_folder(pid: int) -> str | None:
    """Return the folder in which a process works; None when it is gone, or isn't ours to look into."""
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return None


def _listed_children(pid: int) -> list[int]:
    """Return the children of a process as the kernel lists them: each of its threads may have some."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        for thread in threads:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found.extend(map(int, file.read().split()))
    except OSError:  # it ended meanwhile
        return found
    return found


def _scan() -> defaultdict[int, list[int]]:
    """Return the children of every process of the machine."""
    below: defaultdict[int, list[int]] = defaultdict(list)
    for pid in pids():
        if process := read(pid):
            below[process.parent].append(process.pid)
    return below


def proportional_memory(pid: int) -> int | None:
    """Return the memory of a process with its share of what it shares, in bytes."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:  # it ended, or isn't ours to look into
        return None
    return None
