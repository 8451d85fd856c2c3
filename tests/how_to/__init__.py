"""Pages of `docs/how-to`, followed word by word."""
