"""Every setting, in typed modules: `hub` has those of the installation, each backend with settings a module of its own."""

from rsparkhub.settings.hub import Settings, checkout, default_data, read_settings, with_backends

__all__ = ["Settings", "checkout", "default_data", "read_settings", "with_backends"]
