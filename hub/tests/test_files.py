"""Files are there whole or not at all, and for their owner alone."""

import stat
from pathlib import Path

import pytest

from rsparkhub.files import write_whole


def test_a_file_is_written_whole_and_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "cli.json"
    file.write_text("old")
    file.chmod(0o644)
    write_whole(file, "new")
    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_what_can_not_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "cli.json"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(file, "\udc80")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
