"""Data of courses in a home: read-only copies of what is given, beside what is the person's own."""

import json
import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rspark_contract.reading import Unreadable
from rspark_session.course_data import NOTE, Hub, bring, keep, read_list
from rspark_session.course_folder import GivenFile, LeftOut

LONG = f"{'x' * 300}.csv"


class Given:
    """What courses give, as the hub has it."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.courses: dict[str, list[GivenFile]] = {}
        self.fetched: list[str] = []
        self.before: Callable[[str], None] = lambda file: None  # what happens in the middle of a file

    def give(self, group: str, path: str, content: bytes, *, size: int | None = None) -> None:
        name = f"f{len(self.content)}"
        self.content[name] = content
        files = [file for file in self.courses.get(group, []) if file.path != path]
        self.courses[group] = [*files, GivenFile(id=name, path=path, size=len(content) if size is None else size)]

    def fetch(self, group: str, file: str) -> Iterator[bytes]:
        self.fetched.append(file)
        if file not in self.content:
            raise LeftOut("The hub did not send it.")
        half = len(self.content[file]) // 2
        yield self.content[file][:half]
        self.before(file)
        yield self.content[file][half:]

    def bring(self, home: Path) -> dict[str, str]:
        return bring(home, self.courses, self.fetch)


@pytest.fixture
def given() -> Given:
    given = Given()
    given.give("stat101", "flights.csv", b"a,b\n")
    given.give("stat101", "week1/deep/lab.Rmd", b"1 + 1\n")
    return given


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "courses/stat101/data"


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o777


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def stamps(top: Path) -> dict[Path, tuple[int, int, int]]:
    found = {path: path.lstat() for path in top.rglob("*")}
    return {path: (each.st_ino, each.st_mtime_ns, each.st_ctime_ns) for path, each in found.items()}


def test_what_a_course_gives_is_there_to_be_read_and_its_folders_can_be_deleted(tmp_path: Path, data: Path, given: Given) -> None:
    assert given.bring(tmp_path) == {}
    assert (data / "week1/deep/lab.Rmd").read_bytes() == b"1 + 1\n"
    assert [mode(path) for path in (data, data / "week1/deep", data / "flights.csv")] == [0o755, 0o755, 0o444]
    before = stamps(tmp_path)
    given.bring(tmp_path)
    assert given.fetched == ["f0", "f1"]  # nothing is fetched twice
    assert stamps(tmp_path) == before  # nor written


def test_what_changes_is_replaced_and_what_goes_is_taken_away(tmp_path: Path, data: Path, given: Given) -> None:
    given.bring(tmp_path)
    given.give("stat101", "flights.csv", b"a,b,c\n")
    given.courses["stat101"] = [file for file in given.courses["stat101"] if file.path == "flights.csv"]
    given.bring(tmp_path)
    assert (data / "flights.csv").read_bytes() == b"a,b,c\n"
    assert names(data) == ["flights.csv"]
    (tmp_path / "courses/stat101/mine.txt").write_text("mine")
    given.courses.clear()
    given.bring(tmp_path)
    assert names(tmp_path / "courses/stat101") == ["mine.txt"]


def test_a_copy_that_was_deleted_comes_again(tmp_path: Path, data: Path, given: Given) -> None:
    given.bring(tmp_path)
    (data / "flights.csv").unlink()
    given.bring(tmp_path)
    assert (data / "flights.csv").read_bytes() == b"a,b\n"


def test_what_is_the_persons_own_stays_and_they_are_told(tmp_path: Path, data: Path, given: Given) -> None:
    data.mkdir(parents=True)
    (data / "flights.csv").write_text("my own")
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text("not theirs")
    (data / "week1").write_text("a file where a folder comes")
    given.give("stat101", "link.csv", b"1")
    (data / "link.csv").symlink_to(elsewhere)
    for _ in range(2):
        left_out = given.bring(tmp_path)
        assert (data / "flights.csv").read_text() == "my own"
        assert (data / "week1").read_text() == "a file where a folder comes"
        assert elsewhere.read_text() == "not theirs"
    assert given.fetched == []
    a_file = "You have something else called courses/stat101/data/week1. Rename it, and the data come."
    something = "You have something else of this name there. Rename yours, and the one of the course comes."
    assert left_out == {
        "stat101/data/flights.csv": something,
        "stat101/data/link.csv": something,
        "stat101/data/week1/deep/lab.Rmd": a_file,
    }
    assert f"stat101/data/link.csv: {something}\n" in (tmp_path / "courses" / NOTE).read_text()
    given.courses.clear()
    given.bring(tmp_path)
    assert (data / "flights.csv").read_text() == "my own"
    assert not (tmp_path / "courses" / NOTE).exists()


def test_a_copy_that_the_person_changed_is_kept_beside_a_new_version(tmp_path: Path, data: Path, given: Given) -> None:
    given.bring(tmp_path)
    for number in range(2):
        (data / "flights.csv").chmod(0o644)
        (data / "flights.csv").write_text(f"mine {number}")
        assert given.bring(tmp_path) == {}
        assert (data / "flights.csv").read_text() == f"mine {number}"  # until the course changes it
        given.give("stat101", "flights.csv", b"new %d" % number)
        assert given.bring(tmp_path) == {}
    (data / "flights.csv").chmod(0o600)  # which changes nothing of it
    given.give("stat101", "flights.csv", b"newest")
    given.bring(tmp_path)
    found = {name: (data / name).read_text() for name in names(data) if name != "week1"}
    assert found == {"flights (yours).csv": "mine 0", "flights (yours 2).csv": "mine 1", "flights.csv": "newest"}
    (data / "week1/deep/lab.Rmd").unlink()
    (data / "week1/deep/lab.Rmd").write_text("mine")
    given.courses.clear()
    given.bring(tmp_path)
    assert (data / "week1/deep/lab.Rmd").read_text() == "mine"
    assert names(data) == ["flights (yours 2).csv", "flights (yours).csv", "week1"]


def test_copies_of_which_the_list_knows_nothing_are_known_by_what_is_in_them(tmp_path: Path, data: Path, given: Given) -> None:
    given.bring(tmp_path)
    (data / ".files.json").unlink()
    (data / "flights.csv").unlink()
    (data / "flights.csv").write_text("another one, read-only")
    (data / "flights.csv").chmod(0o444)
    assert given.bring(tmp_path) == {}
    assert names(data) == ["flights (yours).csv", "flights.csv", "week1"]
    assert names(data / "week1/deep") == ["lab.Rmd"]


@pytest.mark.parametrize("size", [3, 100])
def test_what_does_not_come_whole_leaves_what_was_there(tmp_path: Path, data: Path, given: Given, size: int) -> None:
    given.bring(tmp_path)
    given.give("stat101", "flights.csv", b"a,b,c,d", size=size)
    given.give("stat101", "later.csv", b"1")
    assert given.bring(tmp_path) == {"stat101/data/flights.csv": "It did not come whole. It is tried again."}
    assert (data / "flights.csv").read_bytes() == b"a,b\n"
    assert sorted(path.name for path in data.iterdir()) == [".files.json", "flights.csv", "later.csv", "week1"]


def test_one_obstacle_keeps_nothing_else_from_coming(tmp_path: Path, data: Path, given: Given) -> None:
    courses = tmp_path / "courses"
    courses.mkdir()
    (courses / "aaa").write_text("a file of the student's")
    given.give("aaa", "a.csv", b"1")
    given.give("bbb", LONG, b"1")
    given.give("bbb", f"{LONG}/a", b"1")
    given.courses["bbb"].append(GivenFile(id="gone", path="b.csv", size=1))
    given.give("bbb", "z.csv", b"1")
    left_out = given.bring(tmp_path)
    assert names(courses / "bbb/data") == ["z.csv"]
    assert names(data) == ["flights.csv", "week1"]
    assert left_out == {
        "aaa/data": "You have something else called courses/aaa. Rename it, and the data come.",
        "bbb/data/b.csv": "The hub did not send it.",
        f"bbb/data/{LONG}": "Its name is too long for the disk of your home. Ask your instructor for a shorter one.",
        f"bbb/data/{LONG}/a": "Its name is too long for the disk of your home. Ask your instructor for a shorter one.",
    }
    told = (courses / NOTE).read_text()
    assert told.startswith("This is missing from the data of your courses.")
    assert [line.partition(":")[0] for line in told.splitlines()[2:]] == sorted(left_out)
    before = stamps(tmp_path)
    fetched = len(given.fetched)
    given.bring(tmp_path)
    assert given.fetched[fetched:] == ["gone"]  # and no file that can't be placed
    del before[courses / "bbb/data"]  # where the other one was tried
    assert {path: stamp for path, stamp in stamps(tmp_path).items() if path in before} == before
    (courses / "aaa").unlink()
    del given.courses["bbb"]
    assert given.bring(tmp_path) == {}
    assert names(courses) == ["aaa", "stat101"]


def test_a_note_that_somebody_else_wrote_stays(tmp_path: Path, given: Given) -> None:
    (tmp_path / "courses").mkdir()
    (tmp_path / "courses" / NOTE).write_text("my sleep")
    given.give("bbb", LONG, b"1")
    given.bring(tmp_path)
    given.courses.clear()
    given.bring(tmp_path)
    assert (tmp_path / "courses" / NOTE).read_text() == "my sleep"


def test_a_home_that_is_full_gets_what_has_room(tmp_path: Path, given: Given) -> None:
    home = tmp_path / "home"
    home.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", home], check=False, capture_output=True).returncode:
        pytest.skip("only root has a small disk")
    try:
        given.give("stat101", "a large one", bytes(2**20))
        left_out = given.bring(home)
        assert left_out == {"stat101/data/a large one": "Your home is full. Delete files that you don't need, and it comes."}
        assert given.fetched == ["f0", "f1"]  # it isn't even asked for
        assert names(home / "courses/stat101/data") == ["flights.csv", "week1"]
    finally:
        subprocess.run(["umount", home], check=True)


def test_only_folders_of_given_files_are_touched_and_none_through_a_link(tmp_path: Path, data: Path, given: Given) -> None:
    given.bring(tmp_path)
    mine, elsewhere = data / "mine", tmp_path / "elsewhere"
    for folder in (mine, elsewhere, data / "week1/deep", data / "week1", data):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o555)  # as folders of given files were once, which can't be deleted so
    given.give("stat101", "flights.csv", b"new")
    given.bring(tmp_path)
    assert [mode(folder) for folder in (mine, data / "week1/deep", data / "week1", data)] == [0o555, 0o755, 0o755, 0o755]

    data.rename(tmp_path / "moved")
    data.symlink_to(elsewhere)
    given.give("stat101", "flights.csv", b"newer")
    said = "You have something else called courses/stat101/data. Rename it, and the data come."
    assert given.bring(tmp_path) == {"stat101/data": said}
    data.unlink()
    data.mkdir()
    (data / "week1").symlink_to(elsewhere)
    assert set(given.bring(tmp_path)) == {"stat101/data/week1/deep/lab.Rmd"}
    assert mode(elsewhere) == 0o555
    elsewhere.chmod(0o755)
    (elsewhere / "deep").mkdir()
    (elsewhere / "deep/lab.Rmd").write_bytes(b"1 + 1\n")
    given.courses.clear()
    given.bring(tmp_path)
    assert (elsewhere / "deep/lab.Rmd").exists()


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "no locks"])
def test_two_sessions_with_one_home_bring_whole_files(tmp_path: Path, data: Path, given: Given, locks: bool) -> None:
    if not locks:
        (tmp_path / ".local/share/rspark/courses.lock").mkdir(parents=True)  # which can't be locked
    other = Given()
    other.content, other.courses = given.content, given.courses

    def also(file: str) -> None:  # the other one is done in the middle of the first
        if file == "f0" and not other.fetched:
            other.bring(tmp_path)
            assert (data / "flights.csv").exists() is not locks

    given.before = also
    assert given.bring(tmp_path) == {}
    assert other.fetched == ([] if locks else ["f0", "f1"])
    assert (data / "flights.csv").read_bytes() == b"a,b\n"
    assert sorted(path.name for path in data.iterdir()) == [".files.json", "flights.csv", "week1"]
    assert given.bring(tmp_path) == {}
    assert given.fetched == ["f0", "f1"]  # both know what is there


def test_parts_of_somebody_who_was_killed_go_after_a_day(tmp_path: Path, data: Path, given: Given) -> None:
    given.bring(tmp_path)
    parts = [data / "week1/deep/.brought-abc.part", data / ".brought-abc.part", data / ".brought-new.part", data / "mine.part"]
    for part in parts:
        part.touch()
        if part.name != ".brought-new.part":
            os.utime(part, times=(time.time() - 25 * 3600,) * 2)
    given.bring(tmp_path)
    assert [part.exists() for part in parts] == [False, False, True, True]


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../a", "a/../../b", ".Rprofile", "a//b", "a/.b", "a\n"])
def test_no_path_leads_out_of_the_folder(tmp_path: Path, data: Path, path: str) -> None:
    with pytest.raises(Unreadable):
        GivenFile.parse({"id": "f0", "path": path, "size": 1})
    content = json.dumps({"courses": [{"group": "stat101", "data": [{"id": "f0", "path": path, "size": 1}]}]})
    assert read_list(content.encode()) == {"stat101": []}
    # Nor one that somebody wrote into the list of what is there.
    data.mkdir(parents=True)
    outside = tmp_path / "b"
    outside.touch(mode=0o444)
    copy = {"id": "f0", "digest": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}  # of nothing
    (data / ".files.json").write_text(json.dumps({"files": {path: copy, "../../../b": copy}}))
    Given().bring(tmp_path)
    assert outside.exists()


class Broken(ThreadingHTTPServer):
    """A hub whose answers end in the middle, as those of one that is killed; from the third on they are whole."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked = 0


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, Broken)
        whole = b'{"courses": [{"group": "stat101", "data": [{"id": "f0", "path": "a.csv", "size": 1}]}]}'
        if self.path.endswith("/data/f0"):
            whole = b"1"
        else:
            self.server.asked += 1
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s" % (len(whole), whole[:-1] if self.server.asked < 3 else whole + b"\r\n0\r\n\r\n"))
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


def test_a_hub_that_breaks_off_is_asked_again_and_told_of_once(
    tmp_path: Path, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ended = threading.Event()
    with Broken() as server, caplog.at_level(logging.INFO):
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        hub = Hub(f"http://127.0.0.1:{server.server_port}", "secret")
        keeping = threading.Thread(target=keep, args=(hub, tmp_path, ended), kwargs={"every": 0.01})
        serving.start()
        keeping.start()
        try:
            deadline = time.monotonic() + 60
            while not (data / "a.csv").exists():
                assert keeping.is_alive()
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            ended.set()
            keeping.join()
            server.shutdown()
            serving.join()
    assert [record.getMessage() for record in caplog.records] == ["The data of courses are not brought now"]
    assert "IncompleteRead" in caplog.text


def test_a_hub_that_cannot_be_reached_is_not_asked_for_each_file(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as closed:
        hub = Hub(f"http://127.0.0.1:{closed.server_port}", "secret")
    files = [GivenFile(id=f"f{number}", path=f"{number}.csv", size=1) for number in range(5)]
    left_out = bring(tmp_path, {"stat101": files}, lambda group, file: hub.pieces(f"/groups/{group}/data/{file}"))
    assert len(left_out) == 5
    assert left_out["stat101/data/2.csv"] == "The hub did not send it: [Errno 111] Connection refused. It is tried again."
    assert left_out["stat101/data/3.csv"] == "The hub did not send it: it can't be reached. It is tried again."
