"""What is taken over from an agent's report, and what is worth writing down."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rspark_contract.reading import SENTENCE
from rspark_contract.record import read_record
from rspark_contract.status import ComponentState, read_status
from rsparkhub.domain.ensemble import Observed
from rsparkhub.domain.observation import apply_observation, is_significant
from rsparkhub.domain.session import Component, Session, State, Wanted

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW = NOON + timedelta(minutes=5)
ROW = Session(
    id="aaaa", owner="ada", name="mine", environment="rspark", wanted=Wanted.RUNNING, state=State.RUNNING, created=NOON,
    queued_at=NOON, memory=100 * 2**20, cpu=0.1, last_activity=NOON,
)  # fmt: skip


def seen(**status: object) -> Session:
    return apply_observation(ROW, reporting({"state": "ready", "memory": ROW.memory, "cpu": ROW.cpu} | status), now=NOW)


def reporting(status: dict[str, object]) -> Observed:
    return Observed(phase="up", status=read_status(json.dumps(status)))


def test_the_row_takes_over_what_the_agent_says() -> None:
    later = NOON + timedelta(minutes=1)
    part = {"name": "interface", "title": "JupyterLab", "state": "ready", "endpoint": {"port": 1}}
    row = seen(
        address="127.0.0.1:99", busy=True, busy_with=["R"], last_activity=later.isoformat(), memory=5, cpu=0.5, parts=[part]
    )
    assert (row.upstream, row.busy, row.busy_with, row.last_activity) == ("127.0.0.1:99", True, ("R",), later)
    assert (row.memory, row.cpu, row.endpoints) == (5, 0.5, {"interface": {"port": 1}})
    assert row.components == (Component(name="interface", title="JupyterLab", state=ComponentState.READY),)


def test_what_the_agent_does_not_know_of_stays() -> None:
    shared = Component(name="postgres", title="PostgreSQL", state=ComponentState.READY)
    waiting = Component(name="interface", title="JupyterLab")
    status = {"state": "starting", "parts": [{"name": "interface", "title": "JupyterLab", "state": "starting"}]}
    after = apply_observation(replace(ROW, components=(shared, waiting), upstream="a:1"), reporting(status), now=NOW)
    assert after.components == (shared, replace(waiting, state=ComponentState.STARTING))
    assert after.upstream == "a:1"


def test_activity_never_goes_back() -> None:
    assert seen(last_activity=(NOON - timedelta(hours=1)).isoformat()).last_activity == NOON
    assert seen(last_activity=None).last_activity == NOON


@pytest.mark.parametrize("later", [timedelta(minutes=2), timedelta(days=1), timedelta(days=365 * 50)])
def test_nobody_has_been_active_after_now(later: timedelta) -> None:
    assert seen(last_activity=(NOW + later).isoformat()).last_activity == NOON
    stored = replace(ROW, last_activity=NOW + later)  # by a version that took it over
    after = apply_observation(stored, reporting({"state": "ready", "last_activity": NOW.isoformat()}), now=NOW)
    assert after.last_activity == NOW
    assert is_significant(stored, after)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"state": "new"}, {"state": None}, {}, {"state": "ready", "memory": -1}, {"state": "ready", "memory": 10**30},
        {"state": "ready", "cpu": float("nan")}, {"state": "ready", "cpu": float("inf")},
        {"state": "ready", "address": "no\nport"},
        {"state": "ready", "address": "http://a/"}, {"state": "ready", "parts": [{"name": "x"}]}, {"state": "ready", "parts": 7},
        {"state": "ready", "parts": [{"name": "x" * 99, "state": "ready"}]}, {"state": "ready", "last_activity": "yesterday"},
        {"state": "ready", "parts": [{"name": "x", "state": "ready"}] * 99},
    ],
)  # fmt: skip
def test_a_report_that_is_none_changes_nothing(nonsense: dict[str, object]) -> None:
    assert read_status(json.dumps(nonsense)) is None
    assert apply_observation(ROW, reporting(nonsense), now=NOW) == ROW


def test_a_text_without_end_is_cut() -> None:
    status = read_status(json.dumps({"state": "failed", "reason": "x" * 10**5}))
    assert status is not None
    assert len(status.reason or "") == SENTENCE
    record = read_record(json.dumps({"how": "failed", "reason": "x" * 10**5}))
    assert record is not None
    assert len(record.reason or "") == SENTENCE


def test_a_session_at_rest_writes_nothing() -> None:
    assert not is_significant(ROW, ROW)
    noise = seen(memory=103 * 2**20, cpu=0.2, last_activity=(NOON + timedelta(seconds=10)).isoformat())
    assert not is_significant(ROW, noise)


@pytest.mark.parametrize(
    "change",
    [
        {"busy": True}, {"memory": 150 * 2**20}, {"memory": 10 * 2**20}, {"cpu": 0.9}, {"address": "127.0.0.1:1"},
        {"last_activity": (NOON + timedelta(seconds=30)).isoformat()}, {"restored": {"kernels": [], "terminals": 1}},
        {"parts": [{"name": "interface", "state": "failed"}]},
    ],
)  # fmt: skip
def test_what_somebody_would_notice_is_written(change: dict[str, object]) -> None:
    assert is_significant(ROW, seen(**change))
