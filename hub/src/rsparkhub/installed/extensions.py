"""Which services, interfaces and backends there are; each process reads them once."""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache

from rsparkhub.backends.definition import BackendDefinition
from rsparkhub.domain.environment import EnvironmentSpec
from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.installed.registry import Kind, Registry
from rsparkhub.interfaces.base import AnyInterface, Interface
from rsparkhub.services.base import AnyService, Service
from rsparkhub.settings import Settings

SERVICES: Kind[AnyService] = Kind(
    word="service",
    base=Service,
    group="rsparkhub.services",
    package="rsparkhub.services",
    attribute="SERVICE",
    besides=frozenset({"base", "steward"}),
)
INTERFACES: Kind[AnyInterface] = Kind(
    word="interface", base=Interface, group="rsparkhub.interfaces", package="rsparkhub.interfaces", attribute="INTERFACE"
)
BACKENDS: Kind[BackendDefinition] = Kind(
    word="backend",
    base=BackendDefinition,
    group="rsparkhub.backends",
    package="rsparkhub.backends",
    attribute="BACKEND",
    submodule="definition",
    # Its settings and what an environment says to it stand under its name, beside these.
    reserved=frozenset({*Settings.model_fields, *(field.name for field in fields(EnvironmentSpec)), "warm"}),
)


@cache
def services() -> Registry[AnyService]:
    """Return the services."""
    return SERVICES.load()


def configured_services(settings: Settings) -> Mapping[str, AnyService]:
    """Return the services, each with what the installation says to it."""
    traits = backend_of(settings).traits
    return {name: each.configured(settings.of_service(name, each.Settings), traits) for name, each in services().items()}


@cache
def interfaces() -> Registry[AnyInterface]:
    """Return the interfaces."""
    return INTERFACES.load()


@cache
def backends() -> Registry[BackendDefinition]:
    """Return the backends."""
    return BACKENDS.load()


def backend_of(settings: Settings) -> BackendDefinition:
    """Return the backend that the settings name.

    Raises
    ------
    InstallationProblem
        When there is none of this name.
    """
    known = backends()
    if settings.backend not in known:
        raise InstallationProblem(
            f"The backend {settings.backend} is not in this version; choose one of {', '.join(known)} by the setting backend."
        )
    return known[settings.backend]
