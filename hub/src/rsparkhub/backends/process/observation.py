"""What is seen of one generation from its files and from the kernel, without asking anybody."""

import os
from pathlib import Path

from rspark_contract.status import AgentStatus
from rsparkhub.backends.process import proc
from rsparkhub.backends.process.run_folder import Exit, RunFolder, Shim
from rsparkhub.domain.ensemble import Observed, phase_of

RESTARTED = "This machine restarted while it ran."
MEMORY = "The system ended it because this machine ran out of memory."
OWN_MEMORY = "The system ended it because it used all of the memory that it may have."
NO_AGENT = (
    "The Python for sessions lacks RSparkHub's agent. Run `make up` again, or set RSPARKHUB_SESSION_PYTHON to one that has it."
)
DID_NOT_BEGIN = "What runs a session could not start."


class Statuses:
    """Reads the agents' status files, each only when it has changed; an address that is not on this machine is none."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[tuple[int, int, int], AgentStatus | None]] = {}

    def of(self, folder: RunFolder) -> AgentStatus | None:
        path = folder.path / "status.json"
        try:
            found = os.lstat(path)
        except OSError:
            self._read.pop(path, None)
            return None
        mark = (found.st_mtime_ns, found.st_ino, found.st_size)
        known = self._read.get(path)
        if known is None or known[0] != mark:
            known = self._read[path] = (mark, folder.status())
        return known[1]

    def forget(self, folder: RunFolder) -> None:
        self._read.pop(folder.path / "status.json", None)


def look(folder: RunFolder, statuses: Statuses) -> Observed:
    """Return what became of a generation."""
    left = folder.exit()
    if left is not None:
        return _ended(folder, statuses.of(folder), left)
    shim = folder.shim()
    if shim is None:
        return Observed(phase="starting" if folder.locked() else "absent")
    if shim.boot_id != proc.boot_id():
        return Observed(phase="ended", status=statuses.of(folder), record=folder.record(), reason=RESTARTED)
    status = statuses.of(folder)
    if shim.process.alive():
        return Observed(phase=phase_of(status) if status else "starting", status=status)
    if shim.agent is not None and shim.agent.alive():  # told by its parent's end to save and end
        return Observed(phase="ending", status=status)
    left = folder.exit()  # the shim may have ended in order since the first look
    return _ended(folder, status, left) if left else _lost(folder, status, shim)


def _ended(folder: RunFolder, status: AgentStatus | None, left: Exit) -> Observed:
    record = folder.record()
    reason = None
    if record is None:
        reason = (OWN_MEMORY if left.has_limit else MEMORY) if left.memory_ran_out else _unbegun(folder, status, left)
    detail = folder.last_line("agent") if left.code != 0 else None
    return Observed(phase="ended", status=status, record=record, code=left.code, signal=left.signal, reason=reason, detail=detail)


def _unbegun(folder: RunFolder, status: AgentStatus | None, left: Exit) -> str | None:
    """Return why an agent ended that has never reported anything."""
    if status is not None or not left.code:
        return None
    return NO_AGENT if "No module named" in (folder.last_line("agent") or "") else DID_NOT_BEGIN


def _lost(folder: RunFolder, status: AgentStatus | None, shim: Shim) -> Observed:
    detail = f"The shim (process {shim.process.pid}) was killed."
    return Observed(phase="ended", status=status, record=folder.record(), detail=detail)
