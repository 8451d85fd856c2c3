"""Finds the module of a service by its name: here, else by the entry points of other packages."""

import importlib
import re

from rspark_session.services.base import Service

#: Entry points of this group are services of other packages; each names a class that is a `Service`.
ENTRY_POINTS = "rspark_session.services"
_MODULE = re.compile(r"[a-z][a-z0-9_]*")


def find(name: str) -> type[Service]:
    """Return the service of that name: `SERVICE` in a module of this package, else an entry point, else one that does nothing.

    A session needs no module for a service that only sets variables. The entry points of all installed packages are read only for
    a name that is no module here: to read them takes long.
    """
    return _built_in(name) or _from_outside(name) or Service


def _built_in(name: str) -> type[Service] | None:
    if not _MODULE.fullmatch(name):
        return None
    module_name = f"{__package__}.{name}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as missing:
        if missing.name != module_name:
            raise
        return None
    service: type[Service] | None = getattr(module, "SERVICE", None)
    return service


def _from_outside(name: str) -> type[Service] | None:
    from importlib.metadata import entry_points  # noqa: PLC0415  (takes longer to load than all of the above)

    for entry in entry_points(group=ENTRY_POINTS, name=name):
        service: type[Service] = entry.load()
        return service
    return None
