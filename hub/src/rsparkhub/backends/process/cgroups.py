"""Limits that the kernel keeps: a control group for each generation, in each of its two versions.

Version 2 has one tree, with all limits in one group; version 1 has a tree for each kind. The group of a generation lies in one of
this installation. In version 2 that one lies at the top, since processes and limited groups may not be in the same place; in
version 1 it lies below this process's own, whose limits go on to hold. Where both are there (`unified`), version 2 limits
nothing, and its group tells the firewall whose a socket is (`loopback`).

Standard library only and nothing of ours, since the shim, which is not installed anywhere, reads this file too.
"""
# pathlib would cost each session a megabyte.
# ruff: noqa: PTH103, PTH106, PTH110, PTH112, PTH119, PTH120, PTH123

import os
import signal
import time

TREE = "/sys/fs/cgroup"
#: Processes and threads of one session: enough for Spark, and for no machine to run out of them.
PROCESSES = 4096
KINDS = ("memory", "cpu", "pids")
_PERIOD = 100_000  # microseconds, the kernel's own


class Tree:
    """Where on this machine groups are made; `root` is where the kernel shows them, `own` which ones this process is in."""

    def __init__(self, installation: str, *, root: str = TREE, own: str = "/proc/self/cgroup") -> None:
        self.name = self._name = f"rsparkhub-{installation}"
        self._root = root
        self._own = own
        self.is_version_2 = os.path.exists(f"{root}/cgroup.controllers")

    @classmethod
    def of(cls, data: bytes) -> "Tree":
        """Return that of the installation with this data folder."""
        import hashlib  # noqa: PLC0415  the shim does without

        return cls(hashlib.sha256(data).hexdigest()[:8])

    def make(self, name: str, *, memory: int, cpu: float) -> "list[str]":
        """Make the groups of a generation, and return their folders; `memory` is in bytes, `cpu` in cores.

        Raises
        ------
        OSError
            When this machine doesn't let us; then none is left.
        """
        try:
            return self._make(name, memory=memory, cpu=cpu)
        except FileNotFoundError:  # the end of another session has just removed the folder that was about to be used
            return self._make(name, memory=memory, cpu=cpu)

    def kinds(self) -> "tuple[str, ...]":
        """Return what can be limited on this machine, of `KINDS`."""
        if self.is_version_2:
            there = _read(f"{self._root}/cgroup.controllers").split()
            return tuple(kind for kind in KINDS if kind in there)
        return tuple(kind for kind in KINDS if os.path.exists(f"{self._root}/{kind}/cgroup.procs"))

    def find(self, name: str) -> "list[str]":
        """Return the groups of a generation that are there."""
        return [group for folder in self._folders() if os.path.isdir(group := f"{folder}/{name}")]

    def names(self) -> "set[str]":
        """Return the generations of which groups are there."""
        found: set[str] = set()
        for folder in self._folders():
            if os.path.isdir(folder):
                found |= {entry.name for entry in os.scandir(folder) if entry.is_dir()}
        return found

    def socket_group(self, name: str) -> "str | None":
        """Return the path of a generation's group of version 2 below the kernel's folder; None where there is none."""
        folder = f"{self._root}/{self._name}" if self.is_version_2 else self._unified()
        return os.path.relpath(f"{folder}/{name}", self._root) if folder and os.path.isdir(f"{folder}/{name}") else None

    def _folders(self) -> "list[str]":
        """Return where this installation's groups are, whether they are there or not."""
        if self.is_version_2:
            return [f"{self._root}/{self._name}"]
        limiting = [f"{self._root}/{kind}{self._own_path(kind)}/{self._name}" for kind in self.kinds()]
        unified = self._unified()
        return [*limiting, unified] if unified else limiting

    def _unified(self) -> "str | None":
        """Return where groups of version 2 are beside those of version 1, if they are."""
        root = f"{self._root}/unified"
        return f"{root}/{self._name}" if not self.is_version_2 and os.path.exists(f"{root}/cgroup.procs") else None

    def _make(self, name: str, *, memory: int, cpu: float) -> "list[str]":
        made: list[str] = []
        try:
            for folder, kinds in self._places():
                if not kinds:
                    raise PermissionError(1, "no limits are allowed here", folder)
                group = f"{folder}/{name}"
                os.makedirs(group, exist_ok=True)
                made.append(group)
                for kind in kinds:
                    self._limit(group, kind, memory=memory, cpu=cpu)
        except OSError:
            remove(made)
            raise
        if unified := self._unified():
            try:
                os.makedirs(f"{unified}/{name}", exist_ok=True)
            except OSError:  # it limits nothing
                return made
            made.append(f"{unified}/{name}")
        return made

    def _places(self) -> "list[tuple[str, tuple[str, ...]]]":
        """Return the folders of this installation's groups, ready to have groups in them, and what each limits."""
        kinds = self.kinds()
        if not kinds:
            raise FileNotFoundError(2, "there are no control groups", self._root)
        folders = self._folders()
        if not self.is_version_2:
            return [(folder, (kind,)) for folder, kind in zip(folders, kinds, strict=False)]
        (folder,) = folders
        os.makedirs(folder, exist_ok=True)
        return [(folder, tuple(kind for kind in kinds if self._enable(kind, folder)))]

    def _enable(self, kind: str, folder: str) -> bool:
        """Let groups in the folder have limits of one kind; False where the kernel refuses, as it may for one kind alone."""
        for place in (self._root, folder):
            try:
                _write(f"{place}/cgroup.subtree_control", f"+{kind}")
            except OSError:
                return False
        return True

    def _own_path(self, kind: str) -> str:
        """Return where this process is in the tree of one kind; empty where that isn't shown, as in some containers."""
        with open(self._own, encoding="utf-8") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
        path = next((path for _, kinds, path in lines if kind in kinds.split(",")), "")
        path = path.rstrip("/")
        outside = f"/{self._name}"  # a group of ours is never made within another one of ours
        path = path[: path.index(outside)] if outside in path else path
        return path if os.path.isdir(f"{self._root}/{kind}{path}") else ""

    def _limit(self, group: str, kind: str, *, memory: int, cpu: float) -> None:
        quota = max(int(cpu * _PERIOD), 1000)
        if kind == "pids":
            _write(f"{group}/pids.max", str(PROCESSES))
        elif kind == "cpu" and self.is_version_2:
            _write(f"{group}/cpu.max", f"{quota} {_PERIOD}")
        elif kind == "cpu":
            _write(f"{group}/cpu.cfs_period_us", str(_PERIOD))
            _write(f"{group}/cpu.cfs_quota_us", str(quota))
        elif self.is_version_2:
            _write(f"{group}/memory.max", str(memory))
            if os.path.exists(f"{group}/memory.swap.max"):
                _write(f"{group}/memory.swap.max", "0")
        else:
            _write(f"{group}/memory.limit_in_bytes", str(memory))
            if os.path.exists(f"{group}/memory.memsw.limit_in_bytes"):
                _write(f"{group}/memory.memsw.limit_in_bytes", str(memory))


def join_files(groups: "list[str]") -> "list[str]":
    """Return the files in which a process writes its number to join the groups."""
    return [f"{group}/cgroup.procs" for group in groups]


def memory_kills(groups: "list[str]") -> int:
    """Count the processes that the kernel has killed in the groups, since they used all of their memory."""
    count = 0
    for group in groups:
        for name in ("memory.events", "memory.oom_control"):
            for line in _read(f"{group}/{name}").splitlines():
                word, _, number = line.partition(" ")
                if word == "oom_kill":
                    count += int(number)
    return count


def members(groups: "list[str]") -> "list[int]":
    """Return the pids of the processes in the groups."""
    return sorted({int(line) for group in groups for line in _read(f"{group}/cgroup.procs").split()})


def kill(groups: "list[str]", seconds: float) -> bool:
    """End by SIGKILL whatever is in the groups; False when something will not end.

    A pid is in the group when it is read, and may only be another's a moment later if its process ended in between.
    """
    deadline = time.monotonic() + seconds
    while left := members(groups):
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def remove(groups: "list[str]") -> None:
    """Remove groups in which nothing runs any more; others stay."""
    for group in groups:
        for _ in range(50):  # the kernel may still be busy with the last process
            try:
                os.rmdir(group)
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.01)
            else:
                _remove_empty(os.path.dirname(group))
                break


def _remove_empty(folder: str) -> None:
    """Remove the folder of an installation's groups if this was the last one."""
    if os.path.basename(folder).startswith("rsparkhub-"):
        try:
            os.rmdir(folder)
        except OSError:
            return


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""
