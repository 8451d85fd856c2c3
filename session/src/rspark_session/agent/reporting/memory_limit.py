"""The limit of memory that the kernel keeps for a session, and how often it has ended something for that."""

from pathlib import Path

_TREE = Path("/sys/fs/cgroup")
_OURS = "/rsparkhub-"  # how the groups are called that the process backend makes


class MemoryLimit:
    """Reads the control group of this process, where it holds this session and nothing else: of version 1 or 2."""

    def __init__(self, *, tree: Path = _TREE, own: Path = Path("/proc/self/cgroup")) -> None:
        self._events = _events_file(tree, own)
        self._seen = self.kills()

    def kills(self) -> int:
        """Count what the kernel has killed since the session used all of its memory."""
        if self._events is None:
            return 0
        try:
            lines = self._events.read_text(encoding="ascii").splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

    def has_killed(self) -> bool:
        """Return whether it has killed something since the last call."""
        before, self._seen = self._seen, self.kills()
        return self._seen > before


def _events_file(tree: Path, own: Path) -> Path | None:
    try:
        lines = [line.split(":", 2) for line in own.read_text(encoding="utf-8").splitlines() if line.count(":") >= 2]
    except OSError:
        return None
    for _, kinds, path in lines:
        if kinds == "memory" and _OURS in path:
            return tree / "memory" / path.strip("/") / "memory.oom_control"
        if not kinds and (_OURS in path or path == "/"):  # a container sees its own group as the first
            file = tree / path.strip("/") / "memory.events"
            if file.exists():
                return file
    return None
