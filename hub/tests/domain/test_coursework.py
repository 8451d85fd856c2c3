"""Names of files of a course: what every system can have in a folder, in one form, and for which assignment they are."""

import unicodedata
from datetime import UTC, datetime

import pytest

from rsparkhub.domain.coursework import LONGEST_NAME, LONGEST_PATH, Assignment, assignment_of, by_name, check_name, check_path
from rsparkhub.domain.errors import InvalidInput

CALLED = "A file is called by letters, digits"


@pytest.mark.parametrize(
    "name",
    [
        "lab 1.Rmd", "Ada's lab.Rmd", "Ada’s (2).csv", "_x", "Übung.R", "Bài tập.R", "हिन्दी.csv", "ภาษาไทย.txt", "データ.csv",
        "console.txt", "com10.txt", "icon", "a.con", "x" * LONGEST_NAME,
    ],
)  # fmt: skip
def test_a_name_is_kept_in_one_form_however_a_system_writes_it(name: str) -> None:
    kept = unicodedata.normalize("NFC", name)
    assert {check_name(unicodedata.normalize(form, name)) for form in ("NFC", "NFD")} == {kept}
    assert check_path(f"week1/{unicodedata.normalize('NFD', name)}") == f"week1/{kept}"


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (
            CALLED,
            [
                "",
                ".hidden",
                "..",
                "a\\b",
                "-rf",
                "a\nb",
                "a\0b",
                "a ",
                " a",
                "a.",
                "'a'",
                "a:b",
                "a|b",
                'a"b',
                "a*b",
                "a?b",
                "a<b",
            ],
        ),
        (CALLED, ["\u0301a", "a\u202eb", "a\u2028b", "a\u200b", "a\ud800"]),  # marks of nothing, and what is not seen
        ("device on Windows", ["CON", "nul.txt", "com1.tar.gz", "Lpt9", "aux .csv", "COM¹.txt", "prn"]),
        ("up to 200 bytes", ["x" * 201, "ü" * 101, "語" * 67, "e\u0301" * 500]),
    ],
    ids=["signs", "unseen", "devices", "long"],
)
def test_a_name_that_some_system_cannot_have_is_refused_in_a_sentence(said: str, names: list[str]) -> None:
    for name in names:
        with pytest.raises(InvalidInput, match=said):
            check_name(name)
        with pytest.raises(InvalidInput, match=said):
            check_path(f"week1/{name}")
    with pytest.raises(InvalidInput, match=CALLED):
        check_name("a/b")


def test_a_path_has_a_bound_as_a_whole() -> None:
    assert check_path("/".join("12345678")) == "1/2/3/4/5/6/7/8"
    longest = f"{'a' * 200}/{'b' * (LONGEST_PATH - 201)}"
    assert check_path(longest) == longest
    for path in ("/".join("123456789"), f"{longest}b", f"{'語' * 66}/{'語' * 66}/語語語", "1/" * 100_000):
        with pytest.raises(InvalidInput, match="up to 8 names and 400 bytes"):
            check_path(path)


@pytest.mark.parametrize(
    ("file", "assignment"),
    [
        ("lab1", "lab1"),
        ("LAB1.Rmd", "lab1"),
        ("lab1.tar.gz", "lab1"),
        ("lab1.v2.Rmd", "Lab1.v2"),
        ("lab2.Rmd", "lab2.Rmd"),
        ("lab2.pdf", None),
        ("lab1 .Rmd", "lab1"),
        ("lab1 .tar .gz", "lab1"),
        ("lab1..Rmd", "lab1"),
        ("lab1-.Rmd", None),
        ("lab10.Rmd", None),
        ("my-lab1.Rmd", None),
        ("..", None),
    ],
)
def test_a_file_is_for_the_assignment_whose_name_it_has_without_its_endings(file: str, assignment: str | None) -> None:
    due = datetime(2026, 12, 5, tzinfo=UTC)
    own = by_name(Assignment(name=name, due=due) for name in ("lab1", "Lab1.v2", "lab2.Rmd"))
    found = assignment_of(file, own)
    assert (found and found.name) == assignment
