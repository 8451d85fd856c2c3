"""How much memory and CPU the whole ensemble uses, cheaply: fifty sessions that rest must cost next to nothing.

When the agent is the first process of its own control group (in a container), the kernel has the sums already.
Elsewhere the process tree is walked; the exact but slow measure of memory is only taken again where a process changed.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from rspark_session.processes import tree
from rspark_session.processes.tree import Process


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One measurement. `rates` gives the cores that each process used since the one before, where it was there then."""

    memory: int
    cpu: float
    processes: dict[int, Process]
    rates: dict[int, float]


class Meter:
    """Measures the tree below `root`, itself included."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._group = _own_control_group()
        self._before: dict[tuple[int, int], float] = {}
        self._at: float | None = None
        self._exact: dict[tuple[int, int], tuple[int, int]] = {}  # process → (rss then, proportional memory)

    def sample(self) -> Sample:
        """Measure now; rates are since the last call."""
        processes = tree.walk(self._root)
        now = time.monotonic()
        cpu_now = {(process.pid, process.started): process.cpu for process in processes.values()}
        rates: dict[int, float] = {}
        if self._at is not None:
            passed = max(now - self._at, 1e-3)
            for (pid, started), cpu in cpu_now.items():
                rates[pid] = max(cpu - self._before.get((pid, started), 0.0), 0.0) / passed
        self._before, self._at = cpu_now, now
        memory = self._group_memory() if self._group else self._tree_memory(processes)
        return Sample(memory=memory, cpu=sum(rates.values()), processes=processes, rates=rates)

    def _tree_memory(self, processes: dict[int, Process]) -> int:
        exact: dict[tuple[int, int], tuple[int, int]] = {}
        for process in processes.values():
            known = self._exact.get((process.pid, process.started))
            if known is None or abs(process.rss - known[0]) > known[0] // 16:
                measured = tree.proportional_memory(process.pid)
                known = (process.rss, process.rss if measured is None else measured)
            exact[process.pid, process.started] = known
        self._exact = exact
        return sum(memory for _, memory in exact.values())

    def _group_memory(self) -> int:
        assert self._group is not None
        used = int((self._group / "memory.current").read_text())
        for line in (self._group / "memory.stat").read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == "inactive_file":  # a cache that the kernel gives up first is no use of memory
                return max(used - int(value), 0)
        return used


def _own_control_group() -> Path | None:
    """Return the folder of the control group (version 2) that holds this ensemble and nothing else."""
    if os.getpid() != 1:
        return None
    try:
        line = Path("/proc/self/cgroup").read_text(encoding="ascii").strip()
    except OSError:
        return None
    group = Path("/sys/fs/cgroup") / line.removeprefix("0::/")
    return group if line.startswith("0::") and (group / "memory.current").exists() else None
