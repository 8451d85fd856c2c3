"""What a kernel's workspace is beside its objects: folder, imports, random numbers."""

import importlib
import os
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from rspark_session.workspace.unsaveable import class_name


@dataclass
class State:
    """What is pickled beside the objects; its module, its name and its fields stand in saved files."""

    folder: str
    search: list[str]  # sys.path
    modules: dict[str, str]  # name in the namespace → module
    random: Any
    numpy_random: Any = None
    lost: list[dict[str, Any]] = field(default_factory=list)


def capture(names: list[str], space: dict[str, Any]) -> State:
    """Return the state of this kernel; `names` are the person's."""
    state = State(folder=str(Path.cwd()), search=list(sys.path), modules={}, random=random.getstate())
    for name in names:
        module = space[name]
        if not isinstance(module, ModuleType):
            continue
        if sys.modules.get(module.__name__) is module:
            state.modules[name] = module.__name__
        else:
            state.lost.append(lost(name, module, "It is a module that can't be imported by its name. Make it again."))
    if "numpy.random" in sys.modules:
        state.numpy_random = sys.modules["numpy.random"].get_state()
    return state


def apply(state: State, space: dict[str, Any]) -> list[dict[str, Any]]:
    """Restore folder and imports, and return what of them is lost."""
    problems = []
    try:
        os.chdir(state.folder)
    except OSError as problem:
        reason = f"The working directory is not there any more: {problem.strerror or problem}."
        problems.append({"name": state.folder, "class": "folder", "why": reason})
    sys.path.extend(entry for entry in state.search if entry not in sys.path)
    for name, module in state.modules.items():
        try:
            space[name] = importlib.import_module(module)
        except Exception as problem:  # whatever the module does when it is imported
            problems.append({"name": name, "class": "module", "why": f"The module {module} can't be imported: {problem}."})
    return problems


def apply_random(state: State) -> None:
    """Restore the state of random numbers. Call it last, since reading objects may draw some."""
    random.setstate(state.random)
    if state.numpy_random is not None:
        importlib.import_module("numpy.random").set_state(state.numpy_random)


def lost(name: str, value: Any, why: str, *, failed: bool = False) -> dict[str, Any]:
    """Return the entry that reports something lost to a person; `failed` where it was data."""
    return {"name": name, "class": class_name(value), "why": why, "failed": failed}
