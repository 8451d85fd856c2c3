"""The firewall's table that keeps people's ports apart; `tests/walls` tries it with real sessions."""

import os
import shutil
from pathlib import Path

import pytest

from rsparkhub.backends.process import loopback
from rsparkhub.backends.process.cgroups import Tree
from rsparkhub.backends.process.loopback import Loopback, load, rules

NFT = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin")


def hybrid(folder: Path) -> Tree:
    """Return a tree that stands for a machine with both versions, in which nothing is limited."""
    for place in ("memory", "unified"):
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / place / "cgroup.procs").touch()
    own = folder / "own"
    own.write_text("1:memory:/\n0::/\n")
    return Tree("test", root=str(folder), own=str(own))


def test_each_session_refuses_all_people_but_its_own(tmp_path: Path) -> None:
    tree = hybrid(tmp_path)
    for name in ("aaaa.1", "bbbb.2", "cccc.1"):
        tree.make(name, memory=2**30, cpu=1)
    said = rules(tree, {"aaaa.1": 990, "bbbb.2": 991, "cccc.1": 990, "gone.1": 992})
    lines = [line.strip() for line in said.splitlines()]
    assert lines[:2] == ["table inet rsparkhub-test {}", "delete table inet rsparkhub-test"]
    assert 'socket cgroupv2 level 2 "unified/rsparkhub-test/bbbb.2" ct mark != 991 reject' in lines
    assert 'socket cgroupv2 level 2 "unified/rsparkhub-test/cccc.1" ct mark != 990 reject' in lines
    assert "gone" not in said


def test_in_version_2_the_group_that_limits_tells(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("memory")
    (tmp_path / "rsparkhub-test/aaaa.1").mkdir(parents=True)
    assert Tree("test", root=str(tmp_path)).socket_group("aaaa.1") == "rsparkhub-test/aaaa.1"


def test_when_no_session_is_left_neither_is_the_table(tmp_path: Path) -> None:
    assert rules(hybrid(tmp_path), {}) == "table inet rsparkhub-test {}\ndelete table inet rsparkhub-test\n"


def test_where_it_can_not_be_done_sessions_run_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tree = hybrid(tmp_path)
    tree.make("aaaa.1", memory=2**30, cpu=1)
    monkeypatch.setattr(loopback, "_PATH", str(tmp_path))
    Loopback(tree, {"aaaa.1": 990}.get).renew()
    assert "open to all of this machine: there is no nft" in caplog.text


@pytest.mark.skipif(os.geteuid() != 0 or NFT is None, reason="only root asks the kernel's firewall")
def test_what_the_kernel_refuses_is_said() -> None:
    assert load("table inet rsparkhub-test {} nonsense\n", check_only=True) is not None
