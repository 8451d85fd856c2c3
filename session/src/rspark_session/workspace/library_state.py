"""Settings of libraries that a person has changed. What was never imported has none, and is not imported to find that out."""

import importlib
import sys
from pathlib import Path
from typing import Any

_OF_FUNCTIONS = ("formatter", "override_repr")  # of numpy's printing
_OF_THE_KERNEL = ("backend", "backend_fallback", "interactive")  # of matplotlib: the kernel sets it


def numpy_options() -> dict[str, Any] | None:
    """Return how numpy prints, and what it does about errors."""
    numpy = sys.modules.get("numpy")
    return (
        None
        if numpy is None
        else {
            "print": {name: value for name, value in numpy.get_printoptions().items() if name not in _OF_FUNCTIONS},
            "errors": numpy.geterr(),
            "buffer": numpy.getbufsize(),
        }
    )


def set_numpy_options(saved: dict[str, Any]) -> list[str]:
    """Restore them."""
    numpy = importlib.import_module("numpy")
    known = numpy.get_printoptions()
    options = {name: value for name, value in saved["print"].items() if name in known and name not in _OF_FUNCTIONS}
    numpy.set_printoptions(**options)
    numpy.seterr(**saved["errors"])
    if "buffer" in saved:  # versions before this one have none
        numpy.setbufsize(saved["buffer"])
    return []


def pandas_options() -> dict[str, Any] | None:
    """Return the options of pandas that are not what pandas has by itself, but for what can be called."""
    changed = _changed_in_pandas()
    return changed and {name: value for name, value in changed.items() if not callable(value)}


def functions_of_pandas() -> dict[str, Any]:
    """Return the options of pandas that can be called: these are saved as objects are."""
    return {name: value for name, value in (_changed_in_pandas() or {}).items() if callable(value)}


def _changed_in_pandas() -> dict[str, Any] | None:
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


def numpy_formatters() -> dict[str, Any]:
    """Return the functions by which numpy prints, that somebody set."""
    numpy = sys.modules.get("numpy")
    options = {} if numpy is None else numpy.get_printoptions()
    return {name: options[name] for name in _OF_FUNCTIONS if options.get(name)}


def set_numpy_formatters(saved: dict[str, Any]) -> None:
    """Print with them again."""
    importlib.import_module("numpy").set_printoptions(**saved)


def colormaps() -> dict[str, Any]:
    """Return the colormaps that matplotlib doesn't have by itself."""
    registry = getattr(sys.modules.get("matplotlib"), "colormaps", None)
    own = getattr(registry, "_builtin_cmaps", None)
    return {} if registry is None or own is None else {name: registry[name] for name in registry if name not in own}


def register_colormap(name: str, colormap: Any) -> None:
    """Give one to matplotlib again."""
    importlib.import_module("matplotlib").colormaps.register(colormap, name=name, force=True)


_FONTS = "matplotlib.font_manager"


def fonts() -> list[str] | None:
    """Return the files of fonts that somebody gave to matplotlib, which lists the machine's own in a file."""
    module = sys.modules.get(_FONTS)
    if module is None:
        return None
    listed = {each.fname for each in _listed_fonts(module)}
    return [each.fname for each in module.fontManager.ttflist if each.fname not in listed]


def _listed_fonts(module: Any) -> list[Any]:
    cache = Path(sys.modules["matplotlib"].get_cachedir(), f"fontlist-v{module.FontManager.__version__}.json")
    return list(module.json_load(cache).ttflist) if cache.exists() else []


def add_fonts(saved: list[str]) -> list[str]:
    """Give them to matplotlib again, and return which of them are not there any more."""
    problems = []
    for file in saved:
        try:
            importlib.import_module(_FONTS).fontManager.addfont(file)
        except Exception as problem:  # the file is gone, or no font any more
            problems.append(f"The font {file} can't be read: {problem}. Give it to matplotlib again.")
    return problems


_TYPES_OF_PANDAS = "pandas.core.dtypes.base"


def types_of_pandas() -> list[Any]:
    """Return the types of columns that pandas knows by name."""
    registry = getattr(sys.modules.get(_TYPES_OF_PANDAS), "_registry", None)
    return list(getattr(registry, "dtypes", ()))


def register_type_of_pandas(dtype: Any) -> None:
    """Give one to pandas again."""
    importlib.import_module(_TYPES_OF_PANDAS).register_extension_dtype(dtype)
