"""From a session and its environment to what a backend runs. Pure: two controllers build the very same thing."""

from rsparkhub.builder.ensemble import Builder, Grant

__all__ = ["Builder", "Grant"]
