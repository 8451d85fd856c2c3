"""Imports of Jupyter's libraries that a session hardly ever needs, put off: they take a quarter of the server's whole start."""

import importlib
import re
import sys
from types import ModuleType
from typing import Any

#: Checkers of formats that no schema of Jupyter's relies on: without them jsonschema leaves IRIs, URIs and durations unchecked.
#: Loading the first compiles 35 grammars: a second (jupyter-server/jupyter_server#1559).
_ABSENT = ("rfc3987_syntax", "rfc3986_validator", "isoduration")
#: What one rare request of JupyterLab's needs: it asks other servers for lists of extensions, where an administrator named any.
_DEFERRED = ("requests",)


class DeferredModule(ModuleType):
    """A module that is loaded when somebody first uses it."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def install() -> None:
    """Put the imports off. Call it before anything of Jupyter's is imported."""
    for name in _ABSENT:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in _DEFERRED:
        sys.modules[name] = DeferredModule(name)
    sys.modules["jinja2._identifier"] = _identifier()


def _identifier() -> ModuleType:
    """Make Jinja's module of what a name is: all letters, but not each rare mark that may follow one.

    Its own expression has every such mark and takes longer to compile than all others of the server together.
    """
    module = ModuleType("jinja2._identifier")
    module.pattern = re.compile(r"\w+")  # type: ignore[attr-defined]
    return module
