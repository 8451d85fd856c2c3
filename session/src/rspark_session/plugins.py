"""Finds what a module of ours, or another package, brings under a name: an interface, a service."""

import importlib
import re

_MODULE = re.compile(r"[a-z][a-z0-9_]*")


def find(name: str, *, package: str, attribute: str, group: str) -> object | None:
    """Return what is found under a name; None when there is nothing.

    The entry points of all installed packages are read only for a name that is no module here: to read them takes long.

    Parameters
    ----------
    name
        The name, as environments use it.
    package
        The package of ours whose module of that name may bring it.
    attribute
        As what such a module brings it; a module without is none.
    group
        The group of entry points by which another package brings it.
    """
    found = _built_in(f"{package}.{name}", attribute) if _MODULE.fullmatch(name) else None
    return found if found is not None else _from_outside(name, group)


def _built_in(module_name: str, attribute: str) -> object | None:
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as missing:
        if missing.name != module_name:
            raise
        return None
    found: object | None = getattr(module, attribute, None)
    return found


def _from_outside(name: str, group: str) -> object | None:
    from importlib.metadata import entry_points  # noqa: PLC0415  (takes longer to load than all that comes before R)

    for entry in entry_points(group=group, name=name):
        found: object = entry.load()
        return found
    return None
