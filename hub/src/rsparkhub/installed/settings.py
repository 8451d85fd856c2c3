"""The settings of an installation: the hub's, and those of the backends and services that there are."""

from rsparkhub.installed.extensions import backends, services
from rsparkhub.settings import Settings, read_settings, with_groups


def settings_model() -> type[Settings]:
    """Return the form of all settings."""
    return with_groups(
        backends={name: definition.settings_model for name, definition in backends().items()},
        services={name: service.Settings for name, service in services().items()},
    )


def load_settings(**given: object) -> Settings:
    """Return the settings; `given` comes from the command line, and None means not given.

    Raises
    ------
    InstallationProblem
        When a setting cannot be understood; the sentence names it and where it came from.
    """
    return read_settings(settings_model(), **given)
