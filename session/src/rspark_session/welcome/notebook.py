"""A notebook of R, made of cells."""

from collections.abc import Iterable
from typing import Any

from rspark_session.notebook_cell import Cell


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
