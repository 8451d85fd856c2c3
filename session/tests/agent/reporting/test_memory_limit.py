"""How a session learns that the kernel ended something for want of memory, in both versions of control groups."""

from pathlib import Path

import pytest

from rspark_session.agent.reporting.memory_limit import MemoryLimit


@pytest.mark.parametrize(
    ("own", "events"),
    [
        ("4:memory:/x/rsparkhub-1/a.1\n3:cpu:/\n0::/\n", "memory/x/rsparkhub-1/a.1/memory.oom_control"),
        ("0::/rsparkhub-1/a.1\n", "rsparkhub-1/a.1/memory.events"),
        ("0::/\n", "memory.events"),
    ],
)
def test_each_kill_is_noticed_once(tmp_path: Path, own: str, events: str) -> None:
    (tmp_path / "own").write_text(own)
    file = tmp_path / events
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("under_oom 0\noom_kill 0\n")
    limit = MemoryLimit(tree=tmp_path, own=tmp_path / "own")
    assert not limit.has_killed()
    file.write_text("under_oom 0\noom_kill 2\n")
    assert limit.has_killed()
    assert not limit.has_killed()


@pytest.mark.parametrize("own", ["4:memory:/user.slice\n0::/user.slice/session-1.scope\n", "", "nonsense\n"])
def test_what_others_are_in_too_says_nothing_of_this_session(tmp_path: Path, own: str) -> None:
    (tmp_path / "own").write_text(own)
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.oom_control").write_text("oom_kill 7\n")
    assert MemoryLimit(tree=tmp_path, own=tmp_path / "own").kills() == 0
