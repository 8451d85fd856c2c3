"""Which formats JupyterLab offers to export a notebook to: those that can be made here."""

import shutil
from collections.abc import Callable
from importlib.util import find_spec

#: nbconvert's exporters that need more than nbconvert, and whether that is here.
_NEEDS: dict[str, Callable[[], bool]] = {
    "ASCIIDocExporter": lambda: _program("pandoc"),
    "RSTExporter": lambda: _program("pandoc"),
    "LatexExporter": lambda: _program("pandoc"),
    "PDFExporter": lambda: _program("pandoc") and _program("xelatex"),
    "WebPDFExporter": lambda: _module("playwright"),
    "QtPDFExporter": lambda: _module("PyQt5"),
    "QtPNGExporter": lambda: _module("PyQt5"),
}


def settings() -> dict[str, dict[str, bool]]:
    """Return the settings by which exporters that would fail are not offered."""
    return {exporter: {"enabled": is_here()} for exporter, is_here in _NEEDS.items()}


def _program(name: str) -> bool:
    return shutil.which(name) is not None


def _module(name: str) -> bool:
    return find_spec(name) is not None
