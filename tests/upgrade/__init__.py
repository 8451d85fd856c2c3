"""An installation of the version before is upgraded in place."""
