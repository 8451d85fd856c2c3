"""The scene of the store's tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from store_scene import ada, make, put  # noqa: F401  fixtures
