"""A command of ours runs by the session's Python, also where R calls it."""

import subprocess
from pathlib import Path

import pytest

from rspark_session.processes.script import python_script


@pytest.mark.parametrize("ours", [None, "/opt/libraries of ours"])
def test_what_a_caller_says_of_shared_libraries_is_not_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: str | None
) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    if ours is not None:
        monkeypatch.setenv("LD_LIBRARY_PATH", ours)
    monkeypatch.setattr("sys.executable", str(tmp_path / "a python"))
    (tmp_path / "a python").write_text('#!/bin/sh\necho "${LD_LIBRARY_PATH-unset}: $*"\n')
    (tmp_path / "a python").chmod(0o755)
    command = tmp_path / "command"
    command.write_text(python_script("some.module", "jar"))
    command.chmod(0o755)
    environ = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": "/usr/lib/R"}
    said = subprocess.run([command, "word"], env=environ, capture_output=True, text=True, check=True).stdout
    assert said == f"{ours or 'unset'}: -I -m some.module jar word\n"
