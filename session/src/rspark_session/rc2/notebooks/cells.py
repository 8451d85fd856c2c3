"""The text of a notebook's cells, as a person edits it: chunks of Quarto with the cells' names as labels, and Markdown between.

A cell of code is a chunk of the notebook's language. One of Markdown is text under a line `<!-- cell NAME -->`, which Markdown
does not show. A raw cell, and Markdown that would be read as something else, are chunks of the languages `raw` and `markdown`.
The editor finds chunks line by line (`web/rc2/src/editor/chunks.ts`), and so it is done here. A text in which a fence is missing
is refused: cells that another one swallows would lose their output, and their attachments and metadata.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from rspark_session.rc2.refusal import Unfit

Kind = Literal["code", "markdown", "raw"]

#: What JavaScript takes for a space, so that the editor and the server see the same chunks.
_SPACES = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
_S = f"[{_SPACES}]"
_HEAD = re.compile(rf"{_S}*+(`{{3,}}+|~{{3,}}+){_S}*+\{{([A-Za-z][A-Za-z0-9_.+-]*+){_S}*+,?{_S}*+", re.ASCII)
_LINE_END = re.compile("[\n\r\u2028\u2029]")
_LABEL = re.compile(r"([A-Za-z0-9_-]{1,64})[ \t]*(?:,|$)")
_MARK = re.compile(r"<!-- cell(?: ([A-Za-z0-9_-]{1,64}))? -->[ \t]*")
_NONE: Mapping[str, str] = {}
_TICKS = re.compile("`+")


@dataclass(frozen=True)
class Cell:
    """A cell as the text has it; `name` is empty where the text gives it none."""

    kind: Kind
    name: str
    source: str


def stripped(source: str) -> str:
    """Return Markdown without the empty lines before and after it, which mean nothing."""
    lines = source.split("\n")
    full = [at for at, line in enumerate(lines) if line.strip(" \t")]
    return "\n".join(lines[full[0] : full[-1] + 1]) if full else ""


def written(cells: Iterable[Cell], language: str) -> str:
    """Return the text of cells."""
    text = "\n\n".join(_written(cell, language) for cell in cells)
    return text + "\n" if text else ""


def read(text: str, language: str, stored: Mapping[str, str] = _NONE) -> list[Cell]:
    """Return the cells of a text; raise `Unfit` where a chunk has no end, or swallows another cell.

    Parameters
    ----------
    text
        The text.
    language
        The notebook's.
    stored
        The sources of the file's cells, by their names. A chunk swallows a cell that is named in it and stands nowhere else.
    """
    lines = text.split("\n")
    found: list[Cell] = []
    prose: list[str] = []
    name: str | None = None
    named: list[_Named] = []
    at = 0

    def end_prose() -> None:
        source = stripped("\n".join(prose))
        if name is not None or source:
            found.append(Cell("markdown", name or "", source))
        prose.clear()

    while at < len(lines):
        header, mark = _header(lines[at]), _MARK.fullmatch(lines[at])
        if header is not None:
            kind = _kind(header.language, language)
            end = _end(lines, at, header.fence)
            if kind is None:  # another language than the notebook's is text
                prose += lines[at : end + 1]
            else:
                end_prose()
                name = None
                found.append(Cell(kind, header.label, "\n".join(lines[at + 1 : end])))
            if stored:
                own = stored.get((header.label if kind is not None else name) or "", "").split("\n")
                named += _named(lines, at, end, header.fence, set(own))
            at = end
        elif mark is not None:
            end_prose()
            name = mark[1] or ""
        else:
            prose.append(lines[at])
        at += 1
    end_prose()
    there = {cell.name for cell in found}
    for one in named:
        if one.name in stored and one.name not in there:
            raise Unfit(
                f"The chunk in line {one.chunk + 1} has no end before the cell of line {one.line + 1}, which is lost so. "
                f"Close it with {one.fence}, and save again."
            )
    return found


@dataclass(frozen=True)
class _Header:
    """The line with which a chunk begins."""

    fence: str
    language: str
    label: str


@dataclass(frozen=True)
class _Named:
    """A cell that is named within a chunk. Lines are from 0."""

    name: str
    line: int
    chunk: int
    fence: str


def _header(line: str) -> _Header | None:
    """Return a chunk's first line; None where it is none. It takes no longer than the line is long."""
    line = line.rstrip(_SPACES)
    head = _HEAD.match(line) if line.endswith("}") else None
    if head is None or _LINE_END.search(line, head.end()):
        return None
    label = _LABEL.match(line, head.end(), len(line) - 1)
    return _Header(head[1], head[2], label[1] if label else "")


def _named(lines: list[str], begin: int, end: int, fence: str, own: Collection[str]) -> Iterator[_Named]:
    """Return the cells that are named between two lines, other than in lines that the chunk's cell has in the file."""
    for at in range(begin + 1, end):
        if lines[at] in own:
            continue
        header, mark = _header(lines[at]), _MARK.fullmatch(lines[at])
        name = header.label if header is not None else (mark[1] or "") if mark is not None else ""
        if name:
            yield _Named(name, at, begin, fence)


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


def _end(lines: list[str], begin: int, fence: str) -> int:
    """Return the line of the fence that closes a chunk; raise `Unfit` where there is none before the next chunk."""
    close = re.compile(f"{_S}*{re.escape(fence[0])}{{{len(fence)},}}{_S}*")
    for at in range(begin + 1, len(lines)):
        if close.fullmatch(lines[at]):
            return at
        inner = _header(lines[at])
        if inner is not None and inner.fence.startswith(fence):
            break
    raise Unfit(f"The chunk in line {begin + 1} has no end. Close it with {fence}, and save again.")
