"""What the person's own modules hold: a file of theirs is imported anew after the sleep, and its variables are what they were."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from rspark_session.workspace.objects import is_persons
from rspark_session.workspace.placeholder import NotKept
from rspark_session.workspace.unsaveable import described


class ModuleState(NamedTuple):
    """A module's variables, and when its file was written. Saved files hold it."""

    written: float
    variables: dict[str, Any]


def captured(lost: list[dict[str, Any]]) -> dict[str, ModuleState]:
    """Return what the modules hold, by their names: functions, classes and modules are the file's.

    One that can't be looked at is added to `lost`.
    """
    found = {}
    for name, module in list(sys.modules.items()):
        is_mine = False
        try:
            is_mine = name != "__main__" and issubclass(type(module), ModuleType) and is_persons(name)
            if not is_mine:
                continue
            variables = {key: value for key, value in vars(module).items() if not key.startswith("__") and _is_data(value)}
            if variables:
                found[name] = ModuleState(_written(module), variables)
        except Exception as problem:  # what stands for a module says what it likes
            why = f"Its variables can't be looked at: {described(problem)}. Set them again."
            lost.append({"name": f"module {name}", "class": "module", "why": why, "failed": is_mine})
    return found


def restore(name: str, saved: ModuleState) -> dict[str, Any] | None:
    """Set what a module held; return it as lost where its file was changed meanwhile, since then the file's values count.

    Raises
    ------
    ImportError
        When it can't be imported.
    """
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as problem:  # whatever it does when it is imported
        raise ImportError(f"it can't be imported: {described(problem)}") from problem
    kept = {key: value for key, value in saved.variables.items() if not isinstance(value, NotKept)}
    now = vars(module)  # a module's own `__getattr__` is not asked
    changed = {key: value for key, value in kept.items() if key not in now or not _is_same(now[key], value)}
    if changed and _written(module) != saved.written:
        why = f"Its file was changed, and its variables are what it says now ({', '.join(list(changed)[:5])})."
        return {"name": name, "class": "module", "why": why, "failed": False}
    vars(module).update(changed)
    return None


def _is_data(value: Any) -> bool:
    return not (issubclass(type(value), (ModuleType, type)) or callable(value))  # its type: an odd object raises when it is asked


def _is_same(a: Any, b: Any) -> bool:
    """Return whether two values are the same without doubt: those of odd classes may compare as they like."""
    return a is b or (type(a) is type(b) and type(a) in (int, float, str, bytes, bool, type(None)) and a == b)


def _written(module: ModuleType) -> float:
    try:
        return Path(module.__file__ or "").stat().st_mtime
    except OSError:
        return 0.0
