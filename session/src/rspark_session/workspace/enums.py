"""Enumerations that were made in a cell. dill takes them for something that can be imported, and they can't."""

from collections.abc import Mapping
from enum import Enum, EnumType
from types import FunctionType
from typing import Any


def is_from_kernel(value: Any) -> bool:
    """Return whether it is an enumeration (the class, not a member) that a cell made."""
    return isinstance(value, EnumType) and value.__module__ == "__main__"


def arguments(enumeration: EnumType) -> tuple[str, str, tuple[type, ...], dict[str, Any]]:
    """Return the arguments with which `make` makes it again."""
    members: Mapping[str, Enum] = enumeration.__members__
    content: dict[str, Any] = {name: member.value for name, member in members.items()}
    for name, value in vars(enumeration).items():
        written = isinstance(value, (property, classmethod, staticmethod))
        if written or (isinstance(value, FunctionType) and value.__module__ == "__main__"):
            content[name] = value
    return enumeration.__name__, enumeration.__qualname__, enumeration.__bases__, content


def make(name: str, qualname: str, bases: tuple[type, ...], content: dict[str, Any]) -> type:
    """Make the enumeration, in the way in which Python makes one that it reads in a cell. Saved files name this function."""
    metaclass: Any = type(bases[-1])  # typeshed takes it for `type`
    space = metaclass.__prepare__(name, bases)
    for key, value in {"__module__": "__main__", "__qualname__": qualname, **content}.items():
        space[key] = value
    made: type = metaclass(name, bases, space)
    return made
