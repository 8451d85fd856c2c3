"""Whom the kernel ends first when a session has used all of its memory: what works, then what serves it, and the agent last.

The kernel takes the largest, but also a small one that comes right after. Any process may make itself or its own more likely to
be taken (`oom_score_adj`), and what they start has the same.
"""

# ruff: noqa: PTH123  (loaded before the first process is started, where a Path costs too much)

from contextlib import suppress

SERVES, WORKS = 200, 500


def take_before_agent(pid: int, score: int) -> None:
    """Have a process, and what it starts from now on, taken before all whose score is lower."""
    # It may have ended, or run as another account.
    with suppress(OSError), open(f"/proc/{pid}/oom_score_adj", "w", encoding="ascii") as file:
        file.write(str(score))
