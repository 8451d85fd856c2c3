"""What the session's services have in a kernel of Python that ends with it: each names it by itself.

The modules are those of `RSPARK_PYTHON_HOOKS`, which the kernel has loaded. Such a module may have a function `lost()`, which
returns entries as the manifest has them; it loads nothing, so that who never used a service waits for nothing. Its `TITLE` names
the service where that function fails or takes too long: what is not listed is not silent.
"""

import os
import sys
import threading
from types import ModuleType
from typing import Any

PATIENCE = 10.0  # seconds: a service that hangs keeps nobody from sleeping


def lost(patience: float = PATIENCE) -> list[dict[str, Any]]:
    """Return what is lost of all services; of one that does not answer in `patience` seconds, an entry that says so."""
    found: list[dict[str, Any]] = []
    for name in os.environ.get("RSPARK_PYTHON_HOOKS", "").split():
        module = sys.modules.get(name)
        if module is not None and hasattr(module, "lost"):
            found.extend(_lost_of(module, patience))
    return found


def _lost_of(module: ModuleType, patience: float) -> list[dict[str, Any]]:
    answer: list[list[dict[str, Any]]] = []
    problem = [f"it did not answer in {patience:.0f} s"]

    def ask() -> None:
        try:
            answer.append(module.lost())
        except Exception as error:  # whatever a service's own client raises
            problem[:] = [f"{type(error).__name__}: {error}"]

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience)
    if answer:
        return answer[0]
    title = getattr(module, "TITLE", module.__name__)
    return [{"name": title, "class": "service", "why": f"What it had in memory is lost and can't be listed: {problem[0]}."}]
