"""What the session's services have in a kernel of Python that ends with it: each names it by itself.

The modules are those of `RSPARK_PYTHON_HOOKS`, which the kernel has loaded. Such a module may have a function `lost()`, which
returns entries as the manifest has them; it loads nothing, so that who never used a service waits for nothing.
"""

import os
import sys
import threading
from typing import Any

_PATIENCE = 3.0  # seconds: a service that hangs keeps nobody from sleeping


def lost() -> list[dict[str, Any]]:
    """Return what is lost of all services."""
    found: list[dict[str, Any]] = []
    for name in os.environ.get("RSPARK_PYTHON_HOOKS", "").split():
        ask = getattr(sys.modules.get(name), "lost", None)
        if ask is not None:
            asking = threading.Thread(target=lambda ask=ask: found.extend(ask()), daemon=True)
            asking.start()
            asking.join(_PATIENCE)
    return found
