"""Passes as files, and folders that are not ours."""

import os
from pathlib import Path

import pytest

from rsparkhub.auth.cookies import NAMES
from rsparkhub.auth.entrance import cookie_name
from rsparkhub.auth.passes import Passes
from rsparkhub.domain import door
from rsparkhub.settings import is_private

GOOD = {"host": "hub", "credential": f"rsparkhub=rsl_{'x' * 43}", "session": "abc", "upstream": "10.0.0.1:80", "secret": "s3cret"}


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_pass_is_a_file_that_only_we_may_see(tmp_path: Path) -> None:
    folder = tmp_path / "passes"
    Passes(folder).give(second=7, **GOOD)
    assert files(folder) == [f"7/hub~rsparkhub=rsl_{'x' * 43}~abc/10.0.0.1:80~s3cret"]
    assert folder.stat().st_mode & 0o777 == 0o700


def test_to_give_it_twice_is_to_give_it_once(tmp_path: Path) -> None:
    passes = Passes(tmp_path / "passes")
    for upstream in ("10.0.0.1:80", "10.0.0.2:80"):
        passes.give(second=7, **{**GOOD, "upstream": upstream})
    assert len(files(tmp_path / "passes")) == 1


def test_what_was_taken_back_may_be_given_anew(tmp_path: Path) -> None:
    passes = Passes(tmp_path / "passes")
    passes.give(second=7, **GOOD)
    passes.take_back("abc")
    passes.give(second=7, **{**GOOD, "upstream": "10.0.0.2:80"})
    assert [name.rsplit("/")[-1] for name in files(tmp_path / "passes")] == ["10.0.0.2:80~s3cret"]


def test_to_take_back_what_is_gone_is_no_error(tmp_path: Path) -> None:
    passes = Passes(tmp_path / "passes")
    passes.give(second=7, **GOOD)
    Passes(tmp_path / "passes")  # another hub has swept
    passes.take_back("abc")
    passes.turn(8)
    passes.close()
    assert not (tmp_path / "passes").exists()


def test_a_folder_that_somebody_took_away_is_made_anew_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "passes"
    passes = Passes(folder)
    folder.rmdir()
    for _ in range(2):
        passes.give(second=7, **GOOD)
    assert len(files(folder)) == 1
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", "a/b"),
        ("host", "a~b"),
        ("host", ""),
        ("host", "a" * 200),
        ("credential", "rsparkhub=../../etc/passwd-and-more-letters"),
        ("credential", "rsparkhub=short"),
        ("credential", "other=rsl_" + "x" * 43),
        ("credential", "bearer=" + "x" * 20 + "~"),
        ("credential", "bearer=" + "*" * 20),
        ("upstream", "unix//run/hub.sock"),
        ("upstream", "a b"),
        ("secret", "a/b"),
        ("secret", ""),
    ],
)
def test_a_name_that_would_say_something_else_gets_no_pass(tmp_path: Path, name: str, value: str) -> None:
    passes = Passes(tmp_path / "passes")
    passes.give(second=7, **{**GOOD, name: value})
    assert files(tmp_path / "passes") == []


def test_a_hub_that_starts_sweeps_what_the_last_one_left(tmp_path: Path) -> None:
    Passes(tmp_path / "passes").give(second=7, **GOOD)
    Passes(tmp_path / "passes")
    assert files(tmp_path / "passes") == []


def test_a_folder_that_others_may_write_in_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "passes"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    Passes(folder).give(second=7, **GOOD)
    assert files(folder) == []


def test_a_link_to_elsewhere_is_no_folder_of_ours(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (tmp_path / "passes").symlink_to(elsewhere)
    assert not is_private(tmp_path / "passes")


def test_a_folder_of_another_person_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_private(tmp_path / "passes")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert not is_private(tmp_path / "passes")


def test_without_a_folder_nothing_is_given() -> None:
    passes = Passes(None)
    passes.give(second=7, **GOOD)
    passes.turn(8)
    passes.close()


def test_a_place_that_can_hold_no_folder_is_done_without(tmp_path: Path) -> None:
    Passes(tmp_path / "missing" / "passes").give(second=7, **GOOD)


def test_both_sides_call_the_cookies_by_the_same_names() -> None:
    assert {door.HUB_COOKIE, f"{door.SECURE}{door.HUB_COOKIE}"} == NAMES
    assert {door.SESSION_COOKIE, f"{door.SECURE}{door.SESSION_COOKIE}"} == {cookie_name(secure=False), cookie_name(secure=True)}
