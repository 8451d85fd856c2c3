"""Arrays that use memory of others: after the sleep they are views of one array again, and of a file of the home that file's."""

import importlib
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def is_array(value: Any) -> bool:
    """Return whether a value is an array of numpy's own class."""
    return type(value).__module__ == "numpy" and type(value).__name__ == "ndarray"


def way_of(value: Any, shared: frozenset[int]) -> tuple[Any, ...] | None:
    """Return how pickle makes an array again that uses memory of others; `shared` is what `shared_roots` returns."""
    if not is_array(value):
        return reduce_mapped(value) if _is_mapped(value) else None
    root = root_of(value)
    if _is_mapped(root) and (found := reduce_mapped(value)):
        return found
    return reduce(value, root) if root is not value and id(root) in shared else None


def _is_mapped(value: Any) -> bool:
    return type(value).__module__ == "numpy" and type(value).__name__ == "memmap"


def root_of(array: Any) -> Any:
    """Return the array whose memory this one uses: itself, where it has its own."""
    numpy = sys.modules["numpy"]
    while isinstance(array.base, numpy.ndarray):
        array = array.base
    return array


def shared_roots(values: Iterable[Any]) -> frozenset[int]:
    """Return the ids of arrays whose memory at least two of these values use."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return frozenset()
    roots = Counter(id(root_of(value)) for value in values if type(value) is numpy.ndarray)
    return frozenset(root for root, count in roots.items() if count > 1)


def reduce(view: Any, root: Any, *, is_mapped: bool = False) -> tuple[Any, ...] | None:
    """Return how pickle makes a view of another array again; None where it can't be told from the array's memory alone."""
    contiguous = root.flags.c_contiguous or root.flags.f_contiguous
    if not contiguous or (root.base is not None and not is_mapped) or root.dtype.hasobject:
        return None
    start = view.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    return make, (root, (start, view.shape, view.strides, view.dtype, bool(view.flags.writeable)))


def make(root: Any, place: tuple[int, tuple[int, ...], tuple[int, ...], Any, bool]) -> Any:
    """Make a view. Saved files name this function."""
    numpy, (start, shape, strides, dtype, writeable) = sys.modules["numpy"], place
    view = numpy.ndarray(shape, dtype=dtype, buffer=root.reshape(-1, order="A"), offset=start, strides=strides)
    view.flags.writeable = writeable and root.flags.writeable
    return view


def reduce_mapped(array: Any) -> tuple[Any, ...] | None:
    """Return how pickle makes an array again whose memory is a file of the home; None of another one.

    What lies elsewhere may be gone after the sleep, and what is written to a private copy is in no file: both are data.
    """
    root = root_of(array)
    if not _is_mapped(root) or root.filename is None or root.mode not in ("r", "r+", "w+"):
        return None
    path = Path(root.filename).resolve()
    if not path.is_relative_to(Path.home().resolve()) or not path.exists():
        return None
    if array is not root:
        return (make_mapped, (type(array), *made[1])) if (made := reduce(array, root, is_mapped=True)) else None
    root.flush()
    order = "C" if root.flags.c_contiguous else "F"
    return open_mapped, (str(path), "r" if root.mode == "r" else "r+", (root.dtype, root.offset, root.shape, order))


def open_mapped(path: str, mode: Any, form: tuple[Any, int, tuple[int, ...], Any]) -> Any:
    """Open an array in a file. Saved files name this function."""
    dtype, offset, shape, order = form
    return importlib.import_module("numpy").memmap(path, dtype=dtype, mode=mode, offset=offset, shape=shape, order=order)


def make_mapped(type_: Any, root: Any, place: tuple[int, tuple[int, ...], tuple[int, ...], Any, bool]) -> Any:
    """Make a view of an array in a file. Saved files name this function."""
    return make(root, place).view(type_)
