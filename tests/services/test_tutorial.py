"""The tutorial: in the home of a first session, and every chunk of every chapter runs there."""

import re

import pytest

from tests.installation import ROOT
from tests.services.conftest import FullSession

pytestmark = pytest.mark.timeout(900)
FOLDER = ROOT / "docs/tutorial"
CHAPTERS = sorted(path.stem for path in FOLDER.glob("*.Rmd"))


def test_there_are_eight_and_no_chunk_is_left_out() -> None:
    assert [name[:2] for name in CHAPTERS] == [f"{number:02}" for number in range(1, 9)]
    contents = (FOLDER / "README.md").read_text()
    for name in CHAPTERS:
        text = (FOLDER / f"{name}.Rmd").read_text()
        assert f"({name}.Rmd)" in contents
        assert not re.search(r"eval *=|error *= *T|cache *=", text), f"{name} doesn't run every chunk"
        assert "http://" not in text.replace("http://127.0.0.1", "")
        assert "https://" not in text


@pytest.mark.long
def test_a_first_session_finds_it_in_the_home(full: FullSession) -> None:
    for file in FOLDER.iterdir():
        assert (full.home / "tutorial" / file.name).read_text() == file.read_text(), "`scripts/install test` copies it"


@pytest.mark.long
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_is_rendered(full: FullSession, name: str) -> None:
    full.run("Rscript", "-e", f'setwd("~/tutorial"); rmarkdown::render("{name}.Rmd", quiet = TRUE)')
    page = (full.home / "tutorial" / f"{name}.html").read_text()
    assert page.count("<h2>") + page.count('class="section level2"') >= 4
    assert "Exercises" in page
    # A program of a shell that fails is a warning of knitr's, and no error.
    assert "had status" not in page
