"""The services of this ensemble: found, and made ready."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from rspark_contract.ensemble import EnsembleDocument
from rspark_contract.specs import ServiceSpec
from rspark_session.agent.lifecycle.failure import CannotStart
from rspark_session.services import registry
from rspark_session.services.base import Context, Service, ServiceUnavailable

if TYPE_CHECKING:
    from rspark_session.notebook_cell import Cell


def make(document: EnsembleDocument) -> tuple[Service, ...]:
    """Return the services that the document names, each by its module.

    Raises
    ------
    CannotStart
        When a module can't be loaded, as one of another package may.
    """
    services = tuple(_make(spec, document) for spec in document.services)
    for service in services:
        service.session_services = services
    return services


def _make(spec: ServiceSpec, document: EnsembleDocument) -> Service:
    places = document.places
    context = Context(spec=spec, base_path=document.base_path, home=places.home, run=places.run)
    try:
        return registry.find(spec.name)(context)
    except Exception as problem:
        raise CannotStart(f"{spec.title} can't be loaded: {problem}. Ask your administrator to mend its package.") from problem


def prepare(services: Iterable[Service]) -> None:
    """Have each service write its files.

    Raises
    ------
    CannotStart
        When one can't be used.
    OSError
        When a file can't be written.
    """
    for service in services:
        try:
            service.prepare()
        except ServiceUnavailable as problem:
            raise CannotStart(str(problem)) from problem


def welcome(services: Collection[Service]) -> "list[Cell]":
    """Return what the services show in a welcome document, without what needs others."""
    names = {service.context.spec.name for service in services}
    cells = [cell for service in services for cell in service.welcome() if names.issuperset(cell.needs)]
    return sorted(cells, key=lambda cell: bool(cell.needs))  # what goes on from another service's comes after it
