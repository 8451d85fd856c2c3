"""The names in a kernel that are the person's."""

import re
import sys
from typing import Any

# What IPython itself puts there: `_`, `__`, `_3`, `_i`, `_i3`, `_ii`, `_dh`, `_oh`, `_ih`, `In`, `Out`.
_IPYTHON = re.compile(r"_{1,3}|_i{1,3}|_i?\d+|_dh|_oh|_ih|_exit_code|In|Out|__.*__")


def shell() -> Any:
    """Return IPython's shell of this kernel; raise `RuntimeError` when this is not an IPython kernel."""
    found = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if found is None:
        raise RuntimeError("this Python is not a kernel")
    return found


def namespace() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the namespace that cells run in, and IPython's record of what it put there itself.

    Raises
    ------
    RuntimeError
        When this is not an IPython kernel.
    """
    found = shell()
    return found.user_ns, found.user_ns_hidden


def own_names(space: dict[str, Any], hidden: dict[str, Any]) -> list[str]:
    """Return the person's names, in the order in which they were made."""
    mine = (name for name in space if isinstance(name, str) and not _IPYTHON.fullmatch(name))  # globals() takes any key
    return [name for name in mine if name not in hidden or hidden[name] is not space[name]]
