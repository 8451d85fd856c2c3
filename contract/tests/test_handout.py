"""What a link may bring is read strictly: no other protocol, no credentials, nothing that leads elsewhere."""

import pytest

from rspark_contract.handout import Handout, HandoutState, HandoutStatus, branch, read_status, relative_path, source
from rspark_contract.reading import Unreadable

GOOD_SOURCES = (
    "https://github.com/our-course/labs",
    "https://git.example:8443/a/labs.git",
    "http://127.0.0.1:9/x/.git",
    "https://dev.example/our%20course/_git/labs/",
    "tutorial",
)
BAD_SOURCES = (
    "", "file:///etc", "ext::sh -c touch% /tmp/x", "ssh://git@host/x", "git@host:x", "git://host/x", "ftp://host/x",
    "--upload-pack=touch /tmp/x", "-u", "https://ada:secret@host/x", "https://token@host/x", "https://host/x?token=1",
    "https://host/x#y", "https://host", "https://-host/x", "http://[::1]/x", "http://[2:]/x",
    "https://host/x y", "https://host/x\n", "https://host/a/../b",
    "https://host/./b", "https://host/%2e%2e/b", "https://host/a%2f..%2fb", "https://host/a\\b", "HTTPS://host/x", "Tutorial",
    "../tutorial", "/etc", 7, None, "https://host/" + "x" * 500,
)  # fmt: skip


@pytest.mark.parametrize("value", GOOD_SOURCES)
def test_a_source_is_an_address_or_a_template(value: str) -> None:
    assert source(value) == value


@pytest.mark.parametrize("value", BAD_SOURCES)
def test_other_sources_are_refused(value: object) -> None:
    with pytest.raises(Unreadable):
        source(value)


@pytest.mark.parametrize("value", ["main", "week-2", "a/b", "v1.2", "feature/x@y"])
def test_a_branch_has_the_name_of_one(value: str) -> None:
    assert branch(value) == value


@pytest.mark.parametrize("value", ["", "-x", "a..b", "a//b", "a/.b", "a/", "a.", "a@{1}", "a b", "a:b", "+a", "a\n", 3])
def test_what_is_no_branch_is_refused(value: object) -> None:
    with pytest.raises(Unreadable):
        branch(value)


@pytest.mark.parametrize("value", ["lab1.Rmd", "week 1/lab é.qmd", "a/b.c/d..e"])
def test_a_path_stays_inside(value: str) -> None:
    assert relative_path(value) == value


@pytest.mark.parametrize(
    "value", ["", "/a", "a/../b", "..", "a//b", ".git/config", "a/.GIT/x", "a\\b", "a\0b", "a\n", "./a", "a/.hidden", 1]
)
def test_a_path_that_leads_out_is_refused(value: object) -> None:
    with pytest.raises(Unreadable):
        relative_path(value)


def test_a_handout_is_read_as_it_was_written_and_strictly() -> None:
    handout = Handout(source="https://git.example/labs", branch="main", folder="week1", document="lab1.Rmd", redirects=False)
    assert Handout.parse(handout.to_json()) == handout
    assert Handout.parse(handout.to_json()).id == handout.id != Handout(source=handout.source).id
    for name in ("branch", "folder", "document"):
        with pytest.raises(Unreadable):
            Handout.parse({**handout.to_json(), name: "../x"})


@pytest.mark.parametrize("opens", ["//evil.example", "/etc", "https://evil.example", "a/../../b", "../x", "a\\b", "a//b"])
def test_a_status_opens_nothing_but_the_session(opens: str) -> None:
    status = HandoutStatus(id="0" * 16, state=HandoutState.DONE, notes=("one",), opens="lab/tree/labs/lab%201.Rmd?x=//y")
    assert HandoutStatus.parse(status.to_json()) == status
    with pytest.raises(Unreadable):
        HandoutStatus.parse({**status.to_json(), "opens": opens})


def test_what_is_no_status_is_none() -> None:
    assert read_status(b"[]") is None
