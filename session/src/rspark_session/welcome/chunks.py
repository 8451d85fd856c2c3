"""A document of text with chunks, as R Markdown and Quarto have it, made of cells."""

from collections.abc import Iterable
from textwrap import fill

from rspark_session.notebook_cell import Cell, Language

#: Columns that an editor has in a window of usual size, with panes beside it.
WIDTH = 64


def chunks(cells: Iterable[Cell], *, language: Language, output: str) -> str:
    """Return the document; `output` is the line of its head that says what it is rendered to."""
    head = f'---\ntitle: "Welcome"\n{output}\n---'
    return "\n\n".join([head, *(_part(cell, language) for cell in cells)]) + "\n"


def _part(cell: Cell, language: Language) -> str:
    text = cell.text.strip()
    if cell.kind == "code":
        return f"```{{{language}}}\n{text}\n```"
    return "\n\n".join(fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False) for paragraph in text.split("\n\n"))
