"""The first minute: a new home gets one notebook that is ready to run, and gets it once."""

import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from rspark_session.files import write_whole
from rspark_session.notebook_cell import Cell
from rspark_session.welcome.cells import FIRST, LAST

NAME = "Welcome.ipynb"
MARK = Path(".config/rspark/welcomed")


def write_welcome_notebook(home: Path, *, kernels: Collection[str], cells: Sequence[Cell] = ()) -> Path | None:
    """Write the notebook into a home that has never had it.

    Parameters
    ----------
    home
        The person's home; it exists.
    kernels
        Languages of the environment.
    cells
        What the session's services have to show.

    Returns
    -------
    Path or None
        The notebook, or None where there is nothing to greet with: no R, or a home that has been greeted. Who deletes the
        notebook has seen it: it does not come back.
    """
    mark, file = home / MARK, home / NAME
    if not is_new(home, kernels):
        return None
    write_whole(file, json.dumps(notebook([*FIRST, *cells, *LAST]), indent=1) + "\n", mode=0o644)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return file


def is_new(home: Path, kernels: Collection[str]) -> bool:
    """Whether a home has never had the notebook, and can run it."""
    return "r" in kernels and not (home / MARK).exists() and not (home / NAME).exists()


def notebook(cells: Iterable[Cell]) -> dict[str, Any]:
    """Return a notebook of format 4.5 for the R kernel."""
    return {
        "cells": [_cell(number, cell) for number, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "R", "language": "R", "name": "ir"},
            "language_info": {"name": "R", "file_extension": ".r", "mimetype": "text/x-r-source"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(number: int, cell: Cell) -> dict[str, Any]:
    common = {"id": f"welcome-{number}", "metadata": {}, "source": cell.text.strip().splitlines(keepends=True)}
    if cell.kind == "markdown":
        return {"cell_type": "markdown", **common}
    return {"cell_type": "code", "execution_count": None, "outputs": [], **common}
