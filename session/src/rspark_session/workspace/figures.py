"""Figures of matplotlib that are open, and what draws them. Those that a cell of a notebook showed are closed."""

import importlib
import sys
from typing import Any

_TO_FILES = frozenset({"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"})


def backend() -> str | None:
    """Return what draws into files, where somebody asked for that: all else is the kernel's own."""
    if "matplotlib" not in sys.modules:
        return None
    name = dict.__getitem__(sys.modules["matplotlib"].rcParams, "backend")
    return name.lower() if isinstance(name, str) and name.lower() in _TO_FILES else None


def set_backend(saved: str) -> list[str]:
    """Draw with it again."""
    importlib.import_module("matplotlib").use(saved)
    return []


def open_figures() -> dict[int, Any]:
    """Return the open figures by their numbers; they open by themselves when they are read."""
    if "matplotlib.pyplot" not in sys.modules:
        return {}
    managers = sys.modules["matplotlib._pylab_helpers"].Gcf.get_all_fig_managers()
    return {manager.num: manager.canvas.figure for manager in managers}


def show_none() -> None:
    """Forget that figures were opened: they are not shown again because they were read."""
    inline = sys.modules.get("matplotlib_inline.backend_inline")
    if inline is not None:
        inline.show._draw_called = False
        inline.show._to_draw = []
