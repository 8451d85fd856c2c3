"""Nothing is lost, nothing runs twice, nothing is left: whoever is killed, and whenever."""

from pathlib import Path

import pytest

from tests.chaos.harness import Plan, run


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_nothing_is_lost_while_hub_controller_and_edge_are_killed(tmp_path: Path) -> None:
    report = await run(Plan(sessions=6, rounds=6, seed=2026, real=False, pause=2.5), tmp_path)
    assert report.kills.total() >= 4
    assert report.good, "\n".join(report.lines())


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_r_workspaces_are_intact_after_thirty_rounds_with_twenty_sessions(tmp_path: Path) -> None:
    report = await run(Plan(sessions=20, rounds=30, seed=2026), tmp_path)
    assert report.kills.total() >= 20
    assert report.woken >= 20
    assert report.good, "\n".join(report.lines())
