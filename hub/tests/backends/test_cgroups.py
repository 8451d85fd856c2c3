"""Limits that the kernel keeps: with real control groups where this machine has version 1, as root.

Version 2 is tested on a stand-in: a folder with the files that the kernel documents (admin-guide/cgroup-v2.rst), which keeps no
limit.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from session_sandbox import agent_of, make_spec, members_of, until

from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.process import cgroups
from rsparkhub.backends.process.backend import ProcessBackend
from rsparkhub.backends.process.cgroups import Tree
from rsparkhub.backends.process.observation import OWN_MEMORY
from rsparkhub.backends.process.run_folder import RunFolder
from rsparkhub.domain.quantity import ByteSize

REF = EnsembleRef("aaaa", 1)
MIB = 2**20
real = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes control groups")


@pytest.fixture
def groups() -> Iterator[list[str]]:
    made = Tree("walls-test").make(f"x.{os.getpid()}", memory=64 * MIB, cpu=0.5)
    yield made
    cgroups.kill(made, 10)
    cgroups.remove(made)
    assert not any(Path(group).exists() for group in made)


def run_in(groups: list[str], program: str) -> "subprocess.CompletedProcess[str]":
    """Run a program of Python in the groups."""
    join = "".join(f"open({path!r}, 'w').write('0')\n" for path in cgroups.join_files(groups))
    return subprocess.run([sys.executable, "-c", join + program], capture_output=True, text=True, timeout=60, check=False)


@real
class TestOnThisMachine:
    def test_what_uses_more_memory_is_killed_and_counted(self, groups: list[str]) -> None:
        assert run_in(groups, "bytearray(20 << 20)").returncode == 0
        assert cgroups.memory_kills(groups) == 0
        assert run_in(groups, "bytearray(200 << 20)").returncode == -9
        assert cgroups.memory_kills(groups) == 1

    def test_no_bomb_takes_the_machine_along(self, groups: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        waits = "os.close(1); os.close(2); os.read(os.pipe()[0], 1)"
        bomb = f"import os\nfor n in range(10_000):\n    if os.fork() == 0:\n        {waits}\n"
        for group in groups:
            if (file := Path(group, "pids.max")).exists():
                assert file.read_text() == f"{cgroups.PROCESSES}\n"
                file.write_text("50")
        done = run_in(groups, bomb)
        assert "Resource temporarily unavailable" in done.stderr

    def test_half_a_core_is_half_a_core(self, groups: list[str]) -> None:
        spin = "import time\nb = time.monotonic(); c = time.process_time()\nwhile time.monotonic() - b < 1.5: pass\n"
        done = run_in(groups, f"{spin}print((time.process_time() - c) / 1.5)")
        assert float(done.stdout) < 0.75

    def test_all_of_a_group_is_killed(self, groups: list[str]) -> None:
        join = "".join(f"echo 0 > {path};" for path in cgroups.join_files(groups))
        process = subprocess.Popen(["sh", "-c", f"{join} setsid env -i sleep 1000 & exec sleep 1000"])
        while len(cgroups.members(groups)) < 2:
            assert process.poll() is None
        assert cgroups.kill(groups, 10)
        assert process.wait() == -9

    async def test_a_session_that_uses_all_of_its_memory_says_so(self, data: Path, notify_dir: Path, tmp_path: Path) -> None:
        program = tmp_path / "hungry"
        program.write_text(f"#!/bin/sh\nexec {sys.executable} -I -S -c 'bytearray(300 << 20)'\n")
        program.chmod(0o755)
        backend = ProcessBackend(data=data, notify_dir=notify_dir, python=program)
        await backend.apply(make_spec(memory=ByteSize(64 * MIB)))
        ended = await until(backend, REF, lambda o: o.phase == "ended")
        assert (ended.signal, ended.reason) == (9, OWN_MEMORY)
        await backend.aclose()

    async def test_a_session_has_its_limits_and_leaves_none(self, backend: ProcessBackend, data: Path) -> None:
        await backend.apply(make_spec(memory=ByteSize(512 * MIB), cpu=2.0))
        await until(backend, REF, lambda o: o.phase == "up")
        groups = RunFolder(data / "sessions", REF).groups()
        assert agent_of(data).pid in cgroups.members(groups)
        told = "".join(
            Path(file).read_text()
            for group in groups
            for file in Path(group).glob("memory.*")
            if "max" in file.name or "limit" in file.name
        )
        assert str(512 * MIB) in told
        await backend.kill(REF)
        assert members_of(data, "aaaa.1") == []
        assert not any(Path(group).exists() for group in groups)

    async def test_what_hides_from_every_look_ends_with_its_session(self, backend: ProcessBackend, data: Path) -> None:
        await backend.apply(make_spec())
        await until(backend, REF, lambda o: o.phase == "up")
        groups = RunFolder(data / "sessions", REF).groups()
        hidden = subprocess.Popen(["sleep", "1000"], env={})
        for file in cgroups.join_files(groups):
            Path(file).write_text(str(hidden.pid))
        await backend.kill(REF)
        assert hidden.wait(10) == -9


class TestVersion2OnAStandIn:
    @pytest.fixture
    def tree(self, tmp_path: Path) -> Path:
        (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
        (tmp_path / "cgroup.subtree_control").write_text("")
        (tmp_path / "cgroup.procs").write_text("1\n")
        return tmp_path

    def test_one_group_has_all_limits(self, tree: Path) -> None:
        (group,) = Tree("1234", root=str(tree)).make("aaaa.1", memory=256 * MIB, cpu=1.5)
        assert Path(group) == tree / "rsparkhub-1234" / "aaaa.1"
        assert {path.name: path.read_text() for path in Path(group).iterdir()} == {
            "memory.max": str(256 * MIB), "cpu.max": "150000 100000", "pids.max": str(cgroups.PROCESSES),
        }  # fmt: skip
        for folder in (tree, tree / "rsparkhub-1234"):
            assert (folder / "cgroup.subtree_control").read_text() == "+pids", "the stand-in keeps what was written last"

    def test_what_was_killed_is_counted(self, tmp_path: Path) -> None:
        (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n")
        assert cgroups.memory_kills([str(tmp_path)]) == 2

    def test_where_nothing_is_allowed_it_is_an_error(self, tree: Path) -> None:
        (tree / "cgroup.subtree_control").unlink()
        (tree / "cgroup.subtree_control").mkdir()
        with pytest.raises(PermissionError, match="no limits"):
            Tree("1234", root=str(tree)).make("aaaa.1", memory=MIB, cpu=1)

    def test_what_the_kernel_does_not_have_is_left_out(self, tree: Path) -> None:
        (tree / "cgroup.controllers").write_text("cpu memory\n")
        assert Tree("1234", root=str(tree)).kinds() == ("memory", "cpu")


def test_a_machine_without_any_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no control groups"):
        Tree("1234", root=str(tmp_path)).make("aaaa.1", memory=MIB, cpu=1)
    assert list(tmp_path.iterdir()) == []


def test_version_1_stays_below_what_limits_this_process(tmp_path: Path) -> None:
    for kind in cgroups.KINDS:
        (tmp_path / kind / "docker" / "abc").mkdir(parents=True)
        (tmp_path / kind / "cgroup.procs").write_text("")
    own = tmp_path / "own"
    own.write_text("5:pids:/docker/abc\n4:memory:/docker/abc\n3:cpu,cpuacct:/elsewhere\n0::/\n")
    made = Tree("1", root=str(tmp_path), own=str(own)).make("aaaa.1", memory=MIB, cpu=1)
    assert [str(Path(group).relative_to(tmp_path)) for group in made] == [
        "memory/docker/abc/rsparkhub-1/aaaa.1", "cpu/rsparkhub-1/aaaa.1", "pids/docker/abc/rsparkhub-1/aaaa.1",
    ]  # fmt: skip
