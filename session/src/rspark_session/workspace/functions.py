"""Functions that cells made: after the sleep they see the names of the new kernel, as they saw those of the old one."""

import types
from typing import Any

import cloudpickle  # type: ignore[import-not-found,import-untyped,unused-ignore]

from rspark_session.workspace.namespace import namespace

_SLOTS = ("__name__", "__qualname__", "__defaults__", "__kwdefaults__", "__annotations__", "__doc__", "__module__")

State = tuple[dict[str, Any], tuple[types.CellType, ...]]


def make(code: types.CodeType, cells: tuple[types.CellType, ...] | None) -> types.FunctionType:
    """Make a function over the kernel's names. Saved files name this function."""
    return types.FunctionType(code, namespace()[0], code.co_name, None, cells)


def state_of(function: types.FunctionType) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a function has beside its code and its cells: its own attributes, and what Python keeps of it."""
    slots = {name: getattr(function, name) for name in _SLOTS}
    return dict(function.__dict__), slots


def set_state(function: types.FunctionType, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Set what `state_of` returned. Saved files name this function."""
    attributes, slots = state
    function.__dict__.update(attributes)
    for name, value in slots.items():
        setattr(function, name, value)


def make_cell() -> types.CellType:
    """Make an empty cell. Saved files name this function."""
    return types.CellType()


def fill_cell(cell: types.CellType, content: tuple[Any]) -> None:
    """Fill a cell. Saved files name this function."""
    cell.cell_contents = content[0]


def reduce_cell(cell: types.CellType) -> tuple[Any, ...]:
    """Return how pickle makes a cell again: empty first, since what is in it may lead back to its function."""
    try:
        return make_cell, (), (cell.cell_contents,), None, None, fill_cell
    except ValueError:  # it is empty
        return make_cell, ()


_NO_FILE = "<dynamic-code>"  # cloudpickle's


def reduce_code(code: types.CodeType) -> tuple[Any, ...]:
    """Return how pickle makes code again, with the cell that it is from: that is where its source is found."""
    make_code, arguments = cloudpickle.cloudpickle._code_reduce(code)
    return make_code, tuple(code.co_filename if isinstance(part, str) and part == _NO_FILE else part for part in arguments)


def reduce(function: types.FunctionType) -> tuple[Any, ...]:
    """Return how pickle makes a function again; its cells, which may lead back to it, are read after it is made."""
    return make, (function.__code__, function.__closure__), state_of(function), None, None, set_state
