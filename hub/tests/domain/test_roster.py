"""Lists of people as they are pasted."""

import pytest

from rsparkhub.domain.roster import MOST_PROBLEMS, MOST_ROWS, RosterRow, read_roster

ADA = RosterRow(line=2, name="ada", full_name="Ada Lovelace", email="ada@example.org", group="stats-101")


@pytest.mark.parametrize(
    "text",
    [
        "name,full name,e-mail,group\nada,Ada Lovelace,ada@example.org,stats-101",
        "\ufeffName;Full name;E-mail;Group\r\nada;Ada Lovelace;ada@example.org;stats-101\r\n",
        "Name;Full name;E-mail;Group;;\nada;Ada Lovelace;ada@example.org;stats-101;;\n",
        "group\te-mail\tname\tfull name\nstats-101\tada@example.org\tada\tAda Lovelace",
        '\n ada , "Ada Lovelace", ada@example.org ,stats-101\n\n',
    ],
)
def test_a_list_is_read_with_and_without_headings(text: str) -> None:
    assert read_roster(text) == ([ADA], [])


def test_all_but_the_name_may_be_left_out() -> None:
    assert read_roster("ada\nbob,,,lab")[0] == [RosterRow(line=1, name="ada"), RosterRow(line=2, name="bob", group="lab")]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Ada", "Ada is no name"),
        (",Ada Lovelace", "An empty name is no name"),
        ("a" * 33, "is no name"),
        ("eve", "eve stands in line 1 too"),
        ("ada,Ada,nowhere", "nowhere is no e-mail address"),
        ("ada,Ada,a@b.c,Stats 101", "Stats 101 is no name of a group"),
        ("ada,Ada,a@b.c,everyone", "Everybody is in the group everyone"),
        ("ada,Ada,a@b.c,lab,member,more", "more fields than columns"),
        ("ada,Ada,a@b.c,lab,teacher", "teacher is no role: it is member or instructor"),
        ("ada,Ada,a@b.c,,instructor", "Name the group too"),
        (f"ada,{'x' * 201}", "at most 200 characters"),
        ("ada,A\x07", "can't be printed"),
        ("x" * 300_000, "is no name"),
        ("ada,M\ufffdller", "Save the list as CSV in UTF-8"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(line: str, says: str) -> None:
    rows, [problem] = read_roster(f"eve\n{line}\nbob")
    assert problem.line == 2
    assert says in problem.text
    assert [row.name for row in rows] == ["eve", "bob"]


@pytest.mark.parametrize(
    ("headings", "what"),
    [
        ("Username,First name,Surname,Email address", "First name is no column"),
        ("username;first name", "first name is no column"),
        ("Name,Section,E-mail", "Section is no column"),
        ("name,login", "login is no column, or is there twice"),
        ("name,,e-mail", "An empty heading is no column"),
    ],
)
def test_headings_of_another_list_are_no_person(headings: str, what: str) -> None:
    rows, [problem] = read_roster(f"{headings}\nada,Ada")
    assert (rows, problem.line) == ([], 1)
    assert what in problem.text


def test_a_person_may_be_called_user() -> None:
    assert read_roster("user,A User")[0] == [RosterRow(line=1, name="user", full_name="A User")]


@pytest.mark.parametrize("coding", ["cp1252", "utf-16"])
def test_a_list_that_a_browser_could_not_read_is_refused_whole(coding: str) -> None:
    text = "name;full name\r\nada;Ada Müller\r\n".encode(coding).decode("utf-8", "replace")
    rows, problems = read_roster(text)
    assert rows == []
    assert "Save the list as CSV in UTF-8" in problems[0].text


def test_a_list_has_bounds() -> None:
    rows, problems = read_roster("\n".join(f"p{number}" for number in range(MOST_ROWS + 5)))
    assert (len(rows), [problem.line for problem in problems]) == (MOST_ROWS, [MOST_ROWS + 1])
    assert len(read_roster("!\n" * 10_000)[1]) == MOST_PROBLEMS + 1
    assert read_roster(" \n\n") == ([], [])
