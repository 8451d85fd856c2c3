"""Where the log of a session is, and what is removed of others."""

import os
import time
from pathlib import Path

from rspark_session.rc2 import place

MONTHS_AGO = time.time() - 100 * 86400.0


def left(home: Path, session: str) -> Path:
    """A session's folder that was opened months ago, and what it wrote then."""
    folder = place.folder(home, session)
    events = folder / "events" / "000000000000001.jsonl"
    events.parent.mkdir()
    events.write_text("{}")
    for path in (events, events.parent, folder):
        os.utime(path, (MONTHS_AGO, MONTHS_AGO))
    return folder


def test_what_nobody_has_used_for_a_month_is_removed(tmp_path: Path) -> None:
    old = left(tmp_path, "old")
    assert place.folder(tmp_path, "new").is_dir()
    assert not old.exists()


def test_a_session_that_has_run_for_months_keeps_its_log(tmp_path: Path) -> None:
    old = left(tmp_path, "old")
    os.utime(old / "events" / "000000000000001.jsonl")  # something happens in it
    place.folder(tmp_path, "new")
    assert (old / "events" / "000000000000001.jsonl").is_file()


def test_a_session_stays_in_its_folder_whatever_it_is_called(tmp_path: Path) -> None:
    assert place.folder(tmp_path, "../../etc").parent == place.folder(tmp_path, "a").parent
