"""Read and run inside Python's kernels, to save or restore.

A kernel of a person's own environment has neither our package nor cloudpickle and dill; it borrows them from the session's
Python, and no more.
"""

import importlib.util
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
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
    with _without_working_directory(places):
        missing = {name: place for name, place in places.items() if importlib.util.find_spec(name) is None}
        if missing:
            sys.meta_path.append(_Borrowed(missing))
        module = importlib.import_module("rspark_session.workspace")
    getattr(module, action)(*arguments)


@contextmanager
def _without_working_directory(ours: Collection[str]) -> Iterator[None]:
    """Import nothing from the working directory: a person's file there may be called `gzip.py`. It is still theirs afterwards."""
    path, before = list(sys.path), set(sys.modules)
    folders = {"", "."}
    with suppress(OSError):  # there is none any more
        folders.add(os.getcwd())  # noqa: PTH109  (as `sys.path` has it)
    sys.path[:] = [folder for folder in path if folder not in folders]
    try:
        yield
    finally:
        sys.path[:] = path
        theirs = [folder for folder in path if folder in folders]
        for name in {name.partition(".")[0] for name in sys.modules.keys() - before} - set(ours):
            if theirs and PathFinder.find_spec(name, theirs) is not None:
                for loaded in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
                    del sys.modules[loaded]
