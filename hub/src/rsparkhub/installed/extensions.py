"""Which services, interfaces, backends and ways to sign in there are; each process reads them once."""

from dataclasses import fields
from functools import cache

from rsparkhub.auth.sign_in.base import SignIn
from rsparkhub.backends.definition import BackendDefinition
from rsparkhub.domain.environment import EnvironmentSpec
from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.installed.registry import Kind, Registry
from rsparkhub.interfaces.base import AnyInterface, Interface
from rsparkhub.services.base import AnyService, Service
from rsparkhub.settings import Settings

SERVICES: Kind[AnyService] = Kind(
    word="service", base=Service, group="rsparkhub.services", package="rsparkhub.services", attribute="SERVICE"
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

SIGN_IN: Kind[SignIn] = Kind(
    word="way to sign in", base=SignIn, group="rsparkhub.sign_in", package="rsparkhub.auth.sign_in", attribute="SIGN_IN"
)


@cache
def services() -> Registry[AnyService]:
    """Return the services."""
    return SERVICES.load()


@cache
def interfaces() -> Registry[AnyInterface]:
    """Return the interfaces."""
    return INTERFACES.load()


@cache
def backends() -> Registry[BackendDefinition]:
    """Return the backends."""
    return BACKENDS.load()


@cache
def ways_to_sign_in() -> Registry[SignIn]:
    """Return the ways to sign in."""
    return SIGN_IN.load()


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


def problems() -> tuple[str, ...]:
    """Return a sentence for each thing of another package that was left out."""
    return (*services().problems, *interfaces().problems, *backends().problems, *ways_to_sign_in().problems)
