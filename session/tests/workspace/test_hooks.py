"""What services have in a kernel is named also when they can't list it."""

import importlib.util
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from session.tests.running import CHECKOUT

#: By its file: what stands beside it needs packages that only a kernel has.
_SPEC = importlib.util.spec_from_file_location("hooks", CHECKOUT / "session/src/rspark_session/workspace/hooks.py")
assert _SPEC is not None
assert _SPEC.loader is not None
hooks = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(hooks)

LISTED = {"name": "mine", "class": "view", "why": "It ends."}


def listed() -> list[dict[str, Any]]:
    return [LISTED]


def fails() -> list[dict[str, Any]]:
    raise ConnectionError("the driver is gone")


def hangs() -> list[dict[str, Any]]:
    time.sleep(60)
    return []


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    names: list[str] = []

    def go(name: str, lost: Callable[[], list[dict[str, Any]]] | None) -> None:
        module = ModuleType(name)
        if lost is not None:
            module.__dict__.update(lost=lost, TITLE=name.title())
        monkeypatch.setitem(sys.modules, name, module)
        names.append(name)
        monkeypatch.setenv("RSPARK_PYTHON_HOOKS", " ".join(["a_module_that_was_never_loaded", *names]))

    return go


def test_each_names_what_it_has_and_one_without_has_nothing(add: Callable[..., None]) -> None:
    add("one", listed)
    add("two", None)
    assert hooks.lost() == [LISTED]


@pytest.mark.parametrize(("lost", "why"), [(fails, "ConnectionError: the driver is gone"), (hangs, "it did not answer in 0 s")])
def test_one_that_can_not_list_it_says_so_and_takes_none_along(add: Callable[..., None], lost: Any, why: str) -> None:
    add("broken", lost)
    add("one", listed)
    [said, other] = hooks.lost(0.2)
    assert said == {"name": "Broken", "class": "service", "why": f"What it had in memory is lost and can't be listed: {why}."}
    assert other == LISTED
