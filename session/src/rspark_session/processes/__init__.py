"""Processes of this machine: how one is started and reaped, which there are, and where they listen. Knows nothing of sessions.

`launch` and `prctl` need no asyncio, so that the first processes are on their way before it is loaded.
"""
