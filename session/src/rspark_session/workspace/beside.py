"""What is saved among the objects without a name of the person's: what cells showed, gave to IPython, Python and modules.

Each has a name by which it is found again, which begins with what no name of Python begins with.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MethodType
from typing import Any, NamedTuple

from rspark_session.workspace import callbacks, figures, given, module_state, set_by_cells
from rspark_session.workspace.namespace import shell
from rspark_session.workspace.unsaveable import described
from rspark_session.workspace.watchdog import GetsNowhere, OutOfTime, Watchdog

_OUT, _MAGIC, _FIGURE, _CALLBACK, _MODULE, _SET = "\0Out:", "\0magic:", "\0figure:", "\0callback:", "\0module:", "\0set:"


def is_beside(name: str) -> bool:
    """Return whether something is no name of the person's."""
    return name.startswith("\0")


def is_data(name: str) -> bool:
    """Return whether it is data, so that its loss is a failure."""
    return name.startswith(_MODULE)


def shown(name: str) -> str:
    """Return a name as a person knows it; nothing of what a cell showed, which has a name as well or can be run again."""
    if name.startswith((_FIGURE, _CALLBACK, _MAGIC, _MODULE)):
        return name[1:].replace(":", " ")
    if name.startswith(_SET):
        return name.removeprefix(_SET)
    return "" if name.startswith("\0") else name


def collect(all_given: given.AllGiven, lost: list[dict[str, Any]], watchdog: Watchdog) -> Iterator[tuple[str, Any]]:
    """Yield what is saved beside a person's objects.

    What can't be asked for it, or takes no end to say it, is added to `lost` and takes nothing along.
    """
    sources: dict[str, tuple[str, Callable[[], Mapping[Any, Any]]]] = {
        "results of cells": (_OUT, lambda: shell().user_ns.get("Out", {})),
        "magics": (_MAGIC, _magics),
        "figures": (_FIGURE, figures.open_figures),
        "functions given to IPython": (_CALLBACK, callbacks.of_ipython),
        "functions given to modules": (_CALLBACK, partial(callbacks.of_modules, all_given)),
        "functions given to Python": (_CALLBACK, callbacks.of_python),
        "variables that cells set in modules": (_SET, partial(set_by_cells.captured, shell().user_ns)),
        "variables of modules": (_MODULE, partial(module_state.captured, lost)),
    }
    for title, (prefix, read) in sources.items():
        try:
            with watchdog.watching(lambda: 0):  # nothing of it takes long
                found = [(f"{prefix}{name}", value) for name, value in read().items()]
        except BaseException as problem:  # whatever an object of a person or a library says to being asked
            is_slow = isinstance(problem, (GetsNowhere, OutOfTime))
            why = "It takes no end to be read." if is_slow else f"It could not be read: {described(problem)}."
            lost.append({"name": title, "class": "", "why": f"{why} Give it again.", "failed": is_data(prefix)})
        else:
            yield from found


def _magics() -> dict[str, Any]:
    own = shell().user_ns
    return {
        f"{kind}:{name}": function
        for kind, magics in shell().magics_manager.magics.items()
        for name, function in magics.items()
        if getattr(function, "__globals__", None) is own and not isinstance(function, MethodType)
    }


class Ungiven(NamedTuple):
    """What could not be given back: its name, the entry that names it, and whether there is any use in trying it again."""

    name: str
    entry: dict[str, Any]
    again: bool


def give_back(read: dict[str, Any]) -> Iterator[Ungiven]:
    """Give back what was read; yield what can't be.

    What modules held comes first, then variables, since a table that waits for entries may be one.
    """
    for name in sorted(read, key=lambda each: (not each.startswith(_MODULE), not each.startswith(_SET))):
        try:
            if entry := _give_back(name, read[name]):
                yield Ungiven(name, entry, again=False)
        except Exception as problem:  # a library of another version, for one
            why = f"It could not be given back: {described(problem)}. Give it again."
            if name.startswith(_MODULE):
                why = f"Its variables can't be set: {described(problem)}."
            entry = {"name": shown(name) or name[1:], "class": "", "why": why, "failed": is_data(name)}
            yield Ungiven(name, entry, again=bool(shown(name)))


def _give_back(name: str, value: Any) -> dict[str, Any] | None:
    if name.startswith(_MODULE):
        return module_state.restore(name.removeprefix(_MODULE), value)
    if name.startswith(_OUT):
        number = int(name.removeprefix(_OUT))
        shell().user_ns["Out"][number] = value
        shell().user_ns[f"_{number}"] = value
    elif name.startswith(_MAGIC):
        kind, _, magic = name.removeprefix(_MAGIC).partition(":")
        shell().register_magic_function(value, magic_kind=kind, magic_name=magic)
    elif name.startswith(_CALLBACK):
        callbacks.register(name.removeprefix(_CALLBACK), value)
    elif name.startswith(_SET):
        set_by_cells.restore(value)
    return None
