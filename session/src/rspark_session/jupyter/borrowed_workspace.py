"""Read and run inside Python's kernels, to save or restore.

A kernel of a person's own environment has neither our package nor cloudpickle and dill; it borrows them from the session's
Python, and no more.
"""

import importlib.util
import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class _Borrowed:
    """Finds the packages in `places`, for an environment that has none of the name."""

    def __init__(self, places: dict[str, str]) -> None:
        self._places = places

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find a package."""
        return PathFinder.find_spec(name, [self._places[name]], target) if name in self._places else None


def run(action: str, places: dict[str, str], *arguments: object) -> None:
    """Save or restore with these arguments; `places` are the folders of packages by their names."""
    missing = {name: place for name, place in places.items() if importlib.util.find_spec(name) is None}
    if missing:
        sys.meta_path.append(_Borrowed(missing))
    getattr(importlib.import_module("rspark_session.workspace"), action)(*arguments)
