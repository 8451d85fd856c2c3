"""What IPython itself has beside the names: extensions, aliases, and what was typed."""

import sys
from typing import Any

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
    return []


def _reloader() -> Any:
    if "IPython.extensions.autoreload" not in sys.modules:
        return None
    magics = shell().magics_manager.registry.get("AutoreloadMagics")
    return getattr(magics, "_reloader", None)
