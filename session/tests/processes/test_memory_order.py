"""Whom the kernel ends first: a process is more likely than the agent, and what it starts is as likely."""

import os
from pathlib import Path

from rspark_session.processes import memory_order
from rspark_session.processes.launch import launch


def test_what_the_agent_launches_is_taken_before_it(tmp_path: Path) -> None:
    started = launch(["sleep", "100"], environ=os.environ, folder=tmp_path)
    try:
        score = int(Path(f"/proc/{started.pid}/oom_score_adj").read_text())
        assert score == memory_order.SERVES
        assert score > int(Path("/proc/self/oom_score_adj").read_text())
        memory_order.take_before_agent(started.pid, memory_order.WORKS)
        assert int(Path(f"/proc/{started.pid}/oom_score_adj").read_text()) == memory_order.WORKS > memory_order.SERVES
    finally:
        os.kill(started.pid, 9)
        os.waitpid(started.pid, 0)
        os.close(started.output)


def test_one_that_has_ended_is_no_error() -> None:
    memory_order.take_before_agent(2**22 - 1, memory_order.WORKS)
