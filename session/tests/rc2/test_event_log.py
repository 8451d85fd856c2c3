"""The log of events: numbered, bounded, and whole after a crash."""

import errno
import json
import os
from pathlib import Path

import pytest

from rspark_session.rc2.event_log import EventLog


def record(log: EventLog, count: int, text: str = "x") -> None:
    for _ in range(count):
        log.append(lambda number: json.dumps({"seq": number, "text": text}, separators=(",", ":")).encode())


def numbers(events: list[bytes]) -> list[int]:
    return [json.loads(event)["seq"] for event in events]


def test_what_follows_a_number_comes_in_order(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    assert (log.oldest, log.last, log.after(0, most_bytes=100)) == (1, 0, [])
    record(log, 20)
    assert numbers(log.after(0, most_bytes=10_000)) == [*range(1, 21)]
    assert numbers(log.after(15, most_bytes=10_000)) == [*range(16, 21)]
    assert log.after(20, most_bytes=10_000) == []
    assert log.after(99, most_bytes=10_000) == []


def test_much_comes_in_pieces_and_each_event_once(tmp_path: Path) -> None:
    log = EventLog(tmp_path, segment_bytes=500, memory_bytes=300)
    record(log, 100)
    since, seen = 0, []
    while piece := log.after(since, most_bytes=100):
        seen += numbers(piece)
        since = seen[-1]
    assert seen == [*range(1, 101)]


@pytest.mark.parametrize("memory", [10_000, 300])
def test_who_goes_through_all_sees_what_was_there_at_the_beginning(tmp_path: Path, memory: int) -> None:
    log = EventLog(tmp_path, segment_bytes=500, most_bytes=5_000, memory_bytes=memory)
    record(log, 50)
    events = log.all()
    seen = [next(events)]
    record(log, 5)
    assert numbers([*seen, *events]) == [*range(1, 51)]
    events = log.all()
    record(log, 1000)
    assert set(numbers([*events])) <= {*range(1, 56)}


def test_another_server_goes_on_where_one_was_killed(tmp_path: Path) -> None:
    first = EventLog(tmp_path, segment_bytes=500)
    record(first, 30)  # and never closed
    second = EventLog(tmp_path, segment_bytes=500)
    assert (second.epoch, second.last) == (first.epoch, 30)
    record(second, 5)
    assert numbers(second.after(28, most_bytes=10_000)) == [29, 30, 31, 32, 33, 34, 35]
    assert numbers(list(second.all())) == [*range(1, 36)]


def test_half_an_event_is_cut_off(tmp_path: Path) -> None:
    record(EventLog(tmp_path), 3)
    [file] = tmp_path.glob("*.jsonl")
    os.truncate(file, file.stat().st_size - 4)
    log = EventLog(tmp_path)
    assert log.last == 2
    record(log, 1, "new")
    assert numbers(log.after(0, most_bytes=10_000)) == [1, 2, 3]


def test_the_oldest_go_first(tmp_path: Path) -> None:
    log = EventLog(tmp_path, most_bytes=2000, segment_bytes=500, memory_bytes=100)
    record(log, 500)
    assert sum(file.stat().st_size for file in tmp_path.glob("*.jsonl")) <= 2000
    assert log.oldest > 400
    assert numbers(log.after(0, most_bytes=100_000)) == [*range(log.oldest, 501)]


def test_a_full_disk_loses_nothing_while_the_server_runs(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log")
    record(log, 2)
    log.close()
    (tmp_path / "log").rename(tmp_path / "elsewhere")  # nothing can be written there any more
    record(log, 3)
    assert numbers(log.after(0, most_bytes=10_000)) == [1, 2, 3, 4, 5]
    assert numbers(log.after(3, most_bytes=10_000)) == [4, 5]


def fill_disk(monkeypatch: pytest.MonkeyPatch, *, room: int = 0) -> None:
    """Let a file take `room` bytes of what is written next, and nothing more."""
    write, left = os.write, [room]

    def full(file: int, content: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken, left[0] = content[: left[0]], 0
        return write(file, taken)

    monkeypatch.setattr("rspark_session.rc2.event_log.os.write", full)


def test_a_full_disk_costs_nothing_that_was_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = EventLog(tmp_path, most_bytes=2000, segment_bytes=500, memory_bytes=100)
    record(log, 20)
    with monkeypatch.context() as full:
        fill_disk(full, room=7)
        record(log, 100)
    assert numbers(log.after(0, most_bytes=10_000))[:20] == [*range(1, 21)]
    assert all(file.stat().st_size for file in tmp_path.glob("*.jsonl"))
    record(log, 3)
    assert numbers(EventLog(tmp_path).after(0, most_bytes=10_000)) == [*range(1, 21), 121, 122, 123]


def test_a_number_is_never_another_events_of_one_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = EventLog(tmp_path)
    record(first, 3)
    with monkeypatch.context() as full:
        fill_disk(full)
        record(first, 2)  # clients have seen 4 and 5
    second = EventLog(tmp_path)
    assert second.last == 3
    assert second.epoch != first.epoch
    [file] = tmp_path.glob("*.jsonl")
    os.truncate(file, file.stat().st_size - 4)  # and 3
    assert EventLog(tmp_path).epoch != second.epoch


def test_files_without_a_whole_event_are_none(tmp_path: Path) -> None:
    record(EventLog(tmp_path), 3)
    (tmp_path / "000000000000004.jsonl").touch()
    (tmp_path / "000000000000007.jsonl").write_bytes(b"\0" * 40 + b'"text":"x"}\n{"seq":8,"te')
    log = EventLog(tmp_path, segment_bytes=100, memory_bytes=10)
    assert log.last == 3
    record(log, 20)
    for number in range(23):
        assert numbers(log.after(number, most_bytes=10_000)) == [*range(number + 1, 24)]
    assert numbers(list(EventLog(tmp_path).all())) == [*range(1, 24)]


def test_small_files_of_many_servers_are_within_the_bound(tmp_path: Path) -> None:
    for _ in range(40):
        log = EventLog(tmp_path, most_bytes=4000, segment_bytes=500)
        record(log, 1)
        log.close()
    assert numbers(list(EventLog(tmp_path).all())) == [*range(1, 41)]


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe\x80"])
def test_a_damaged_epoch_is_another(tmp_path: Path, damage: bytes) -> None:
    EventLog(tmp_path)
    (tmp_path / "epoch").write_bytes(damage)
    epoch = EventLog(tmp_path).epoch
    assert len(epoch) == 16
    assert EventLog(tmp_path).epoch == epoch


def test_one_event_is_found_by_its_number(tmp_path: Path) -> None:
    log = EventLog(tmp_path, segment_bytes=500, memory_bytes=100)
    record(log, 50)
    found = log.event(7)
    assert found is not None
    assert json.loads(found)["seq"] == 7
    assert log.event(51) is None
