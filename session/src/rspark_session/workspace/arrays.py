"""Views of one array that have names of their own, or the array's: after the sleep they are views of one array again."""

import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any


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


def reduce(view: Any, root: Any) -> tuple[Any, ...] | None:
    """Return how pickle makes a view of another array again; None where it can't be told from the array's memory alone."""
    contiguous = root.flags.c_contiguous or root.flags.f_contiguous
    if not contiguous or root.base is not None or root.dtype.hasobject:
        return None
    start = view.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    return make, (root, (start, view.shape, view.strides, view.dtype, bool(view.flags.writeable)))


def make(root: Any, place: tuple[int, tuple[int, ...], tuple[int, ...], Any, bool]) -> Any:
    """Make a view. Saved files name this function."""
    numpy, (start, shape, strides, dtype, writeable) = sys.modules["numpy"], place
    view = numpy.ndarray(shape, dtype=dtype, buffer=root.reshape(-1, order="A"), offset=start, strides=strides)
    view.flags.writeable = writeable and root.flags.writeable
    return view
