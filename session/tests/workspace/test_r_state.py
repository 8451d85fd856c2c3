"""What R has beside its objects after a sleep."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import kernels
from .r_state import CASES, StateCase
from .test_r_workspace import Sleeper, library  # noqa: F401  (a fixture)


@pytest.fixture(scope="module")
def slept(tmp_path_factory: pytest.TempPathFactory, library: Path) -> Iterator[Sleeper]:  # noqa: F811
    """A kernel in which all of it was set up before a sleep."""
    folder = tmp_path_factory.mktemp("r")
    with kernels(folder / "work") as start:
        r = Sleeper(start, folder / "kept", library)
        r.run("rspark:::workspace_baseline()")  # as each kernel of a session starts
        for case in CASES:
            try:
                r.run(case.made)
            except AssertionError as problem:
                raise AssertionError(case.made) from problem
        r.sleep()
        yield r


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_it_is_kept_or_named(slept: Sleeper, case: StateCase) -> None:
    if case.named:
        assert any(case.named in name for name in slept.lost()), slept.lost()
    else:
        assert slept.ask(case.asked) == case.answer


def test_nothing_of_it_failed(slept: Sleeper) -> None:
    assert [entry for entry in slept.left("restored.json")["lost"] if entry.get("failed")] == []
