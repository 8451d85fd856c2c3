"""What Jupyter's libraries load at every start though a session hardly ever needs it: a quarter of the server's whole start."""

import importlib
import re
import sys
from types import ModuleType
from typing import Any

#: Checkers of formats that no schema of Jupyter's relies on: without them jsonschema leaves IRIs, URIs and durations unchecked.
#: Loading the first compiles 35 grammars: a second (jupyter-server/jupyter_server#1559).
_ABSENT = ("rfc3987_syntax", "rfc3986_validator", "isoduration")
#: What one rare request of JupyterLab's needs: it asks other servers for lists of extensions, where an administrator named any.
_LATER = ("requests",)


class Later(ModuleType):
    """A module that is loaded when somebody first uses it."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def leave_out() -> None:
    """Keep it from being loaded. To be called before anything of Jupyter's is."""
    for name in _ABSENT:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in _LATER:
        sys.modules[name] = Later(name)
    sys.modules["jinja2._identifier"] = _identifier()


def _identifier() -> ModuleType:
    """Give what Jinja takes for a name: all letters, but not each rare mark that may follow one.

    Its own expression has every such mark and takes longer to compile than all others of the server together.
    """
    module = ModuleType("jinja2._identifier")
    module.pattern = re.compile(r"\w+")  # type: ignore[attr-defined]
    return module
