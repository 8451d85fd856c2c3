"""What is written beside what kernels saved, and read at the next start, also by a later version."""

import json
from pathlib import Path

import pytest

from rspark_contract.reading import Unreadable
from rspark_contract.saved import LostObject, SavedKernel
from rspark_session.jupyter.saved_state import KernelState, SavedState, SessionState, TerminalState

KERNEL = SavedKernel(
    id="aaaa", name="ir", language="R", path="a.ipynb", objects=2, bytes=90, lost=(LostObject(name="c", class_name="f", why="w"),)
)
STATE = SavedState(
    kernels=(KernelState(saved=KERNEL, folder="/home/ann/course"),),
    sessions=(SessionState(id="bbbb", path="a.ipynb", name="a.ipynb", type="notebook", kernel="aaaa"),),
    terminals=(TerminalState(name="1", folder=None),),
)
# As version 0.1.0 wrote it: a session that sleeps may be older than what wakes it.
FIRST = {
    "kernels": [
        {"id": "aaaa", "name": "ir", "language": "R", "path": "a.ipynb", "objects": 2, "bytes": 90}
        | {"lost": [{"name": "c", "class": "f", "why": "w"}], "cwd": "/home/ann/course"}
    ],
    "sessions": [{"id": "bbbb", "path": "a.ipynb", "name": "a.ipynb", "type": "notebook", "kernel": "aaaa"}],
    "terminals": [{"name": "1", "cwd": None}],
}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    STATE.write(tmp_path)
    assert SavedState.read(tmp_path) == STATE


def test_the_first_version_is_read_and_can_read_this_one(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps(FIRST))
    assert SavedState.read(tmp_path) == STATE
    STATE.write(tmp_path)
    assert json.loads((tmp_path / "state.json").read_text()) == FIRST


@pytest.mark.parametrize("text", ["", "half of", "[]", "{}", '{"kernels": [{}], "sessions": [], "terminals": []}'])
def test_what_can_not_be_read_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(Unreadable):
        SavedState.read(tmp_path)


def test_where_nothing_is_nothing_is_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SavedState.read(tmp_path)
