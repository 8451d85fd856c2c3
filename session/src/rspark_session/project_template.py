"""A project that a home gets once: a folder of the session's image, copied in whole and never written over."""

import os
import shutil
import sys
from pathlib import Path

#: Where the projects are, below the prefix of the session's Python, each as a folder of its name.
TEMPLATES = Path("share/rspark/templates")
_MARKS = Path(".config/rspark/templates")
_DOCUMENTS = (".rmd", ".qmd", ".ipynb")


def lay(name: str, home: Path, *, templates: Path | None = None) -> bool:
    """Copy the project of a name into a home that has neither it nor ever had it; return whether that was done.

    It comes under a name of its own and is renamed when it is whole. Who deletes the folder has seen it: to have it anew, they
    delete its mark in `~/.config/rspark/templates` too.

    Raises
    ------
    OSError
        When it can't be written, as on a full disk; nothing is left of it then.
    """
    source = (templates or Path(sys.prefix) / TEMPLATES) / name
    place, mark = home / name, home / _MARKS / name
    if not source.is_dir() or mark.exists() or os.path.lexists(place):
        return False
    growing = home / f".{name}.new"
    try:
        shutil.rmtree(growing, ignore_errors=True)
        shutil.copytree(source, growing, copy_function=shutil.copyfile)
        mark.parent.mkdir(parents=True, exist_ok=True)
        growing.rename(place)
        mark.touch()
    except OSError:
        shutil.rmtree(growing, ignore_errors=True)
        raise
    return True


def first_document(name: str, *, templates: Path | None = None) -> str | None:
    """Return the path, in a home, of the document with which a project begins: the first by name; None where it has none."""
    source = (templates or Path(sys.prefix) / TEMPLATES) / name
    documents = sorted(path.name for path in source.glob("*") if path.suffix.lower() in _DOCUMENTS)
    return f"{name}/{documents[0]}" if documents else None


def was_laid(name: str, home: Path) -> bool:
    """Return whether a home has the project of a name from `lay`."""
    place = home / name
    return (home / _MARKS / name).exists() and place.is_dir() and not place.is_symlink()
