"""The text of a notebook's cells, as a person edits it: chunks of Quarto with the cells' names as labels, and Markdown between.

A cell of code is a chunk of the notebook's language. One of Markdown is text under a line `<!-- cell NAME -->`, which Markdown
does not show. A raw cell, and Markdown that would be read as something else, are chunks of the languages `raw` and `markdown`.
The editor finds chunks line by line (`web/rc2/src/editor/chunks.ts`), and so it is done here. A text in which a fence is missing
is refused: cells that another one swallows would lose their output.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rspark_session.rc2.refusal import Unfit

Kind = Literal["code", "markdown", "raw"]

#: What JavaScript takes for a space, so that the editor and the server see the same chunks.
_S = "[\\t\\n\\v\\f\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff]"
_HEADER = re.compile(
    rf"{_S}*(`{{3,}}|~{{3,}}){_S}*\{{([A-Za-z][A-Za-z0-9_.+-]*){_S}*,?{_S}*([^\n\r\u2028\u2029]*?)\}}{_S}*", re.ASCII
)
_LABEL = re.compile(r"([A-Za-z0-9_-]{1,64})[ \t]*(?:,|$)")
_MARK = re.compile(r"<!-- cell(?: ([A-Za-z0-9_-]{1,64}))? -->[ \t]*")
_TICKS = re.compile("`+")
_NO_MARGIN = re.compile(r"\A(?:[ \t]*\n)+|(?:\n[ \t]*)+\Z")


@dataclass(frozen=True)
class Cell:
    """A cell as the text has it; `name` is empty where the text gives it none."""

    kind: Kind
    name: str
    source: str


def stripped(source: str) -> str:
    """Return Markdown without the empty lines before and after it, which mean nothing."""
    return _NO_MARGIN.sub("", source) if source.strip(" \t\n") else ""


def written(cells: Iterable[Cell], language: str) -> str:
    """Return the text of cells."""
    text = "\n\n".join(_written(cell, language) for cell in cells)
    return text + "\n" if text else ""


def read(text: str, language: str) -> list[Cell]:
    """Return the cells of a text; raise `Unfit` where a chunk has no end."""
    lines = text.split("\n")
    found: list[Cell] = []
    prose: list[str] = []
    name: str | None = None
    at = 0

    def end_prose() -> None:
        source = stripped("\n".join(prose))
        if name is not None or source:
            found.append(Cell("markdown", name or "", source))
        prose.clear()

    while at < len(lines):
        header, mark = _HEADER.fullmatch(lines[at]), _MARK.fullmatch(lines[at])
        if header is not None:
            kind = _kind(header[2], language)
            end = _end(lines, at, header[1], strict=kind is not None)
            if kind is None:  # another language than the notebook's is text
                prose += lines[at : end + 1]
            else:
                end_prose()
                name = None
                label = _LABEL.match(header[3])
                found.append(Cell(kind, label[1] if label else "", "\n".join(lines[at + 1 : end])))
            at = end
        elif mark is not None:
            end_prose()
            name = mark[1] or ""
        else:
            prose.append(lines[at])
        at += 1
    end_prose()
    return found


def _written(cell: Cell, language: str) -> str:
    if cell.kind == "markdown":
        source = stripped(cell.source)
        text = f"<!-- cell {cell.name} -->" + (f"\n{source}" if source else "")
        if _is_plain(text, Cell("markdown", cell.name, source), language):
            return text
    head = language if cell.kind == "code" else cell.kind
    fence = "`" * max(3, *(len(ticks) + 1 for ticks in _TICKS.findall(cell.source)), 0)
    return "\n".join([f"{fence}{{{head}, {cell.name}}}", *([cell.source] if cell.source else []), fence])


def _is_plain(text: str, cell: Cell, language: str) -> bool:
    """Return whether the text of Markdown is read as this one cell, also where others follow."""
    try:
        return read(f"{text}\n\n<!-- cell -->", language) == [cell, Cell("markdown", "", "")]
    except Unfit:
        return False


def _kind(head: str, language: str) -> Kind | None:
    match head.lower():
        case found if found == language:
            return "code"
        case "markdown":
            return "markdown"
        case "raw":
            return "raw"
    return None


def _end(lines: list[str], begin: int, fence: str, *, strict: bool) -> int:
    """Return the line of the fence that closes a chunk, or the one after the last."""
    close = re.compile(f"{_S}*{re.escape(fence[0])}{{{len(fence)},}}{_S}*")
    for at in range(begin + 1, len(lines)):
        if close.fullmatch(lines[at]):
            return at
        inner = _HEADER.fullmatch(lines[at]) if strict else None
        if inner is not None and inner[1].startswith(fence):
            break
    else:
        if not strict:
            return len(lines)
    raise Unfit(f"The chunk in line {begin + 1} has no end. Close it with {fence}, and save again.")
