"""CPU seconds of processes, read from /proc: nothing is asked of what is measured."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the user and system seconds of a process with all its threads; 0 for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


class Meter:
    """CPU seconds of named processes since it was made; a name may stand for several processes.

    A process that ended in between counts with what it had used when it was last read, so `read` once before a kill.
    """

    def __init__(self, processes: Mapping[str, Iterable[int]]) -> None:
        self._processes = {name: {pid: cpu_seconds(pid) for pid in pids} for name, pids in processes.items()}
        self._last = {pid: used for pids in self._processes.values() for pid, used in pids.items()}
        self._machine = _machine()

    def add(self, name: str, pid: int) -> None:
        """Count one more process from its birth: one that was started again."""
        self._processes[name].setdefault(pid, 0.0)

    def read(self) -> dict[str, float]:
        """Return the seconds used by each name."""
        for pids in self._processes.values():
            for pid in pids:
                self._last[pid] = max(self._last.get(pid, 0.0), cpu_seconds(pid))
        return {
            name: round(sum(self._last[pid] - before for pid, before in pids.items()), 3)
            for name, pids in self._processes.items()
        }

    def machine_busy(self) -> float:
        """Return the part of the whole machine that was busy, from 0 to 1."""
        busy, total = _machine()
        return (busy - self._machine[0]) / max(1, total - self._machine[1])


def _machine() -> tuple[int, int]:
    ticks = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
