"""Classes that cells made, whose base or metaclass does something when a class is made: that was done before the sleep."""

import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cloudpickle  # type: ignore[import-not-found,import-untyped,unused-ignore]

from rspark_session.workspace.objects import is_persons

_HOOK = "__init_subclass__"
_MAKER = "_make_skeleton_class"  # cloudpickle's


def without_hooks(type_: type, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return how pickle makes a class again, given how cloudpickle does."""
    if reduced[0].__name__ != _MAKER or not (is_persons(type(type_).__module__) or _hooked(type_.__bases__)):
        return reduced
    return make, *reduced[1:]


def make(metaclass: type, name: str, bases: tuple[type, ...], content: dict[str, Any], tracked: str, _: Any) -> type:
    """Make a class without what its state is set afterwards. Saved files name this function."""
    bases = types.resolve_bases(bases)
    metaclass, space, _ = types.prepare_class(name, bases, {"metaclass": metaclass})
    space.update(content)
    maker: Any = next(each for each in metaclass.__mro__ if "__new__" in vars(each) and not is_persons(each.__module__))
    with _quiet(bases):
        made = maker.__new__(metaclass, name, bases, space)
    return cloudpickle.cloudpickle._lookup_class_or_track(tracked, made)  # type: ignore[no-any-return]


def _hooked(bases: tuple[type, ...]) -> list[type]:
    return list(
        dict.fromkeys(each for base in bases for each in base.__mro__ if _HOOK in vars(each) and is_persons(each.__module__))
    )


@contextmanager
def _quiet(bases: tuple[type, ...]) -> Iterator[None]:
    """Take the bases' hooks away for a while."""
    hooks = [(each, vars(each)[_HOOK]) for each in _hooked(bases)]
    for each, _ in hooks:
        type.__delattr__(each, _HOOK)
    try:
        yield
    finally:
        for each, hook in hooks:
            type.__setattr__(each, _HOOK, hook)
