"""What is known of processes, also where the kernel lists no children."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rspark_session.processes import tree


@pytest.fixture
def child(tmp_path: Path) -> Iterator[int]:
    """A process that works in a folder of its own, and has a child."""
    code = "import subprocess; child = subprocess.Popen(['sleep', '60']); print(child.pid, flush=True); child.wait()"
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        grandchild = int(process.stdout.readline())
        yield process.pid
        os.kill(grandchild, 9)


@pytest.mark.parametrize("lists_children", [True, False])
def test_descendants_are_found(child: int, lists_children: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if lists_children and not tree._LISTS_CHILDREN:
        return  # this kernel has no such list: the other way is all that there is
    monkeypatch.setattr(tree, "_LISTS_CHILDREN", lists_children)
    [grandchild] = tree.children(child)
    assert list(tree.walk(child)) == [child, grandchild]
    assert tree.walk(child)[grandchild].name == "sleep"


def test_a_process_works_in_a_folder(child: int, tmp_path: Path) -> None:
    assert tree.working_folder(child) == str(tmp_path)


def test_nothing_is_known_of_a_process_that_is_gone() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert tree.read(gone.pid) is None
    assert tree.children(gone.pid) == []
    assert tree.working_folder(gone.pid) is None
