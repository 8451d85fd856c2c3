"""Where a process stands among those of its terminal: its group, its session, and the group in the terminal's foreground."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Standing:
    """What /proc says of a process; `terminal` is false where it has none, and `foreground` is -1 then."""

    stopped: bool
    group: int
    session: int
    terminal: bool
    foreground: int


def read(pid: int) -> Standing | None:
    """Read where a process stands; None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return Standing(
        stopped=fields[0] in "Tt",
        group=int(fields[2]),
        session=int(fields[3]),
        terminal=fields[4] != "0",
        foreground=int(fields[5]),
    )
