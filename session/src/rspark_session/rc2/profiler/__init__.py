"""Profiles of what a console runs: `rprof` reads what R has written, `calls` puts it together, `profiler` records it."""
