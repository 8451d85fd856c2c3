"""Odd objects of Python are kept over a sleep, or named, and take nothing else along."""

from collections.abc import Iterator

import pytest

from .conftest import kernels
from .python_objects import CASES, ObjectCase
from .test_python_workspace import CALL, COMMAND, Sleeper

#: What takes no end is found out in 10 ticks.
TICK = "__import__('rspark_session.workspace.watchdog', fromlist=['_']).Watchdog.tick = 0.1"


@pytest.fixture(scope="module")
def slept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sleeper]:
    """A kernel that has all of them after a sleep."""
    folder = tmp_path_factory.mktemp("python")
    with kernels(folder / "work") as start:
        python = Sleeper(start, folder / "kept")
        for number, case in enumerate(CASES):
            python.run(f"{case.made}\nbetween_{number} = {number}")
        for name in ("save", "restore"):
            if name == "restore":
                python.kernel.end()
                python.kernel = start(COMMAND)
            python.run(TICK)
            assert python.kernel.shown(CALL.format(name=name, folder=str(python.folder)), silent=True) == []
        yield python


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.asked)
def test_it_is_kept_or_named(slept: Sleeper, case: ObjectCase) -> None:
    assert slept.ask(case.asked) == case.answer
    assert set(case.lost) <= {entry["name"] for entry in slept.restored["lost"]}


def test_nothing_else_is_lost(slept: Sleeper) -> None:
    assert {entry["name"] for entry in slept.restored["lost"]} == {name for case in CASES for name in case.lost}
    numbers = range(len(CASES))
    assert slept.ask(f"[{', '.join(f'between_{number}' for number in numbers)}]") == repr(list(numbers))


def test_only_what_was_data_keeps_a_session_awake(slept: Sleeper) -> None:
    assert {entry["name"] for entry in slept.saved["lost"] if entry["failed"]} == {"waits", "hold_waits", "hold_exits"}
