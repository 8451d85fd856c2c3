"""What is kept: whole or not at all."""

import errno
from pathlib import Path

import pytest

from rspark_contract.record import How, Record, read_record
from rspark_session.agent.lifecycle.checkpoint_store import CheckpointStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keep"


def save(store: CheckpointStore, text: str) -> None:
    (store.begin() / "file").write_text(text)


def test_nothing_is_kept_at_first(folder: Path) -> None:
    assert CheckpointStore(folder, 1).latest() is None


def test_what_is_whole_is_found_by_the_next(folder: Path) -> None:
    store = CheckpointStore(folder, 1)
    save(store, "one")
    assert CheckpointStore(folder, 2).latest() is None
    store.complete()
    assert (CheckpointStore(folder, 2).latest() / "file").read_text() == "one"


def test_the_newest_counts_by_its_number(folder: Path) -> None:
    for number in (9, 10):
        (folder / "workspace" / str(number)).mkdir(parents=True)
    assert CheckpointStore(folder, 11).latest().name == "10"


def test_a_new_one_takes_the_place_of_the_old(folder: Path) -> None:
    for number in (1, 2):
        store = CheckpointStore(folder, number)
        save(store, str(number))
        store.complete()
    assert [entry.name for entry in (folder / "workspace").iterdir()] == ["2"]


def test_half_a_workspace_is_dropped_by_the_next(folder: Path) -> None:
    store = CheckpointStore(folder, 1)
    save(store, "one")
    store.complete()
    save(CheckpointStore(folder, 2), "half")
    third = CheckpointStore(folder, 3)
    assert third.latest().name == "1"
    assert list(third.begin().iterdir()) == []
    assert sorted(entry.name for entry in (folder / "workspace").iterdir()) == ["1", "3.new"]


def test_what_was_saved_in_part_can_be_dropped(folder: Path) -> None:
    store = CheckpointStore(folder, 1)
    save(store, "half")
    store.abandon()
    assert list((folder / "workspace").iterdir()) == []


def test_the_record_is_there_for_the_next_start(folder: Path) -> None:
    CheckpointStore(folder, 1).write_record(Record(how=How.STOPPED))
    assert read_record((folder / "record.json").read_text()) == Record(how=How.STOPPED)


def test_a_home_is_full_when_the_disk_or_an_allowance_says_so(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "not/there/yet", 1)
    assert not store.is_full()
    assert not store.is_full(OSError(errno.EACCES, "no"))
    assert store.is_full(OSError(errno.EDQUOT, "Disk quota exceeded"))


def test_what_others_saved_counts_with_the_workspace_it_belongs_to(folder: Path) -> None:
    first = CheckpointStore(folder, 1)
    save(first, "one")
    (first.begin_beside("shell") / "file").write_text("the shell's")
    assert first.latest_beside() == {}, "not yet"
    first.complete()
    second = CheckpointStore(folder, 2)
    assert {name: (place / "file").read_text() for name, place in second.latest_beside().items()} == {"shell": "the shell's"}

    save(second, "two")
    second.begin_beside("app")
    second.abandon()
    assert CheckpointStore(folder, 3).latest_beside().keys() == {"shell"}, "what was given up leaves what there was"

    third = CheckpointStore(folder, 3)
    save(third, "three")
    third.carry_over_beside("shell")
    third.complete()
    assert sorted(entry.name for entry in (folder / "workspace").iterdir()) == ["3", "3.beside"]
    assert (third.latest_beside()["shell"] / "file").read_text() == "the shell's"

    fourth = CheckpointStore(folder, 4)
    save(fourth, "four")
    fourth.complete()
    assert [entry.name for entry in (folder / "workspace").iterdir()] == ["4"]
    assert fourth.latest_beside() == {}
