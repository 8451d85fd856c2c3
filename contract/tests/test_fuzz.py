"""Coverage-guided fuzzing of what reads a session's reports, for a minute."""

import subprocess
import sys
from pathlib import Path

import pytest

_SECONDS = 60


@pytest.mark.long
def test_no_bytes_break_what_reads_them(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this machine")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    target = Path(__file__).with_name("fuzz_reports.py")
    done = subprocess.run(
        [sys.executable, str(target), str(corpus), f"-max_total_time={_SECONDS}", "-max_len=65536", "-rss_limit_mb=2048"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=4 * _SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "Done " in done.stderr
