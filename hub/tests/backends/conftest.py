"""The fixtures of `session_sandbox`, which tests of other rooms use too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from session_sandbox import backend, data, notify_dir, session_python

__all__ = ["backend", "data", "notify_dir", "session_python"]
