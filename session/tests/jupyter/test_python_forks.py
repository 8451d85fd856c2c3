"""What code prints before it forks a process is shown once."""

from pathlib import Path

from session.tests.jupyter.odd_settings import kernel
from session.tests.jupyter.test_odd_python import COMMAND

FORKS = """
import os
for number in range(20):
    print("before", number)
    child = os.fork()
    if child == 0:
        print("inside", number, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_what_was_printed_before_a_fork_is_shown_once(tmp_path: Path) -> None:
    with kernel("python", COMMAND, tmp_path) as python:
        lines = python.shown(FORKS).splitlines()
    assert "inside 0" in lines
    assert [line for line in lines if line.startswith("before")] == [f"before {number}" for number in range(20)]
