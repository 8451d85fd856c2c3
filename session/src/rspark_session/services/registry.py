"""Finds the module of a service by its name: here, else by the entry points of other packages."""

from rspark_session import plugins
from rspark_session.services.base import Service

#: Entry points of this group are services of other packages; each names a class that is a `Service`.
ENTRY_POINTS = "rspark_session.services"


def find(name: str) -> type[Service]:
    """Return the service of that name: `SERVICE` in a module of this package, else an entry point, else one that does nothing.

    A session needs no module for a service that only sets variables and files.

    Raises
    ------
    TypeError
        When another package brings something else under that name.
    """
    found = plugins.find(name, package="rspark_session.services", attribute="SERVICE", group=ENTRY_POINTS)
    if found is None:
        return Service
    if not isinstance(found, type) or not issubclass(found, Service):
        raise TypeError(f"{name} is no service: {found!r}")
    return found
