"""The form of an environment file in this installation."""

from collections.abc import Callable
from dataclasses import replace

from rsparkhub.catalog.schema import BackendBlock, Schema
from rsparkhub.domain.backend import BackendTraits
from rsparkhub.domain.requirements import Requirements
from rsparkhub.installed.extensions import backend_of, backends, interfaces, services
from rsparkhub.settings import Settings


def environment_schema_of(settings: Settings) -> Schema:
    """Return the form for one installation: what its backend is up to, and what is installed where its sessions run."""
    definition = backend_of(settings)
    traits = replace(definition.traits, one_image=definition.has_one_image(settings))
    return environment_schema(traits, lambda requirements: not definition.missing(settings, requirements))


def environment_schema(
    backend: BackendTraits | None = None, is_installed: Callable[[Requirements], bool] = lambda _: True
) -> Schema:
    """Return the form of what is installed; without a backend, a file is good when any backend is up to it."""
    blocks = {
        name: BackendBlock(options=definition.Options, description=definition.options_description)
        for name, definition in backends().items()
        if definition.Options is not None
    }
    return Schema(interfaces=interfaces(), services=services(), blocks=blocks, backend=backend, is_installed=is_installed)
