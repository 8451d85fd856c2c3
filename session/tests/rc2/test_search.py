"""Search in files: real ripgrep, real files."""

import asyncio
import os
import subprocess
import tracemalloc
from pathlib import Path
from typing import Any

import psutil
import pytest
from session.tests.running import until

from rspark_session.rc2 import protocol
from rspark_session.rc2.search import searching

pytestmark = pytest.mark.asyncio


class Searched:
    """All that a search has told."""

    def __init__(self, told: list[protocol.SearchFound]) -> None:
        self.told = told
        self.last = told[-1]
        self.files = [file for one in told for file in one.files]
        self.paths = list(dict.fromkeys(file.path for file in self.files))
        self.matches = [(file.path, match.line, match.column) for file in self.files for match in file.matches]


async def search(home: Path, pattern: str, *, most: int = searching.MOST_MATCHES, **fields: Any) -> Searched:
    request = protocol.SearchRequest(pattern=pattern, **fields)
    return Searched([told async for told in searching.search(home, request, most)])


async def failed(home: Path, pattern: str, **fields: Any) -> str:
    """The sentence in which a search ends that can't be done."""
    found = await search(home, pattern, **fields)
    assert (len(found.told), found.last.type) == (1, "failed")
    return found.last.text


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


def write(home: Path, **files: str | bytes) -> None:
    for name, content in files.items():
        path = home / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


async def test_words_expressions_case_and_whole_words(home: Path) -> None:
    write(home, a_dot_R="Mean(x)\nmean.default(mean)\nmeaning\n", b_dot_py="# a.b\naxb\n")
    assert (await search(home, "mean")).matches == [("a.R", 1, 0), ("a.R", 2, 0), ("a.R", 2, 13), ("a.R", 3, 0)]
    assert (await search(home, "mean", case=True, words=True)).matches == [("a.R", 2, 0), ("a.R", 2, 13)]
    assert (await search(home, "a.b")).matches == [("b.py", 1, 2)]
    assert (await search(home, "a.b", regex=True)).matches == [("b.py", 1, 2), ("b.py", 2, 0)]
    assert (await search(home, "-e")).matches == []  # an option is words like all others
    found = await search(home, "^mean$", regex=True)
    assert (found.last.type, found.matches) == ("done", [])


async def test_a_match_is_marked_in_what_is_shown_of_its_line(home: Path) -> None:
    write(home, a_dot_md=f"    indented 😀 é here\n{'x' * 5000}é here{'y' * 5000}\n")
    found = await search(home, "here")
    first, second = found.files[0].matches
    assert (first.text, first.text.encode("utf-16-le")[2 * first.start : 2 * first.end].decode("utf-16-le")) == (
        "indented 😀 é here",
        "here",
    )
    assert (first.column, first.length) == (18, 4)  # a browser counts 😀 as two
    assert second.text[second.start : second.end] == "here"
    assert (second.column, len(second.text) < 400, second.text[0], second.text[-1]) == (5002, True, "…", "…")


async def test_files_are_chosen(home: Path) -> None:
    write(home, a_dot_R="x", b_dot_Rmd="x", old__c_dot_R="x", course__d_dot_R="x", course__e_dot_txt="x")
    assert (await search(home, "x")).paths == ["a.R", "b.Rmd", "course/d.R", "course/e.txt", "old/c.R"]
    assert (await search(home, "x", files=("*.R", "*.Rmd", "!old"))).paths == ["a.R", "b.Rmd", "course/d.R"]
    assert (await search(home, "x", folder="course", files=("*.R",))).paths == ["course/d.R"]
    nothing = await search(home, "x", files=("*.nothing",))
    assert (nothing.last.type, nothing.last.matches) == ("done", 0)
    assert await failed(home, "x", files=("course/*.R",)) == (
        "course/*.R is more than a file's name. Say the name alone, and choose the folder to search in."
    )
    assert await failed(home, "x", files=("[",)) == "These files can't be chosen by [: unclosed character class; missing ']'."
    assert await failed(home, "x", folder="nowhere") == "There is no folder nowhere in your home."


async def test_what_git_ignores_and_what_is_hidden_is_searched_on_demand(home: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=home, check=True)
    write(home, _dot_gitignore="secret.R\n", secret_dot_R="x", a_dot_R="x", _dot_hidden_dot_R="x", _dot_config__b_dot_R="x")
    write(home, _dot_local__share__rspark__rc2__log="x", _dot_git__description="x")
    assert (await search(home, "x", files=("*.R",))).paths == ["a.R"]
    assert (await search(home, "x", files=("*.R",), ignored=True)).paths == ["a.R", "secret.R"]
    # Neither Git's own files nor the record of the session.
    assert (await search(home, "x", hidden=True)).paths == [".config/b.R", ".hidden.R", "a.R"]


@pytest.mark.parametrize(
    "folder", [".git", "course/.git/hooks", ".local/share/rspark", ".local/share/rspark/rc2", "link", "work/.git"]
)
async def test_what_is_never_searched_is_not_either_as_the_folder_that_is_chosen(home: Path, folder: str) -> None:
    write(home, _dot_git__description="x", course___dot_git__hooks__a="x", _dot_local__share__rspark__rc2__log="x")
    write(home, kept__config="x", work__a="y")
    (home / "link").symlink_to(".git")
    (home / "work/.git").symlink_to(home / "kept")
    assert await failed(home, "x", folder=folder, hidden=True) == (
        "What Git and this session keep for themselves is not searched. Choose another folder."
    )
    assert (await search(home, "x", folder=".local/share", hidden=True)).matches == []


async def test_a_document_is_searched_where_its_file_would_be(home: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=home, check=True)
    paths = (".config/a.R", ".git/config", "node_modules/b.R", "old/deep/c.R", "course/d.R", "course/new\nline.R")
    for path in paths:
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text("nothing")
    write(home, _dot_gitignore="node_modules/\n")
    texts = tuple(protocol.SearchText(path=path, text="typed") for path in paths)

    async def found(**fields: Any) -> list[str]:
        return (await search(home, "typed", texts=texts, **fields)).paths

    assert await found(files=("!old",)) == ["course/d.R", "course/new\nline.R"]
    assert await found(folder="course") == ["course/d.R", "course/new\nline.R"]
    assert await found(folder=".config") == [".config/a.R"]
    assert await found(hidden=True, ignored=True) == sorted(set(paths) - {".git/config"})


async def test_no_line_of_matches_takes_much_memory(home: Path) -> None:
    write(home, a_dot_txt="x" * 540_000)
    tracemalloc.start()
    try:
        found = await search(home, "x")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found.last.type, found.last.matches, found.last.too_long) == ("done", 0, 1)
    assert peak < 2**26


async def test_no_link_is_followed(home: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.txt").write_text("x")
    (home / "folder").symlink_to(tmp_path / "outside")
    (home / "file.txt").symlink_to(tmp_path / "outside/secret.txt")
    assert (await search(home, "x")).matches == []
    for folder in ("folder", "..", "../outside", str(tmp_path / "outside")):
        assert "There is no folder" in await failed(home, "x", folder=folder)


async def test_binary_files_are_passed_over_and_other_encodings_are_shown(home: Path) -> None:
    write(
        home, a_dot_bin=b"match\0match", late_dot_bin=b"match\n" * 20_000 + b"\0", latin_dot_txt="Größe match".encode("latin-1")
    )
    (home / os.fsdecode(b"\xff.txt")).write_text("match")
    write(home, utf16_dot_txt="match".encode("utf-16"), good_dot_txt="match")
    found = await search(home, "match")
    why = {file.path: file.why for file in found.files}
    assert why == {
        "good.txt": None,
        "latin.txt": "It is not UTF-8 text, and is left as it is.",
        "�.txt": "Its name is not UTF-8, and it is left as it is.",
    }
    assert {file.path for file in found.files if file.version is not None} == {"good.txt"}
    latin = next(file for file in found.files if file.path == "latin.txt").matches[0]
    assert latin.text == "Gr��e match"


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("(foo", "This expression is not understood: unclosed group."),
        ("*", "This expression is not understood: repetition operator missing expression."),
        (r"(a)\1", "This expression is not understood: backreferences are not supported."),
        (r"a\nb", r"A match lies within one line: leave \n out of the expression."),
        ("a\nb", "A match lies within one line: search for one line at a time."),
        (r"\w{1000}{1000}", "This expression is too large. Ask for fewer repetitions in it."),
        ("(" * 2000 + ")" * 2000, "This expression is not understood: exceed"),
    ],
)
async def test_an_expression_that_is_wrong_ends_in_a_sentence(home: Path, pattern: str, sentence: str) -> None:
    write(home, a="foo")
    said = await failed(home, pattern, regex=True)
    assert said.startswith(sentence)
    assert "\n" not in said


async def test_an_expression_of_evil_repetitions_ends(home: Path) -> None:
    write(home, a="a" * 100_000 + "b")
    assert (await search(home, "(a+)+$", regex=True)).last.type == "done"
    assert (await search(home, "(a*)*c", regex=True)).matches == []


async def test_there_may_be_more_matches_than_are_sent(home: Path) -> None:
    write(home, a="x\n" * 30, b="x x\n" * 30, c="x")
    found = await search(home, "x", most=50)
    assert (len(found.matches), found.last.matches, found.last.more, found.last.in_files) == (50, 50, True, 2)
    assert [(file.path, file.version is None) for file in found.files] == [("a", False), ("b", True)]
    assert found.files[1].why == "Not all of its matches are shown. Search for something narrower."


@pytest.mark.long
async def test_ten_thousand_files_a_large_one_and_a_long_line(home: Path) -> None:
    for number in range(10_000):
        if number % 100 == 0:
            (home / f"folder{number:05}").mkdir()
        (home / f"folder{number // 100 * 100:05}/file{number:05}.txt").write_text(f"number {number}\nneedle\n")
    with (home / "large.csv").open("wb") as file:
        for _ in range(200):
            file.write(b"1,2,3,4,5,6,7,8,9,0\n" * 52_429)
        file.write(b"the last needle\n")
    assert (home / "large.csv").stat().st_size > 200 * 2**20
    (home / "line.json").write_text("y" * 2_500_000 + "needle" + "y" * 2_500_000)
    every = await search(home, "needle", most=20_000)
    assert (every.last.matches, every.last.in_files, every.last.more) == (10_002, 10_002, False)
    large = next(file for file in every.files if file.path == "large.csv")
    assert (large.why, large.matches[0].text) == ("It is larger than 8 MiB, and is left as it is.", "the last needle")
    line = next(file for file in every.files if file.path == "line.json")
    assert (line.matches[0].column, len(line.matches[0].text)) == (2_500_000, 268)
    assert line.version is not None
    # No message is large.
    assert max(len(told.model_dump_json()) for told in every.told) < 2**20
    # A line with millions of matches is counted, and not sent.
    many = await search(home, "y", files=("line.json",))
    assert (many.last.matches, many.last.too_long) == (0, 1)


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.name() == "rg" and child.status() != psutil.STATUS_ZOMBIE]


async def test_a_search_that_nobody_waits_for_ends(home: Path) -> None:
    for number in range(3000):
        (home / f"{number}.txt").write_text("needle\n" * 100)
    searching_ = searching.search(home, protocol.SearchRequest(pattern="needle"), most=10**6)
    first = await anext(searching_)
    assert first.type == "found"
    assert children()
    await searching_.aclose()  # type: ignore[attr-defined]  # a generator
    await until(lambda: not children(), "ripgrep is ended")

    async def wait_for_all() -> None:
        async for _ in searching.search(home, protocol.SearchRequest(pattern="needle"), most=10**6):
            pass

    task = asyncio.ensure_future(wait_for_all())
    await until(children, "ripgrep runs")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not children(), "ripgrep is ended")


async def test_what_is_typed_and_not_saved_is_searched_instead_of_the_file(home: Path) -> None:
    write(home, a_dot_R="old\n", b_dot_py="old\n")
    texts = (
        protocol.SearchText(path="a.R", text="new old\n"),
        protocol.SearchText(path="b.py", text="old old old\n"),
        protocol.SearchText(path="gone.R", text="old\n"),
        protocol.SearchText(path="../a.R", text="old\n"),
    )
    found = await search(home, "old", files=("*.R",), texts=texts)
    assert found.matches == [("a.R", 1, 4)]
    assert found.files[0].version is not None
    assert found.last.in_files == 1
