"""What IPython itself has beside the names: extensions, aliases, what was typed, and how it shows things."""

import importlib
import linecache
import sys
from typing import Any

from rspark_session.workspace import set_by_cells
from rspark_session.workspace.namespace import shell


def extensions() -> dict[str, Any]:
    """Return the extensions that were loaded, and how `%autoreload` is set."""
    loaded = sorted(name for name in shell().extension_manager.loaded if name != "storemagic")
    reloader = _reloader()
    return {"loaded": loaded, "autoreload": reloader and {"enabled": reloader.enabled, "check_all": reloader.check_all}}


def load_extensions(saved: dict[str, Any]) -> list[str]:
    """Load them, and return those that can't be."""
    problems = []
    for name in saved["loaded"]:
        try:
            shell().extension_manager.load_extension(name)
        except Exception as problem:  # whatever it does when it is loaded
            problems.append(f"The extension {name} can't be loaded: {problem}.")
    reloader = _reloader()
    if reloader is not None and saved["autoreload"]:
        vars(reloader).update(saved["autoreload"])
    return problems


def aliases() -> list[tuple[str, str]]:
    """Return the aliases that IPython doesn't have by itself."""
    manager = shell().alias_manager
    own = set(manager.default_aliases)
    return [(name, command) for name, command in manager.aliases if (name, command) not in own]


def set_aliases(saved: list[tuple[str, str]]) -> list[str]:
    """Make them again."""
    for name, command in saved:
        shell().alias_manager.define_alias(name, command)
    return []


_PLAIN = (bool, int, float, str)
#: Traits that are a place or a text of the kernel's own, or have a part of the state for themselves.
_NO_OPTIONS = frozenset(
    {"banner1", "banner2", "logfile", "logappend", "logstart", "ipython_dir", "hist_file", "exit_msg", "location"}
)


def options() -> dict[str, Any]:
    """Return what `%config` and `%pdb` set: by class and name, what is not as IPython has it by itself."""
    changed: dict[str, dict[str, Any]] = {}
    for configurable in shell().configurables:
        for name, trait in configurable.traits(config=True).items():
            value = getattr(configurable, name)
            if name not in _NO_OPTIONS and isinstance(value, _PLAIN) and value != trait.default_value:
                changed.setdefault(type(configurable).__name__, {})[name] = value
    return {"config": changed, "pdb": shell().call_pdb}


def set_options(saved: dict[str, Any]) -> list[str]:
    """Set it again."""
    for configurable in shell().configurables:
        for name, value in saved["config"].get(type(configurable).__name__, {}).items():
            if configurable.has_trait(name) and getattr(configurable, name) != value:
                setattr(configurable, name, value)
    if shell().call_pdb != saved["pdb"]:
        shell().call_pdb = saved["pdb"]
    return []


def magic_aliases() -> list[tuple[str, str, str, str]]:
    """Return what `%alias_magic` made: kind, name, the magic that it is, and its arguments."""
    found = []
    for kind, magics in shell().magics_manager.magics.items():
        for name, magic in magics.items():
            if type(magic).__name__ == "MagicAlias":
                found.append((kind, name, magic.magic_name, magic.magic_params or ""))
    return found


def set_magic_aliases(saved: list[tuple[str, str, str, str]]) -> list[str]:
    """Make them again."""
    manager = shell().magics_manager
    for kind, name, magic, arguments in saved:
        if name not in manager.magics[kind]:
            manager.register_alias(name, magic, kind, arguments or None)
    return []


def history() -> dict[str, Any]:
    """Return what was typed (`In`), the number of the next cell, and how a cell's last lines are shown."""
    manager = shell().history_manager
    return {
        "parsed": list(manager.input_hist_parsed),
        "raw": list(manager.input_hist_raw),
        "count": shell().execution_count,
        "shows": shell().ast_node_interactivity,
    }


def set_history(saved: dict[str, Any]) -> list[str]:
    """Restore it."""
    manager = shell().history_manager
    manager.input_hist_parsed[:] = saved["parsed"]
    manager.input_hist_raw[:] = saved["raw"]
    shell().execution_count = saved["count"]
    shell().ast_node_interactivity = saved["shows"]
    set_by_cells.forget_calls(len(saved["parsed"]))
    return []


def folders() -> dict[str, list[Any]]:
    """Return the folders that `%pushd` put on its stack, and those where `%cd` was."""
    return {"stack": list(shell().dir_stack), "visited": [str(folder) for folder in shell().user_ns["_dh"]]}


def set_folders(saved: dict[str, list[Any]]) -> list[str]:
    """Restore them."""
    shell().dir_stack[:] = saved["stack"]
    shell().user_ns["_dh"][:] = saved["visited"]
    return []


#: Sources of cells that are kept: the newest, up to so many characters.
_MOST_OF_SOURCES = 2**22


def sources() -> dict[str, Any]:
    """Return the source of each cell, which tracebacks and `inspect.getsource` show, and what is imported from `__future__`."""
    cells: dict[str, tuple[int, list[str]]] = {}
    left = _MOST_OF_SOURCES
    for name, number in reversed(shell().compile._filename_map.items()):
        entry = linecache.cache.get(name)
        if entry is None or len(entry) == 1:
            continue
        left -= entry[0]
        if left < 0:
            break
        cells[name] = number, list(entry[2])
    return {"cells": dict(reversed(cells.items())), "flags": shell().compile.flags}


def set_sources(saved: dict[str, Any]) -> list[str]:
    """Restore them."""
    compiler = shell().compile
    compiler.flags |= saved["flags"]
    for name, (number, lines) in saved["cells"].items():
        linecache.cache.setdefault(name, (sum(map(len, lines)), None, lines, name))
        compiler._filename_map.setdefault(name, number)
    return []


_OF_THE_SHELL = ("automagic", "autoawait", "autocall")
_OF_TEXT = ("pprint", "float_precision", "float_format", "max_width", "max_seq_length")
_OF_INLINE = ("figure_formats", "print_figure_kwargs", "close_figures")


def display() -> dict[str, Any]:
    """Return how results, errors and plots are shown: `%precision`, `%xmode`, `%config InlineBackend`, `%automagic`."""
    text = shell().display_formatter.formatters["text/plain"]
    inline = _inline()
    return {
        "shell": {name: getattr(shell(), name) for name in _OF_THE_SHELL},
        "text": {name: getattr(text, name) for name in _OF_TEXT},
        "errors": shell().InteractiveTB.mode,
        "plots": inline and {name: getattr(inline, name) for name in _OF_INLINE},
    }


def set_display(saved: dict[str, Any]) -> list[str]:
    """Restore it."""
    text = shell().display_formatter.formatters["text/plain"]
    for target, names in ((shell(), saved["shell"]), (text, saved["text"])):
        for name, value in names.items():
            if getattr(target, name) != value:
                setattr(target, name, value)
    if shell().InteractiveTB.mode != saved["errors"]:
        shell().InteractiveTB.set_mode(mode=saved["errors"])
    if saved["plots"]:
        kind = importlib.import_module("matplotlib_inline.config").InlineBackend
        inline = kind.instance(parent=shell())
        inline.shell = shell()
        if inline not in shell().configurables:
            shell().configurables.append(inline)
        for name, value in saved["plots"].items():
            if getattr(inline, name) != value:
                setattr(inline, name, value)
    return []


def _inline() -> Any:
    module = sys.modules.get("matplotlib_inline.config")
    return module.InlineBackend._instance if module is not None else None


def _reloader() -> Any:
    if "IPython.extensions.autoreload" not in sys.modules:
        return None
    magics = shell().magics_manager.registry.get("AutoreloadMagics")
    return getattr(magics, "_reloader", None)
