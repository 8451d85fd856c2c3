"""A log that does not grow without end."""

from pathlib import Path

from rsparkhub.installation.rotating_log import RotatingLog, last_line


def test_a_full_log_makes_room_and_the_oldest_goes(tmp_path: Path) -> None:
    with RotatingLog(tmp_path / "hub.log", most=10, keep=2) as log:
        for number in range(5):
            log.write(f"line {number}\n".encode())
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "hub.log": "line 4\n",
        "hub.log.1": "line 3\n",
        "hub.log.2": "line 2\n",
    }


def test_a_log_goes_on_where_the_last_run_left_it(tmp_path: Path) -> None:
    for text in (b"one\n", b"two\n"):
        with RotatingLog(tmp_path / "hub.log") as log:
            log.write(text)
    assert (tmp_path / "hub.log").read_text() == "one\ntwo\n"


def test_a_line_longer_than_the_log_is_kept(tmp_path: Path) -> None:
    with RotatingLog(tmp_path / "hub.log", most=4) as log:
        log.write(b"longer than four\n")
    assert (tmp_path / "hub.log").read_text() == "longer than four\n"


def test_the_last_line_is_the_last_that_says_something(tmp_path: Path) -> None:
    (tmp_path / "hub.log").write_text("first\nthe reason\n\n  \n")
    assert last_line(tmp_path / "hub.log") == "the reason"
    assert last_line(tmp_path / "absent.log") == ""
