"""The API's tests share an installation; `world` is called in the process, and where streams matter `served` is on a socket."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from served_world import clock, served, world

__all__ = ["clock", "served", "world"]
