"""Where the tests find what they start."""

import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def session_python() -> str:
    """The Python that runs inside sessions: the one of the checkout, or the one that runs these tests."""
    own = CHECKOUT / ".venv-session/bin/python"
    return os.environ.get("RSPARK_TEST_PYTHON") or (str(own) if own.exists() else sys.executable)
