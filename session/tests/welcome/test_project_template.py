"""A project that a home gets once, and that is never written over."""

import shutil
from pathlib import Path

import pytest

from rspark_session.project_template import first_document, lay


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    (folder / "course/data").mkdir(parents=True)
    (folder / "course/one.Rmd").write_text("first\n")
    (folder / "course/data/a.csv").write_text("x\n1\n")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_a_home_gets_it_whole_and_once(home: Path, templates: Path) -> None:
    assert lay("course", home, templates=templates)
    assert (home / "course/data/a.csv").read_text() == "x\n1\n"
    (home / "course/one.Rmd").write_text("mine\n")
    assert not lay("course", home, templates=templates)
    assert (home / "course/one.Rmd").read_text() == "mine\n"
    shutil.rmtree(home / "course")
    assert not lay("course", home, templates=templates)
    assert not (home / "course").exists()


def test_what_somebody_has_of_that_name_is_left_as_it_is(home: Path, templates: Path) -> None:
    (home / "course").symlink_to("elsewhere")
    assert not lay("course", home, templates=templates)
    assert (home / "course").is_symlink()


def test_one_that_the_session_does_not_have_is_no_matter(home: Path, templates: Path) -> None:
    assert not lay("other", home, templates=templates)
    assert list(home.iterdir()) == []


def test_what_was_left_half_is_done_again(home: Path, templates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copytree", full)
        with pytest.raises(OSError, match="No space"):
            lay("course", home, templates=templates)
    (home / ".course.new/data").mkdir(parents=True)  # as a kill leaves it
    assert lay("course", home, templates=templates)
    assert sorted(path.name for path in home.iterdir() if path.name != ".config") == ["course"]


def test_a_project_begins_with_its_first_document(templates: Path) -> None:
    assert first_document("course", templates=templates) == "course/one.Rmd"
    (templates / "course/0-before.qmd").touch()
    (templates / "course/00-data.csv").touch()
    assert first_document("course", templates=templates) == "course/0-before.qmd"
    (templates / "app").mkdir()
    (templates / "app/app.R").touch()
    assert first_document("app", templates=templates) is None
    assert first_document("other", templates=templates) is None
