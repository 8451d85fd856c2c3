"""The site that is made of `docs/`."""
