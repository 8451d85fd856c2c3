"""Classes with their collaborators already set, for Jupyter Server, which takes classes and makes the objects itself."""

from typing import Any, TypeVar

T = TypeVar("T")


def bound(cls: type[T], **attributes: Any) -> type[T]:
    """Return a subclass whose objects have these attributes before their constructor runs."""
    return type(cls.__name__, (cls,), attributes)
