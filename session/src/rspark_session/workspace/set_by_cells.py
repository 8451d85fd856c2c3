"""What cells set in modules and classes that are not theirs, as by `math.tau2 = 3` or `setattr(pandas, "mine", 3)`.

No module says which of its variables somebody set, so they are looked for in the text of cells: what a cell assigns to is found,
and its value is what there is now. Functions of cells are none of it: `given` finds them, wherever they were set.
"""

import ast
import importlib
import re
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from rspark_session.workspace.namespace import shell
from rspark_session.workspace.objects import is_persons

#: Letters that are read in all, the newest cells first, and of one cell: a longer one is data that was pasted. Reading a megabyte
#: takes a second or two; where it takes longer than this many seconds, older cells are not read.
_MOST_READ, _MOST_OF_A_CELL, _LONGEST = 2**20, 2**17, 5.0
_OF_THE_KERNEL = frozenset({"__main__", "ipykernel", "IPython", "rspark_session", "traitlets", "tornado", "zmq"})
#: What is saved, or named, in another way.
_NOT = frozenset(
    {("sys", name) for name in ("stdin", "stdout", "stderr", "displayhook", "excepthook", "argv", "path", "modules", "meta_path")}
    | {
        ("sys", "path_hooks"),
        ("sys", "path_importer_cache"),
        ("os", "environ"),
        ("warnings", "filters"),
        ("builtins", "__dict__"),
    }
)
#: Members of a class that `given` looks for.
_MEMBERS = (FunctionType, staticmethod, classmethod, property)
#: What can be called and is asked of nobody afterwards: what there is of it ends with the kernel.
_TELLS_NOBODY = re.compile(
    r"\b(addaudithook|register_at_fork|faulthandler\.register|dump_traceback_later|reset_tzpath|charset\.add_\w+)\s*\("
)


class Place(NamedTuple):
    """A variable: the module that it is in, the names that lead to it from there, and the key where it is an entry of a table."""

    module: str
    names: tuple[str, ...]
    key: Any = None
    in_table: bool = False

    def __str__(self) -> str:
        path = ".".join((self.module, *self.names))
        return f"{path}[{self.key!r}]" if self.in_table else path


class _Target(NamedTuple):
    """What a cell assigns to: names with points between them, and the key behind."""

    names: tuple[str, ...]
    key: Any = None
    in_table: bool = False


def captured(space: dict[str, Any]) -> dict[str, tuple[Place, Any]]:
    """Return what was set, by what a person calls it."""
    found = _Reader()
    for cell in _cells(shell().history_manager.input_hist_parsed):
        found.read(cell)
    values = {}
    for target in found.targets:
        with suppress(Exception):  # whatever an object of a library says to being looked at
            if place := _resolved(target, space, found.imported):
                values[str(place[0])] = place
    return values


def restore(saved: tuple[Place, Any]) -> None:
    """Set one again."""
    place, value = Place(*saved[0]), saved[1]
    holder: Any = importlib.import_module(place.module)
    for name in place.names if place.in_table else place.names[:-1]:
        holder = vars(holder)[name]
    if place.in_table:
        holder[place.key] = value
    else:
        setattr(holder, place.names[-1], value)


def calls_to_nobody() -> list[str]:
    """Return which functions the cells of this kernel called whose effect ends with it and can't be asked for."""
    cells = shell().history_manager.input_hist_parsed[_restored_cells[0] :]
    return list(dict.fromkeys(call for cell in cells for call in _TELLS_NOBODY.findall(cell)))


#: How many cells were run by the kernels before.
_restored_cells = [0]


def forget_calls(cells: int) -> None:
    """Note that so many cells were not run by this kernel."""
    _restored_cells[0] = cells


def _cells(history: list[str]) -> Iterator[str]:
    left, until = _MOST_READ, time.monotonic() + _LONGEST
    for cell in reversed(history):
        if time.monotonic() > until:
            return
        if len(cell) <= min(left, _MOST_OF_A_CELL) and _may_set(cell):
            left -= len(cell)
            yield cell


def _may_set(cell: str) -> bool:
    """Return whether a cell has what no assignment to another's variable is without; this looks at every cell of a kernel."""
    return "setattr" in cell or ("." in cell and "=" in cell)


class _Reader(ast.NodeVisitor):
    """Collects what code assigns to, and what its imports call what they import."""

    def __init__(self) -> None:
        self.targets: dict[_Target, None] = {}
        self.imported: dict[str, str] = {}

    def read(self, code: str) -> None:
        with suppress(SyntaxError, ValueError, RecursionError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.visit(ast.parse(code))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Store) and (names := _dotted(node)):
            self.targets[_Target(names)] = None
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.ctx, ast.Store) and (names := _dotted(node.value)):
            with suppress(ValueError):
                key = ast.literal_eval(node.slice)
                if isinstance(key, (str, int, float, bytes, bool)):
                    self.targets[_Target(names, key, in_table=True)] = None
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        function, arguments = node.func, node.args
        if isinstance(function, ast.Name) and function.id == "setattr" and len(arguments) == 3:
            names = _dotted(arguments[0])
            if names and isinstance(arguments[1], ast.Constant) and isinstance(arguments[1].value, str):
                self.targets[_Target((*names, arguments[1].value))] = None
        is_magic = isinstance(function, ast.Attribute) and function.attr == "run_cell_magic"
        if is_magic and arguments and isinstance(arguments[-1], ast.Constant):
            self.read(str(arguments[-1].value))
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for each in node.names:
            self.imported[each.asname or each.name.partition(".")[0]] = each.name if each.asname else each.name.partition(".")[0]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for each in node.names:
            self.imported[each.asname or each.name] = f"{node.module}.{each.name}"


def _dotted(node: ast.AST) -> tuple[str, ...] | None:
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return before and (*before, node.attr)
    return None


def _resolved(target: _Target, space: dict[str, Any], imported: dict[str, str]) -> tuple[Place, Any] | None:
    """Return where a target is, and its value; None where it is in no module or class of others, or is saved in another way."""
    first, *more = target.names
    root = space[first] if first in space else _imported(imported.get(first, ""))
    if root is None or not (more or target.in_table):
        return None
    path = more if target.in_table else more[:-1]
    names: tuple[str, ...] = ()
    if issubclass(type(root), ModuleType):
        module = root.__name__
    elif issubclass(type(root), type):
        module, names = root.__module__, tuple(root.__qualname__.split("."))
    else:
        return None
    holder: Any = root
    for name in path:
        holder = vars(holder)[name]
        if issubclass(type(holder), ModuleType):
            module, names = holder.__name__, ()
        elif issubclass(type(holder), type):
            module, names = holder.__module__, tuple(holder.__qualname__.split("."))
        else:
            names = (*names, name)
    if target.in_table:
        place, value = Place(module, names, target.key, in_table=True), holder[target.key] if type(holder) is dict else None
        is_one = type(holder) is dict
    else:
        place, value = Place(module, (*names, more[-1])), vars(holder).get(more[-1], _NOTHING)
        is_one = value is not _NOTHING
    if not is_one or not _is_to_be_saved(place, value, holder):
        return None
    return place, value


_NOTHING = object()


def _imported(name: str) -> Any:
    if name in sys.modules:
        return sys.modules[name]
    module, _, attribute = name.rpartition(".")
    return vars(sys.modules[module]).get(attribute) if module in sys.modules else None


def _is_to_be_saved(place: Place, value: Any, holder: Any) -> bool:
    if place.module.partition(".")[0] in _OF_THE_KERNEL or (place.module, *place.names[:1]) in _NOT:
        return False
    if is_persons(place.module) and len(place.names) == 1:
        return False  # a variable of a module of theirs, which is saved with it
    if isinstance(value, _MEMBERS):
        return type(value) is FunctionType and value.__globals__ is not shell().user_ns
    return not (issubclass(type(holder), type) and issubclass(type(value), type) and value.__module__ == "__main__")
