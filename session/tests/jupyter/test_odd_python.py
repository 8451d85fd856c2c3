"""Whatever a person makes of Python's settings and names, its kernel answers and completes, and is kept over a sleep."""

from pathlib import Path

import pytest
from session.tests.jupyter.odd_settings import PYTHON, kernel
from session.tests.places import CHECKOUT, session_python

COMMAND = [session_python(), str(CHECKOUT / "session/src/rspark_session/jupyter/python_kernel.py"), "-f"]


@pytest.mark.long
@pytest.mark.parametrize("odd", PYTHON)
def test_it_answers_and_is_kept(tmp_path: Path, odd: str) -> None:
    work, kept = tmp_path / "work", tmp_path / "kept"
    work.mkdir()
    with kernel("python", COMMAND, work) as python:
        python.shown("before = 41\ndef more(): return before + 1")
        python.shown(odd)
        assert python.shown("before + 1") == "42"
        assert "before" in python.completions("befo")
        python.save(kept)
        assert python.shown("before + 1") == "42"
        assert "before" in python.completions("befo")
    with kernel("python", COMMAND, work) as python:
        python.restore(kept)
        assert python.shown("more()") == "42"
