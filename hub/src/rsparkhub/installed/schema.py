"""The form of an environment file in this installation."""

from rsparkhub.catalog.schema import BackendBlock, Schema
from rsparkhub.domain.backend import BackendTraits
from rsparkhub.installed.extensions import backends, interfaces, services


def environment_schema(backend: BackendTraits | None = None) -> Schema:
    """Return the form of what is installed; without a backend, a file is good when any backend is up to it."""
    blocks = {
        name: BackendBlock(options=definition.Options, description=definition.options_description)
        for name, definition in backends().items()
        if definition.Options is not None
    }
    return Schema(interfaces=interfaces(), services=services(), blocks=blocks, backend=backend)
