"""Enumerations that cells made: second names of members, and what these have beside their values; cloudpickle keeps neither."""

from enum import EnumType
from typing import Any

import cloudpickle  # type: ignore[import-not-found,import-untyped,unused-ignore]

_BY_ENUM_ITSELF = frozenset({"_value_", "_name_", "__objclass__", "_sort_order_"})


def with_members(enumeration: EnumType, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return how pickle makes an enumeration again, given how cloudpickle does."""
    members: dict[str, Any] = {
        name: {key: value for key, value in vars(member).items() if key not in _BY_ENUM_ITSELF}
        for name, member in _members(enumeration).items()
    }
    bases, name, qualname, _, *more = reduced[1]
    values = {name: member.value for name, member in _members(enumeration).items()}  # with second names, too
    content, slots = reduced[2]
    of_class = {key: value for key, value in content.items() if key not in values}, slots
    return reduced[0], (bases, name, qualname, values, *more), (of_class, members), None, None, set_state


def _members(enumeration: EnumType) -> dict[str, Any]:
    return dict(enumeration.__members__)


def set_state(enumeration: EnumType, state: tuple[Any, dict[str, dict[str, Any]]]) -> None:
    """Set what `with_members` returned. Saved files name this function."""
    of_class, members = state
    cloudpickle.cloudpickle._class_setstate(enumeration, of_class)
    for name, attributes in members.items():
        member: Any = enumeration.__members__[name]
        member.__dict__.update(attributes)


def make(name: str, qualname: str, bases: tuple[type, ...], content: dict[str, Any]) -> type:
    """Make an enumeration as versions before this one saved it, whose files name this function."""
    metaclass: Any = type(bases[-1])  # typeshed takes it for `type`
    space = metaclass.__prepare__(name, bases)
    for key, value in {"__module__": "__main__", "__qualname__": qualname, **content}.items():
        space[key] = value
    made: type = metaclass(name, bases, space)
    return made
