"""What a kernel's workspace is beside its objects, part by part: each is saved and restored by itself.

A part that fails is named and takes no other along. `State` is what versions before this one pickled in one piece.
"""

import importlib
import pickle
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple, TypeGuard

from rspark_session.workspace import figures, ipython_state, library_state, process_state, settings
from rspark_session.workspace.unsaveable import class_name, described, said
from rspark_session.workspace.watchdog import Watchdog


class Part(NamedTuple):
    """One part: its name to a person, what returns it (None: nothing to save), and what restores it and returns its losses."""

    name: str
    capture: Callable[[], Any]
    apply: Callable[[Any], list[str]]


#: In the order in which they are restored: modules are imported when folder and search path are what they were.
PARTS = (
    Part("environment", process_state.environment, process_state.set_environment),
    Part("working directory", process_state.folder, process_state.set_folder),
    Part("search path", process_state.search_path, process_state.set_search_path),
    Part("locale", process_state.locale_settings, process_state.set_locale),
    Part("recursion limit", sys.getrecursionlimit, process_state.set_recursion_limit),
    Part("umask", process_state.umask, process_state.set_umask),
    Part("interpreter", process_state.interpreter, process_state.set_interpreter),
    Part("limits", process_state.limits, process_state.set_limits),
    Part("defaults of Python's modules", process_state.defaults, process_state.set_defaults),
    Part("settings of modules", settings.read, settings.write),
    Part("signals", settings.signals, settings.set_signals),
    Part("decimal context", process_state.decimal_context, process_state.set_decimal_context),
    Part("logging", process_state.logging_settings, process_state.set_logging),
    Part("numpy options", library_state.numpy_options, library_state.set_numpy_options),
    Part("pandas options", library_state.pandas_options, library_state.set_pandas_options),
    Part("matplotlib settings", library_state.matplotlib_settings, library_state.set_matplotlib_settings),
    Part("fonts of matplotlib", library_state.fonts, library_state.add_fonts),
    Part("matplotlib's backend", figures.backend, figures.set_backend),
    Part("extensions", ipython_state.extensions, ipython_state.load_extensions),
    Part("options of IPython", ipython_state.options, ipython_state.set_options),
    Part("other names of magics", ipython_state.magic_aliases, ipython_state.set_magic_aliases),
    Part("aliases", ipython_state.aliases, ipython_state.set_aliases),
    Part("input history", ipython_state.history, ipython_state.set_history),
    Part("folders of IPython", ipython_state.folders, ipython_state.set_folders),
    Part("sources of cells", ipython_state.sources, ipython_state.set_sources),
    Part("how results are shown", ipython_state.display, ipython_state.set_display),
)


@dataclass
class State:
    """What versions before this one pickled; its module, its name and its fields stand in saved files."""

    folder: str
    search: list[str]
    modules: dict[str, str]
    random: Any
    numpy_random: Any = None
    lost: list[dict[str, Any]] = field(default_factory=list)


class Captured(NamedTuple):
    """What is saved: each part as a pickle of its own, modules by the names that they have in the kernel, and random numbers."""

    parts: dict[str, bytes]
    modules: dict[str, str]
    random: bytes
    lost: list[dict[str, Any]]

    def dump(self) -> bytes:
        """Return it as a file's content."""
        return pickle.dumps(tuple(self))


def load(content: bytes) -> Captured:
    """Read what `dump` returned, or what a version before this one wrote."""
    read = pickle.loads(content)  # noqa: S301  (we wrote it, into the person's own folder)
    if isinstance(read, State):
        parts = {"working directory": pickle.dumps((read.folder, None)), "search path": pickle.dumps(read.search)}
        return Captured(parts, read.modules, pickle.dumps((read.random, read.numpy_random)), [])
    return Captured(*read)


def capture(names: list[str], space: dict[str, Any], watchdog: Watchdog) -> Captured:
    """Return the state of this kernel; `names` are the person's."""
    lost_entries: list[dict[str, Any]] = []
    parts: dict[str, bytes] = {}

    def not_saved(problem: BaseException) -> None:
        lost_entries.append(failed(part.name, f"It can't be saved: {described(problem)}."))

    for part in PARTS:
        with watchdog.guarding(not_saved):  # a library may have anything in its settings
            value = part.capture()
            if value is not None:
                parts[part.name] = pickle.dumps(value)
    modules = {}
    for name in names:
        module = space[name]
        if not is_module(module):
            continue
        if found := _name_of(module):
            modules[name] = found
        else:
            lost_entries.append(lost(name, module, "It is a module that can't be imported by its name. Make it again."))
    return Captured(parts, modules, pickle.dumps((random.getstate(), _random_of_numpy(lost_entries, watchdog))), lost_entries)


def apply(captured: Captured, space: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Restore all but the random numbers; return what of it is lost, and what of that can be tried again: its name, and why."""
    problems: list[dict[str, Any]] = []
    again = {}
    for part in PARTS:
        if part.name not in captured.parts:
            continue
        found = _apply(part, captured)
        if found and part.name != _FOLDER:
            again[_PART + part.name] = found[0]["why"]
            found = [entry | {"why": f"{entry['why']} {way_back(part.name)}"} for entry in found]
        problems += found
        if part.name == "search path":
            problems += _import_modules(captured.modules, space)
    return problems, again


def apply_again(content: bytes, name: str) -> str | None:
    """Restore one part of what `dump` returned, by the name that `apply` gave it; return why that can't be done."""
    captured = load(content)
    found = [entry for part in PARTS if _PART + part.name == name for entry in _apply(part, captured)]
    return " ".join(entry["why"] for entry in found) or None


def is_part(name: str) -> bool:
    """Return whether a name is one of `apply`."""
    return name.startswith(_PART)


def shown_part(name: str) -> str:
    """Return the name of a part as a person knows it."""
    return name.removeprefix(_PART)


def way_back(shown: str) -> str:
    """Return the sentence that says how to try again."""
    return f"It is still kept: `%rspark_kept {shown}` tries again."


_PART, _FOLDER = "\0part:", "working directory"


def _apply(part: Part, captured: Captured) -> list[dict[str, Any]]:
    try:
        value = pickle.loads(captured.parts[part.name])  # noqa: S301
        if part.name == _FOLDER:
            return process_state.enter_folder(value)
        return [failed(part.name, why) for why in part.apply(value)]
    except Exception as problem:  # a library that is not there any more, or of another version
        return [failed(part.name, f"It can't be restored: {described(problem)}.")]


def apply_random(captured: Captured) -> list[dict[str, Any]]:
    """Restore the state of random numbers, and return what of it is lost. Call it last, since reading objects may draw some."""
    try:
        state, of_numpy = pickle.loads(captured.random)  # noqa: S301
        random.setstate(state)
        if of_numpy is not None:  # versions before this one have it as it is, and not by itself
            of_numpy = pickle.loads(of_numpy) if isinstance(of_numpy, bytes) else of_numpy  # noqa: S301
            importlib.import_module("numpy.random").set_state(of_numpy)
    except Exception as problem:  # numpy is not there any more, or another one
        return [failed("random numbers", f"They can't be restored: {described(problem)}. Set the seed again.")]
    return []


def _random_of_numpy(lost_entries: list[dict[str, Any]], watchdog: Watchdog) -> bytes | None:
    def not_saved(problem: BaseException) -> None:
        lost_entries.append(failed("random numbers of numpy", f"They can't be saved: {described(problem)}. Set the seed again."))

    state = None
    if "numpy.random" in sys.modules:
        with watchdog.guarding(not_saved):
            state = pickle.dumps(sys.modules["numpy.random"].get_state())
    return state


def _name_of(module: ModuleType) -> str | None:
    """Return the name by which a module is imported, if it has one."""
    try:
        return module.__name__ if sys.modules.get(module.__name__) is module else None
    except Exception:  # it was made by hand, without a name
        return None


def is_module(value: Any) -> TypeGuard[ModuleType]:
    """Return whether a value is a module, by its type: an odd object raises when it is asked."""
    return issubclass(type(value), ModuleType)


def lost(name: str, value: Any, why: str, *, failed: bool = False) -> dict[str, Any]:
    """Return the entry that reports something lost to a person; `failed` where it was data."""
    return {"name": name, "class": class_name(value), "why": why, "failed": failed}


def _import_modules(modules: dict[str, str], space: dict[str, Any]) -> list[dict[str, Any]]:
    problems = []
    for name, module in modules.items():
        try:
            space[name] = importlib.import_module(module)
        except (Exception, SystemExit) as problem:  # whatever the module does when it is imported
            why = f"The module {module} can't be imported: {said(problem)}."
            problems.append({"name": name, "class": "module", "why": why, "failed": False})
    return problems


def failed(name: str, why: str) -> dict[str, Any]:
    """Return the entry of a part that is lost."""
    return {"name": name, "class": "state", "why": why, "failed": False}
