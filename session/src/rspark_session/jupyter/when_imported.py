"""Preparing a library in a kernel of Python as soon as a person's code imports it: nothing of it is loaded before."""

import contextlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

#: What prepares a module. Where it fails, the person has another version of the library, which works as it does.
Prepare = Callable[[ModuleType], None]


def prepare_when_imported(name: str, prepare: Prepare) -> None:
    """Have a module prepared: now where it is loaded already, or else as soon as it is."""
    if name in sys.modules:
        prepare(sys.modules[name])
    else:
        sys.meta_path.insert(0, _WhenImported(name, prepare))


class _WhenImported(MetaPathFinder):
    """Prepares a module as soon as it was imported, and is gone then."""

    def __init__(self, name: str, prepare: Prepare) -> None:
        self._name = name
        self._prepare = prepare

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Preparing(spec.loader, self._prepare)
        return spec


class _Preparing(Loader):
    """Loads a module as another loader does, and prepares it then."""

    def __init__(self, loader: Loader, prepare: Prepare) -> None:
        self._loader = loader
        self._prepare = prepare

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        with contextlib.suppress(Exception):
            self._prepare(module)
