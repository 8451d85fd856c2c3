"""What all tests of the session share: the source on the path, since most of it needs nothing but Python."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
