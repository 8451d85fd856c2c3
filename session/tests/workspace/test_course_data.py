"""Data of courses in a home: read-only copies of what is given, beside what is the person's own."""

import io
import json
from pathlib import Path
from typing import BinaryIO

import pytest

from rspark_contract.reading import Unreadable
from rspark_session.course_data import GivenFile, bring, read_list


class Given:
    """What courses give, as the hub has it."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.courses: dict[str, list[GivenFile]] = {}
        self.fetched: list[str] = []

    def give(self, group: str, path: str, content: bytes, *, size: int | None = None) -> None:
        name = f"f{len(self.content)}"
        self.content[name] = content
        files = [file for file in self.courses.get(group, []) if file.path != path]
        self.courses[group] = [*files, GivenFile(id=name, path=path, size=len(content) if size is None else size)]

    def fetch(self, group: str, file: str) -> BinaryIO:
        self.fetched.append(file)
        return io.BytesIO(self.content[file])

    def bring(self, home: Path) -> None:
        bring(home, self.courses, self.fetch)


@pytest.fixture
def given() -> Given:
    given = Given()
    given.give("stat101", "flights.csv", b"a,b\n")
    given.give("stat101", "week1/deep/lab.Rmd", b"1 + 1\n")
    return given


def test_what_a_course_gives_is_there_to_be_read(tmp_path: Path, given: Given) -> None:
    given.bring(tmp_path)
    data = tmp_path / "courses/stat101/data"
    assert (data / "week1/deep/lab.Rmd").read_bytes() == b"1 + 1\n"
    modes = [path.stat().st_mode & 0o777 for path in (data, data / "week1/deep", data / "flights.csv")]
    assert modes == [0o555, 0o555, 0o444]
    given.bring(tmp_path)
    assert given.fetched == ["f0", "f1"]  # nothing is fetched twice


def test_what_changes_is_replaced_and_what_goes_is_taken_away(tmp_path: Path, given: Given) -> None:
    given.bring(tmp_path)
    given.give("stat101", "flights.csv", b"a,b,c\n")
    given.courses["stat101"] = [file for file in given.courses["stat101"] if file.path == "flights.csv"]
    given.bring(tmp_path)
    data = tmp_path / "courses/stat101/data"
    assert (data / "flights.csv").read_bytes() == b"a,b,c\n"
    assert not (data / "week1").exists()
    (tmp_path / "courses/stat101/mine.txt").write_text("mine")
    given.courses.clear()
    given.bring(tmp_path)
    assert [path.name for path in (tmp_path / "courses/stat101").iterdir()] == ["mine.txt"]


def test_a_copy_that_was_deleted_comes_again(tmp_path: Path, given: Given) -> None:
    given.bring(tmp_path)
    data = tmp_path / "courses/stat101/data"
    data.chmod(0o755)
    (data / "flights.csv").unlink()
    given.bring(tmp_path)
    assert (data / "flights.csv").read_bytes() == b"a,b\n"


def test_what_is_the_persons_own_stays(tmp_path: Path, given: Given) -> None:
    data = tmp_path / "courses/stat101/data"
    data.mkdir(parents=True)
    (data / "flights.csv").write_text("my own")
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text("not theirs")
    (data / "week1").write_text("a file where a folder comes")
    given.give("stat101", "link.csv", b"1")
    (data / "link.csv").symlink_to(elsewhere)
    for _ in range(2):
        given.bring(tmp_path)
        assert (data / "flights.csv").read_text() == "my own"
        assert (data / "week1").read_text() == "a file where a folder comes"
        assert elsewhere.read_text() == "not theirs"
    given.courses.clear()
    given.bring(tmp_path)
    assert (data / "flights.csv").read_text() == "my own"


def test_what_does_not_come_whole_leaves_what_was_there(tmp_path: Path, given: Given) -> None:
    given.bring(tmp_path)
    given.give("stat101", "flights.csv", b"a,b", size=100)
    with pytest.raises(OSError, match="whole"):
        given.bring(tmp_path)
    data = tmp_path / "courses/stat101/data"
    assert (data / "flights.csv").read_bytes() == b"a,b\n"
    assert sorted(path.name for path in data.iterdir()) == [".files.json", "flights.csv", "week1"]


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../a", "a/../../b", ".Rprofile", "a//b", "a/.b", "a\n"])
def test_no_path_leads_out_of_the_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(Unreadable):
        GivenFile.parse({"id": "f0", "path": path, "size": 1})
    content = json.dumps({"courses": [{"group": "stat101", "data": [{"id": "f0", "path": path, "size": 1}]}]})
    assert read_list(content.encode()) == {"stat101": []}
    # Nor one that somebody wrote into the list of what is there.
    data = tmp_path / "home/courses/stat101/data"
    data.mkdir(parents=True)
    (tmp_path / "b").touch(mode=0o444)
    (data / ".files.json").write_text(json.dumps({path: "f0", "../../../../b": "f1"}))
    bring(tmp_path / "home", {}, lambda group, file: io.BytesIO())
    assert (tmp_path / "b").exists()
