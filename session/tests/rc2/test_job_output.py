"""What a job's output says: how far it is, and where it failed."""

from pathlib import PurePosixPath

import pytest

from rspark_session.rc2.job_output import without_rewritten
from rspark_session.rc2.job_place import failed_at
from rspark_session.rc2.job_progress import Progress, ProgressReader

R_BAR = "\r  |                 |   0%\r                         \r  |======           |  33%"


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([R_BAR], Progress(0.33)),
        ([R_BAR[:40], R_BAR[40:]], Progress(0.33)),
        ([f"{R_BAR}\n[1] 17\n"], Progress(0.33)),
        (["\r  |.....    |  67% (two)  "], Progress(0.67, "two")),
        (["\rfitting \x1b[32m■■■■\x1b[39m       25% | ETA:  1s\r"], Progress(0.25)),
        ([" 40%|████      | 2/5 [00:01<00:02]\r"], Progress(0.4)),
        (["\r100.0% done"], Progress(1.0)),
        (["1/5\n2/5 [cars]\n"], Progress(0.2, "2 of 5: cars")),
        (["3/4                  \n"], Progress(0.5, "3 of 4")),
        (["90% of the people said so\n"], None),  # a result, and no progress
        (["\r\n2026-11-28 100.5%\n"], None),
        (["5/4\n0/4\n1/2/3\n"], None),
        (["\r\r\n", ""], None),
        (["x" * 10**6, "\r 50%"], Progress(0.5)),
    ],
)
def test_progress(pieces: list[str], expected: Progress | None) -> None:
    reader = ProgressReader()
    found = [progress for piece in pieces if (progress := reader.take(piece)) is not None]
    assert (found[-1] if found else None) == expected


@pytest.mark.parametrize(
    ("file", "output", "line"),
    [
        ("a.R", "At a.R, line 4:\nError in f(3) : bad\nExecution halted\n", 4),
        ("a.R", "At a.R, line 4:\nAt a.R, line 2:\n", 2),
        ("a.R", "At b.R, line 4:\n", None),
        ("d.Rmd", "  100% (three)Quitting from lines 16-17 (d.Rmd) \nError\n", 16),
        ("d.Rmd", "Quitting from lines 16-17 [three] (d.Rmd)\n", 16),
        ("d.qmd", "Quitting from d.qmd:21-23 [plot]\n", 21),
        (
            "p.py",
            '  File "/home/ann/p.py", line 9, in <module>\n  File "/home/ann/p.py", line 3, in f\n  File "/usr/x.py", line 30\n',
            3,
        ),
        ("p.py", '  File "/home/ann/p.py", line 2\n    x = = 1\n', 2),
        ("s.sh", "s.sh: line 12: nothing: command not found\n", 12),
        ("s.sh", "all is well\n", None),
    ],
)
def test_place(file: str, output: str, line: int | None) -> None:
    assert failed_at(output, PurePosixPath("work", file)) == line


@pytest.mark.parametrize(
    ("printed", "recorded"),
    [
        ("one\ntwo\n", "one\ntwo\n"),
        ("one\r\ntwo\r\nthree\r\nfour\r\n", "one\r\ntwo\r\nthree\r\nfour\r\n"),
        ("\r 1%\r    \r 2%\r    \r 3%", "\r\x1b[2K    \r 3%"),
        ("a\n\r 1%\r 2%\r 3%\r\nb\r", "a\n\r\x1b[2K 3%\r\nb\r"),
        ("x" * 2**22 + "\r\r\r", "\r\x1b[2K\r"),
    ],
)
def test_of_a_line_that_is_rewritten_its_last_state_is_recorded(printed: str, recorded: str) -> None:
    assert without_rewritten(printed) == recorded
