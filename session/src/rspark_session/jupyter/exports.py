"""Which formats a notebook can be exported to here: JupyterLab offers no other."""

import shutil
from importlib.util import find_spec

#: nbconvert's exporters that need more than nbconvert: programs, and modules of Python.
_NEEDS: dict[str, tuple[str, ...]] = {
    "ASCIIDocExporter": ("pandoc",),
    "RSTExporter": ("pandoc",),
    "LatexExporter": ("pandoc",),
    "PDFExporter": ("pandoc", "xelatex"),
    "WebPDFExporter": ("playwright",),
    "QtPDFExporter": ("PyQt5",),
    "QtPNGExporter": ("PyQt5",),
}
_EXPORTERS = {
    "asciidoc": "ASCIIDocExporter",
    "rst": "RSTExporter",
    "latex": "LatexExporter",
    "pdf": "PDFExporter",
    "webpdf": "WebPDFExporter",
    "qtpdf": "QtPDFExporter",
    "qtpng": "QtPNGExporter",
}
_MODULES = frozenset({"playwright", "PyQt5"})


def settings() -> dict[str, dict[str, bool]]:
    """Return the settings by which exporters that would fail are not offered."""
    return {exporter: {"enabled": not _missing(exporter)} for exporter in _NEEDS}


def refusal(format_: str) -> str | None:
    """Return why a notebook can't be exported to a format, in a sentence; None where nothing is known to be missing."""
    missing = _missing(_EXPORTERS.get(format_, ""))
    if not missing:
        return None
    return f"Notebooks can't be exported to {format_}: {missing[0]} is not installed here. Choose another format, such as html."


def _missing(exporter: str) -> list[str]:
    return [name for name in _NEEDS.get(exporter, ()) if not (find_spec(name) if name in _MODULES else shutil.which(name))]
