"""Files of real repositories, served over HTTP by Git itself, come into a home beside a person's own work."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.git_server import Course, serving

from rspark_contract.handout import Handout
from rspark_session.handout.bringing import Brought, bring
from rspark_session.handout.files import HandoutProblem, Limits
from rspark_session.handout.merging import beside_name
from rspark_session.project_template import lay


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    root = tmp_path_factory.mktemp("repositories")
    with serving(root) as url:
        yield root, url


@pytest.fixture
def course(served: tuple[Path, str], request: pytest.FixtureRequest) -> Course:
    root, url = served
    name = f"course-{abs(hash(request.node.name)) % 10**9}"
    course = Course(root / name / "labs", f"{url}/{name}/labs/.git")
    course.commit({"lab1.Rmd": "one\n", "data/cars.csv": "speed\n1\n"})
    return course


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


def fetch(home: Path, handout: Handout, *, limits: Limits | None = None, templates: Path | None = None) -> Brought:
    return bring(
        handout,
        home=home,
        templates=templates or home / "no templates",
        environ={"PATH": os.environ["PATH"], "HOME": str(home)},
        limits=limits or Limits(seconds=60),
        on_step=lambda step: None,
    )


def labs(course: Course) -> Handout:
    return Handout(source=course.url.removesuffix("/.git"), document="lab1.Rmd")


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_files_come_into_a_folder_that_is_called_as_the_repository(course: Course, home: Path) -> None:
    brought = fetch(home, labs(course))
    assert brought == Brought(folder="labs", document="labs/lab1.Rmd", notes=())
    assert files(home / "labs") == {"lab1.Rmd": "one\n", "data/cars.csv": "speed\n1\n"}


def test_brought_again_it_is_the_same(course: Course, home: Path) -> None:
    first = fetch(home, labs(course))
    assert fetch(home, labs(course)) == first
    assert [each.name for each in home.iterdir() if not each.name.startswith(".")] == ["labs"]


def test_what_only_the_source_changed_is_brought(course: Course, home: Path) -> None:
    fetch(home, labs(course))
    course.commit({"lab1.Rmd": "one, corrected\n", "lab2.Rmd": "two\n", "data/cars.csv": None})
    fetch(home, labs(course))
    assert files(home / "labs") == {"lab1.Rmd": "one, corrected\n", "lab2.Rmd": "two\n"}


def test_what_only_the_person_changed_stays(course: Course, home: Path) -> None:
    fetch(home, labs(course))
    (home / "labs/lab1.Rmd").write_text("my answer\n")
    (home / "labs/mine.R").write_text("x <- 1\n")
    course.commit({"data/cars.csv": "speed\n2\n"})
    fetch(home, labs(course))
    assert files(home / "labs") == {"lab1.Rmd": "my answer\n", "mine.R": "x <- 1\n", "data/cars.csv": "speed\n2\n"}


def test_what_both_changed_is_kept_side_by_side(course: Course, home: Path) -> None:
    fetch(home, labs(course))
    (home / "labs/lab1.Rmd").write_text("my answer\n")
    version = course.commit({"lab1.Rmd": "one, corrected\n"})
    beside = beside_name("lab1.Rmd", version)
    brought = fetch(home, labs(course))
    assert beside == f"lab1.new-{version}.Rmd"
    assert files(home / "labs") == {"lab1.Rmd": "my answer\n", beside: "one, corrected\n", "data/cars.csv": "speed\n1\n"}
    assert brought.notes == (f"You changed lab1.Rmd, and so did who made it. Yours is as it was; the new one is {beside}.",)
    (home / "labs" / beside).unlink()  # done with it: it doesn't come again
    assert fetch(home, labs(course)).notes == ()
    assert not (home / "labs" / beside).exists()


def test_a_file_of_ones_own_under_the_name_of_a_new_one_stays(course: Course, home: Path) -> None:
    fetch(home, labs(course))
    (home / "labs/lab2.Rmd").write_text("my own second lab\n")
    version = course.commit({"lab2.Rmd": "two\n"})
    fetch(home, labs(course))
    found = files(home / "labs")
    assert (found["lab2.Rmd"], found[beside_name("lab2.Rmd", version)]) == ("my own second lab\n", "two\n")


def test_what_the_person_deleted_comes_back_only_when_the_source_changed_it(course: Course, home: Path) -> None:
    fetch(home, labs(course))
    (home / "labs/lab1.Rmd").unlink()
    course.commit({"lab2.Rmd": "two\n"})
    fetch(home, labs(course))
    assert "lab1.Rmd" not in files(home / "labs")
    course.commit({"lab1.Rmd": "one, corrected\n"})
    fetch(home, labs(course))
    assert files(home / "labs")["lab1.Rmd"] == "one, corrected\n"


def test_what_the_source_deleted_stays_where_the_person_changed_it(course: Course, home: Path) -> None:
    fetch(home, labs(course))
    (home / "labs/lab1.Rmd").write_text("my answer\n")
    course.commit({"lab1.Rmd": None})
    fetch(home, labs(course))
    assert files(home / "labs")["lab1.Rmd"] == "my answer\n"


def test_a_folder_comes_in_the_place_of_a_file_and_a_file_in_that_of_a_folder(course: Course, home: Path) -> None:
    course.commit({"tasks": "all in one\n", "data/old/a.csv": "1\n"})
    fetch(home, labs(course))
    course.commit({"tasks": None, "data/old/a.csv": None})
    (course.folder / "data/old").rmdir()
    course.commit({"tasks/one.R": "1\n", "data/old": "see one.R\n"})
    assert fetch(home, labs(course)).notes == ()
    found = files(home / "labs")
    assert (found["tasks/one.R"], found["data/old"]) == ("1\n", "see one.R\n")


def test_what_was_kept_back_by_something_in_its_way_comes_when_that_is_gone(course: Course, home: Path) -> None:
    course.commit({"tasks": "all in one\n"})
    fetch(home, labs(course))
    (home / "labs/tasks").write_text("my notes\n")
    course.commit({"tasks": None})
    course.commit({"tasks/one.R": "1\n"})
    for _ in range(2):
        assert fetch(home, labs(course)).notes == ("tasks/one.R is not brought, since you have something else called tasks.",)
    (home / "labs/tasks").rename(home / "labs/my-tasks")
    assert fetch(home, labs(course)).notes == ()
    found = files(home / "labs")
    assert (found["tasks/one.R"], found["my-tasks"]) == ("1\n", "my notes\n")


def test_a_new_version_comes_beside_a_file_of_the_longest_name(course: Course, home: Path) -> None:
    name = "первая лекция по статистике " * 4 + ".Rmd"
    name = name + "x" * (255 - len(os.fsencode(name)))
    course.commit({name: "one\n"})
    fetch(home, labs(course))
    (home / "labs" / name).write_text("mine\n")
    version = course.commit({name: "two\n"})
    fetch(home, labs(course))
    found = files(home / "labs")
    assert (found[name], found[beside_name(name, version)]) == ("mine\n", "two\n")


def test_one_file_that_cant_be_written_keeps_no_other_back(course: Course, home: Path) -> None:
    name = "a." + "b" * 250  # beside which there is no room for another name
    course.commit({name: "one\n"})
    fetch(home, labs(course))
    (home / "labs" / name).write_text("mine\n")
    course.commit({name: "two\n", "lab2.Rmd": "second\n"})
    for _ in range(2):
        assert fetch(home, labs(course)).notes == (f"{name} is not brought, since it can't be written: File name too long.",)
    found = files(home / "labs")
    assert (found[name], found["lab2.Rmd"]) == ("mine\n", "second\n")
    (home / "labs" / name).unlink()
    (home / "labs" / name).write_text("one\n")
    assert fetch(home, labs(course)).notes == ()
    assert files(home / "labs")[name] == "two\n"


def test_a_folder_that_is_not_ours_is_left_alone(course: Course, home: Path) -> None:
    (home / "labs").mkdir()
    (home / "labs/lab1.Rmd").write_text("another course\n")
    assert fetch(home, labs(course)).folder == "labs-2"
    assert files(home / "labs") == {"lab1.Rmd": "another course\n"}


def test_nothing_is_written_through_a_persons_links(course: Course, home: Path, tmp_path: Path) -> None:
    fetch(home, labs(course))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "cars.csv").write_text("speed\n1\n")
    (home / "labs/data/cars.csv").unlink()
    (home / "labs/data").rmdir()
    (home / "labs/data").symlink_to(outside)
    course.commit({"data/cars.csv": "speed\n2\n"})
    assert fetch(home, labs(course)).notes == ("data/cars.csv is not brought, since you have something else called data.",)
    assert (outside / "cars.csv").read_text() == "speed\n1\n"


def test_links_that_lead_out_are_refused_and_others_come(course: Course, home: Path) -> None:
    for name, target in {"out": "/etc/passwd", "up": "../secret", "data/in": "../lab1.Rmd", "hop": "data/../../x"}.items():
        (course.folder / name).symlink_to(target)
    course.commit({})
    notes = fetch(home, labs(course)).notes
    assert sorted(note.partition(" ")[0] for note in notes) == ["hop", "out", "up"]
    assert (home / "labs/data/in").read_text() == "one\n"
    assert not any(os.path.lexists(home / "labs" / name) for name in ("out", "up", "hop"))


def test_submodules_and_hooks_are_never_run(course: Course, home: Path) -> None:
    oid = course.git("rev-parse", "HEAD")
    course.git("update-index", "--add", "--cacheinfo", f"160000,{oid},other")
    (course.folder / ".gitmodules").write_text(f'[submodule "other"]\n\tpath = other\n\turl = {course.url}\n')
    course.git("add", ".gitmodules")
    course.git("commit", "--quiet", "--message=a submodule")
    assert fetch(home, labs(course)).notes == ("other is left out: it is another repository.",)
    assert not (home / "labs/other").exists()
    assert list((home / ".local/share/rspark/handouts").rglob("hooks")) == []


def test_what_git_lfs_keeps_is_named_and_its_pointer_is_not_taken_for_it(course: Course, home: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 123456789\n"
    said = "data/big.csv is not brought: its content is in Git LFS. Ask who sent you the link for it."
    course.commit({"data/big.csv": pointer})
    assert fetch(home, labs(course)).notes == (said,)
    assert not (home / "labs/data/big.csv").exists()
    (home / "labs/data/big.csv").write_text("speed\n4\n")  # as the teacher gave it
    course.commit(
        {"data/big.csv": pointer.replace("0" * 64, "1" * 64), "lfs.md": "A pointer begins with `version https://git-lfs…`.\n"}
    )
    assert fetch(home, labs(course)).notes == (said,)
    assert files(home / "labs")["data/big.csv"] == "speed\n4\n"
    course.commit({"data/big.csv": "speed\n5\n"})  # kept in the repository itself again
    assert "the new one is data/big.new-" in fetch(home, labs(course)).notes[0]


def test_a_branch_and_a_folder_can_be_asked_for(course: Course, home: Path) -> None:
    course.git("checkout", "--quiet", "-b", "week-2")
    course.commit({"week2/lab.Rmd": "second week\n"})
    course.git("checkout", "--quiet", "main")
    handout = replace(labs(course), branch="week-2", folder="week2", document="lab.Rmd")
    assert fetch(home, handout) == Brought(folder="week2-week-2", document="week2-week-2/lab.Rmd", notes=())
    assert files(home / "week2-week-2") == {"lab.Rmd": "second week\n"}


def test_a_server_of_plain_files_will_do(course: Course, home: Path) -> None:
    scheme, _, rest = course.url.partition("://")
    host, _, path = rest.partition("/")
    assert fetch(home, Handout(source=f"{scheme}://{host}/dumb/{path}")).notes == ()
    assert len(list(home.rglob("lab1.Rmd"))) == 1


def test_a_document_that_is_not_there_is_said(course: Course, home: Path) -> None:
    brought = fetch(home, replace(labs(course), document="lab9.Rmd"))
    assert (brought.document, brought.notes) == (None, ("There is no lab9.Rmd in labs. Choose what to open there.",))


def _refused(home: Path, handout: Handout, limits: Limits | None = None) -> str:
    with pytest.raises(HandoutProblem) as refused:
        fetch(home, handout, limits=limits)
    return str(refused.value)


def test_each_failure_has_a_sentence(course: Course, home: Path, served: tuple[Path, str]) -> None:
    handout, url = labs(course), served[1]
    assert _refused(home, replace(handout, source=f"{url}/nothing")) == (
        "There is no Git repository at this address. Check the link, or ask who sent it."
    )
    assert _refused(home, replace(handout, branch="gone")) == "The repository has no branch gone. Ask who sent you the link."
    assert _refused(home, replace(handout, folder="gone")) == "The repository has no folder gone. Ask who sent you the link."
    assert "can't be reached from your session" in _refused(home, replace(handout, source="http://127.0.0.1:9/labs"))
    assert "without a password" in _refused(home, replace(handout, source=f"{url}/private/labs"))
    elsewhere = handout.source.replace(url, f"{url}/elsewhere")
    assert "leads to another one" in _refused(home, replace(handout, source=elsewhere, redirects=False))
    assert fetch(home, replace(handout, source=elsewhere)).document is not None


def test_size_files_and_time_are_bounded(course: Course, home: Path, served: tuple[Path, str]) -> None:
    course.commit({"large.bin": os.urandom(300_000)})
    assert "which is too much" in _refused(home, labs(course), Limits(bytes=100_000, seconds=60))
    course.git("reset", "--quiet", "--hard", "HEAD~1")
    course.commit({"large.txt": "0" * 300_000})  # which is short on the way
    assert "more than 200000 bytes" in _refused(home, labs(course), Limits(bytes=200_000, seconds=60))
    assert "more than 2 files" in _refused(home, labs(course), Limits(files=2, seconds=60))
    assert "was not here after" in _refused(home, Handout(source=f"{served[1]}/slow/labs"), Limits(seconds=1))
    assert list(home.glob("[!.]*")) == []  # nothing came of any of them


def test_a_full_disk_is_said_and_leaves_what_was_there(course: Course, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch(home, labs(course))
    course.commit({"lab1.Rmd": "one, corrected\n"})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert _refused(home, labs(course)) == "Your home is full. Delete files that you don't need, then open the link again."
    monkeypatch.undo()
    assert files(home / "labs")["lab1.Rmd"] == "one\n"
    fetch(home, labs(course))
    assert files(home / "labs")["lab1.Rmd"] == "one, corrected\n"


def test_whatever_is_killed_when_files_are_whole_and_the_next_time_brings_the_rest(course: Course, home: Path) -> None:
    fetch(home, labs(course))
    (home / "labs/lab1.Rmd").write_text("my answer\n")
    old, new = "old" * 50_000, "new" * 50_000
    course.commit({f"part{number:02}.txt": old for number in range(40)})
    fetch(home, labs(course))
    course.commit({f"part{number:02}.txt": new for number in range(40)} | {"lab1.Rmd": "corrected\n"})
    handout = labs(course)
    command = [sys.executable, "-m", "rspark_session.handout", json.dumps(handout.to_json())]
    for pause in (0.05, 0.15, 0.25, 0.35):
        started = subprocess.Popen(command, env={**os.environ, "HOME": str(home)}, stdout=subprocess.DEVNULL)
        time.sleep(pause)  # wherever it is then
        started.kill()
        started.wait()
        found = files(home / "labs")
        assert {found[f"part{number:02}.txt"] for number in range(40)} <= {old, new}
        assert found["lab1.Rmd"] == "my answer\n"
    fetch(home, labs(course))
    found = files(home / "labs")
    assert {found[f"part{number:02}.txt"] for number in range(40)} == {new}
    assert found["lab1.Rmd"] == "my answer\n"


def test_two_at_once_do_what_one_does(course: Course, home: Path) -> None:
    threads = [threading.Thread(target=fetch, args=(home, labs(course))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.name for each in home.glob("[!.]*")] == ["labs"]
    assert files(home / "labs") == {"lab1.Rmd": "one\n", "data/cars.csv": "speed\n1\n"}


def test_a_template_comes_the_same_way(home: Path, tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    (templates / "intro").mkdir(parents=True)
    (templates / "intro/01.Rmd").write_text("first\n")
    handout = Handout(source="intro", document="01.Rmd")
    assert fetch(home, handout, templates=templates).document == "intro/01.Rmd"
    (home / "intro/01.Rmd").write_text("my answer\n")
    (templates / "intro/02.Rmd").write_text("second\n")
    fetch(home, handout, templates=templates)
    assert files(home / "intro") == {"01.Rmd": "my answer\n", "02.Rmd": "second\n"}
    assert "no template other" in _refused(home, Handout(source="other"))


def test_the_template_that_the_environment_gave_is_gone_on_with(home: Path, tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    (templates / "intro").mkdir(parents=True)
    (templates / "intro/01.Rmd").write_text("first\n")
    lay("intro", home, templates=templates)
    assert fetch(home, Handout(source="intro"), templates=templates).folder == "intro"
