"""A process by more than its pid, which the kernel gives again to another one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, kw_only=True)
class ProcessMark:
    """A process: its pid, when it started (field 22 of `/proc/PID/stat`, in ticks since the boot), and which boot it was."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Mark a process that runs; None when it is gone."""
        started = _started(pid)
        return None if started is None else cls(pid=pid, started=started, boot=_boot())

    def is_alive(self) -> bool:
        """Whether that very process still runs."""
        return _started(self.pid) == self.started and _boot() == self.boot


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _started(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the command before it may hold spaces and brackets
    return None if fields[0] in "ZX" else int(fields[19])
