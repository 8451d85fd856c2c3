"""Every setting, in typed modules: `hub` has those of the installation, each backend with settings a module of its own."""

from rsparkhub.settings.hub import Settings, checkout, default_data, read_settings, with_groups
from rsparkhub.settings.known_hosts import KnownHosts, known_hosts

__all__ = ["KnownHosts", "Settings", "checkout", "default_data", "known_hosts", "read_settings", "with_groups"]
