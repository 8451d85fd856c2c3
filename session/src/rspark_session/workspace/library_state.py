"""Settings of libraries that a person has changed. What was never imported has none, and is not imported to find that out."""

import importlib
import sys
from typing import Any

_OF_THE_KERNEL = ("backend", "backend_fallback", "interactive")  # of matplotlib: the kernel sets it


def numpy_options() -> dict[str, Any] | None:
    """Return how numpy prints, and what it does about errors."""
    numpy = sys.modules.get("numpy")
    return (
        None
        if numpy is None
        else {
            "print": dict(numpy.get_printoptions()),
            "errors": numpy.geterr(),
            "buffer": numpy.getbufsize(),
        }
    )


def set_numpy_options(saved: dict[str, Any]) -> list[str]:
    """Restore them."""
    numpy = importlib.import_module("numpy")
    known = numpy.get_printoptions()
    numpy.set_printoptions(**{name: value for name, value in saved["print"].items() if name in known and name != "override_repr"})
    numpy.seterr(**saved["errors"])
    if "buffer" in saved:  # versions before this one have none
        numpy.setbufsize(saved["buffer"])
    return []


def pandas_options() -> dict[str, Any] | None:
    """Return the options of pandas that are not what pandas has by itself."""
    if "pandas" not in sys.modules:
        return None
    config = importlib.import_module("pandas._config.config")
    changed = {}
    for name, option in config._registered_options.items():
        value = config.get_option(name, silent=True) if name not in config._deprecated_options else option.defval
        if value is not option.defval and value != option.defval:
            changed[name] = value
    return changed


def set_pandas_options(saved: dict[str, Any]) -> list[str]:
    """Restore them, and return those that this pandas doesn't know."""
    if not saved:
        return []
    pandas = importlib.import_module("pandas")
    problems = []
    for name, value in saved.items():
        try:
            pandas.set_option(name, value)
        except (KeyError, ValueError) as problem:
            problems.append(f"pandas doesn't take its option {name}: {problem}.")
    return problems


def matplotlib_settings() -> dict[str, Any] | None:
    """Return the `rcParams`."""
    if "matplotlib" not in sys.modules:
        return None
    matplotlib = sys.modules["matplotlib"]
    default = matplotlib.rcParamsDefault
    return {
        name: dict.__getitem__(matplotlib.rcParams, name)
        for name in matplotlib.rcParams
        if name not in _OF_THE_KERNEL and dict.__getitem__(matplotlib.rcParams, name) != default.get(name)
    }


def set_matplotlib_settings(saved: dict[str, Any]) -> list[str]:
    """Restore them, and return those that this matplotlib doesn't know."""
    if not saved:
        return []
    matplotlib = importlib.import_module("matplotlib")
    problems = []
    for name, value in saved.items():
        try:
            matplotlib.rcParams[name] = value
        except (KeyError, ValueError) as problem:
            problems.append(f"matplotlib doesn't take {name}: {problem}.")
    return problems
