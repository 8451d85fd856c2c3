"""Whatever a person makes of R's settings and names, its kernel answers and completes, and is kept over a sleep."""

from pathlib import Path

import pytest
from session.tests.jupyter.odd_settings import R, kernel

from rspark_session.jupyter import kernelspecs


@pytest.mark.long
@pytest.mark.parametrize("odd", R)
def test_it_answers_and_is_kept(tmp_path: Path, r_library: Path, odd: str) -> None:
    work, kept = tmp_path / "work", tmp_path / "kept"
    work.mkdir()
    command = list(kernelspecs.available()["r"].command)
    environ = {"R_LIBS": str(r_library), "R_PROFILE_USER": "/dev/null"}
    with kernel("R", command, work, **environ) as r:
        r.shown("before <- 41; more <- function() before + 1")
        r.shown(odd)
        r.shown("while (sink.number()) sink()")
        assert r.shown("before + 1") == "[1] 42"
        assert "before" in r.completions("befo")
        r.save(kept)
        assert r.shown("before + 1") == "[1] 42"
        assert "before" in r.completions("befo")
    with kernel("R", command, work, **environ) as r:
        r.restore(kept)
        assert r.shown("more()") == "[1] 42"


def test_what_a_warning_left_is_there_after_a_sleep(tmp_path: Path, r_library: Path) -> None:
    command = list(kernelspecs.available()["r"].command)
    environ = {"R_LIBS": str(r_library), "R_PROFILE_USER": "/dev/null"}
    with kernel("R", command, tmp_path, **environ) as r:
        r.shown("warning('once'); 6 * 7")
        r.save(tmp_path / "kept")
    with kernel("R", command, tmp_path, **environ) as r:
        r.restore(tmp_path / "kept")
        assert "once" in r.shown("print(warnings())")
