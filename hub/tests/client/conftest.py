"""The client's tests talk with the real API: the same installation as the API's own tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))

from served_world import clock, served, world

__all__ = ["clock", "served", "world"]
