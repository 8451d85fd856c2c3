"""What an agent reports and leaves: whatever a person writes in its place is a bounded report, or none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from contract.tests.mutation import ODD, UNHURRIED, places, put
from hypothesis import given
from hypothesis import strategies as st

from rspark_contract.http import SUSPEND, Ending, ending_path, requested_ending
from rspark_contract.notification import Notification, read_notification
from rspark_contract.record import Record, read_record
from rspark_contract.saved import MOST_LOST_IN_ALL, MOST_REFUSED, LostObject, Saved, SavedKernel, first_lost
from rspark_contract.status import AgentStatus, ComponentState, read_status

FOLDER = Path(__file__).with_name("version1")
STATUS: dict[str, Any] = json.loads((FOLDER / "session.status.json").read_text())
RECORD: dict[str, Any] = json.loads((FOLDER / "session.record.json").read_text())
SERVICE: dict[str, Any] = json.loads((FOLDER / "service.status.json").read_text())
READERS: list[tuple[dict[str, Any], Callable[[str], AgentStatus | Record | None]]] = [
    (STATUS, read_status),
    (SERVICE, read_status),
    (RECORD, read_record),
]


@UNHURRIED
@given(data=st.data())
def test_a_report_in_which_anything_stands_anywhere_is_bounded_or_none(data: st.DataObject) -> None:
    valid, read = data.draw(st.sampled_from(READERS))
    mutated = put(valid, data.draw(st.sampled_from(list(places(valid)))), data.draw(ODD))
    report = read(json.dumps(mutated))
    if report is not None:
        written = json.dumps(report.to_json(), ensure_ascii=False, allow_nan=False).encode()  # it can be stored
        assert len(written) < 2**18
        assert read(written.decode()) == report  # and reading it again changes nothing


@UNHURRIED
@given(value=ODD)
def test_anything_at_all_is_a_report_or_none(value: object) -> None:
    text = json.dumps(value)
    for read in (read_status, read_record):
        assert read(text) is None
    assert read_notification(text.encode()) is None


@UNHURRIED
@given(data=st.binary(max_size=300))
def test_any_bytes_are_a_report_or_none(data: bytes) -> None:
    read_status(data)
    read_record(data)
    read_notification(data)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"state": "new"}, {"state": None}, {}, {"state": "ready", "memory": -1}, {"state": "ready", "memory": 10**401},
        {"state": "ready", "memory": True}, {"state": "ready", "cpu": float("nan")}, {"state": "ready", "cpu": 10**401},
        {"state": "ready", "address": "no\nport"}, {"state": "ready", "address": "127.0.0.1:0"},
        {"state": "ready", "address": "127.0.0.1:99999"}, {"state": "ready", "address": "http://a/"},
        {"state": "ready", "parts": 7}, {"state": "ready", "parts": [{"name": "x"}]},
        {"state": "ready", "parts": [{"name": "../x", "state": "ready"}]},
        {"state": "ready", "parts": [{"name": "x", "state": "ready"}] * 33}, {"state": "ready", "last_activity": "yesterday"},
    ],
)  # fmt: skip
def test_what_is_wrong_at_its_core_is_no_report(nonsense: dict[str, object]) -> None:
    assert read_status(json.dumps(nonsense)) is None


def test_an_odd_entry_takes_only_itself_away() -> None:
    kernels = [
        {"id": "1", "objects": 3, "lost": [{"name": "a"}, "odd", {"class": "x"}, {"name": 5}, {"name": "b", "why": "\ud800"}]},
        "odd",
        {"id": "2", "objects": -1},
        {"id": "3"},
    ]
    record = read_record(json.dumps({"how": "suspended", "saved": {"kernels": kernels}, "parts": [7, {"name": "x", "code": 0}]}))
    assert record is not None
    assert record.saved is not None
    assert [kernel.id for kernel in record.saved.kernels] == ["1", "3"]
    assert [lost.name for lost in record.saved.kernels[0].lost] == ["a", "b"]
    assert [component.name for component in record.components] == ["x"]
    status = read_status(json.dumps({"state": "ready", "busy_with": ["R", 7, "x" * 999], "restored": {"kernels": kernels}}))
    assert status is not None
    assert status.busy_with == ("R", "x" * 199 + "…")
    assert status.restored is not None
    assert len(status.restored.kernels) == 2


def test_lost_objects_are_bounded_in_all() -> None:
    kernel = {"id": "1", "lost": [{"name": "a", "class": "b", "why": "c"}] * 500}
    saved = Saved.parse({"kernels": [kernel] * 500})
    assert sum(len(kernel.lost) for kernel in saved.kernels) == MOST_LOST_IN_ALL


def test_the_rest_of_what_was_lost_is_counted() -> None:
    lost = tuple(LostObject(name=str(n), class_name="", why="") for n in range(5))
    assert first_lost(lost, 5) == lost
    assert [entry.name for entry in first_lost(lost, 2)] == ["0", "1", "…"]
    assert first_lost(lost, 2)[-1].why == "And 3 more."
    kernel = SavedKernel(id="1", name="ir", language="R", lost=lost)
    assert len(Saved(kernels=(kernel,)).shortened(1).kernels[0].lost) == 2


def test_an_agent_that_does_not_listen_yet_has_no_address() -> None:
    status = read_status('{"state": "failed", "address": "", "parts": [{"name": "interface", "state": "waiting"}]}')
    assert status is not None
    assert status.address is None
    assert status.components[0].state is ComponentState.WAITING


def test_a_report_that_is_too_long_is_none() -> None:
    assert read_status(json.dumps({"state": "ready"}) + " " * 2**20) is None


def test_a_notification_names_a_session_and_its_generation() -> None:
    assert read_notification(Notification(session="aaaa", generation=3).to_bytes()) == Notification(session="aaaa", generation=3)
    assert read_notification(b'{"session": "aaaa"}') == Notification(session="aaaa")
    assert read_notification(b'{"session": "aaaa", "about": null}') == Notification(session="aaaa")
    for other in (b"{}", b"[]", b'{"session": 7}', b'{"session": "a", "generation": true}', b'{"session": "a", "about": "x"}'):
        assert read_notification(other) is None


def test_a_member_that_is_there_twice_makes_it_no_report() -> None:
    assert read_status('{"state": "ready", "state": "failed"}') is None
    assert read_status('{"state": "ready", "restored": {"terminals": 1, "terminals": 2}}') is None
    assert read_record('{"how": "stopped", "how": "suspended"}') is None
    assert read_notification(b'{"session": "aaaa", "session": "bbbb"}') is None


@pytest.mark.parametrize("odd", ["\x1b]0;title\x07", "\x9b2J", "\u202etxt.exe", "\u2066", "\u2028", "\ud800", "\0", "\r", "\x7f"])
def test_what_a_terminal_or_a_page_would_obey_is_replaced(odd: str) -> None:
    status = read_status(
        json.dumps({"state": "failed", "reason": f"a{odd}b", "parts": [{"name": "x", "title": odd, "state": "failed"}]})
    )
    assert status is not None
    for shown in (status.reason or "", status.components[0].title):
        assert shown.replace("\N{REPLACEMENT CHARACTER}", "").isprintable()


def test_a_notification_names_a_session_or_is_none() -> None:
    for name in ("../homes/bob", "", ".", "a/b", "A", "\ud800", "a" * 65, "a\0", 7, None, ["a"]):
        assert read_notification(json.dumps({"session": name}).encode()) is None
    assert read_notification(b'{"session": "kq4wz7m2xb"}') == Notification(session="kq4wz7m2xb")


def test_a_report_that_is_nested_without_end_is_none() -> None:
    assert read_status("[" * 10**6) is None
    assert read_status('{"a":' * 10**5) is None
    assert read_status('{"state": "ready", "memory": ' + "9" * 5000 + "}") is None


def test_a_refused_sleep_is_read_within_bounds() -> None:
    lost = [{"name": f"x{i}", "class": "list", "why": "no", "failed": True} for i in range(50)]
    refusal = {"number": 2, "at": "2026-01-05T09:00:00+00:00", "reason": "could not keep `x0`.", "lost": lost}
    status = read_status(json.dumps({"state": "ready", "refusal": refusal}))
    assert status is not None
    assert status.refusal is not None
    assert (status.refusal.number, len(status.refusal.lost), status.refusal.lost[0].failed) == (2, MOST_REFUSED, True)
    assert read_status(json.dumps({"state": "ready", "refusal": {"number": -1}})) is None
    assert AgentStatus.parse(status.to_json()) == status


def test_what_failed_is_named_before_what_is_never_kept() -> None:
    lost = [LostObject(name=f"c{i}", class_name="socket", why="") for i in range(5)]
    lost.append(LostObject(name="x", class_name="list", why="", failed=True))
    named = first_lost(tuple(lost), 2)
    assert [each.name for each in named] == ["x", "c0", "…"]
    assert not named[-1].failed
    assert Saved(kernels=(SavedKernel(id="1", name="ir", language="R", lost=named),)).failures == named[:1]


@pytest.mark.parametrize("ending", get_args(Ending))
def test_each_ending_is_asked_for_by_its_path(ending: Ending) -> None:
    path, _, query = ending_path(ending).partition("?")
    assert requested_ending(path, query) == ending


def test_an_unknown_condition_forces_nothing_less() -> None:
    assert requested_ending(SUSPEND, "if=moon") == "suspend"
    assert requested_ending("/agent/other", "") is None
