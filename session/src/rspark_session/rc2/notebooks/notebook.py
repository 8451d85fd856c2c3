"""A notebook's file: its cells for the editor, and what the editor has of them merged into it.

The file is changed as text: what no edit is about stays byte for byte, with its order of keys, indentation and escapes.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from rspark_session.rc2.notebooks import json_text
from rspark_session.rc2.notebooks.cells import Cell, Kind, stripped, written
from rspark_session.rc2.notebooks.json_text import Span
from rspark_session.rc2.refusal import Unfit

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NEWLINE = re.compile(r"\r\n?")
_FORMAT, _WITH_IDS = 4, 5
_KINDS: tuple[Kind, ...] = ("code", "markdown", "raw")
_OF_R = re.compile(r"i?r\d*", re.IGNORECASE)
_R = re.compile(r"R\b")
#: Languages as knitr's chunks name them, where notebooks say otherwise.
_KNOWN_AS = {"ipython": "python", "python3": "python", "sh": "bash", "shell": "bash", "markdown": "code", "raw": "code"}


@dataclass(frozen=True)
class StoredCell:
    """A cell of the file, and its JSON as it is written there."""

    kind: Kind
    name: str
    source: str
    content: Mapping[str, Any]
    span: Span
    text: str


@dataclass(frozen=True)
class Ran:
    """What replaces a cell's output: outputs in the form of the file, and the kernel's number of the execution."""

    outputs: Sequence[Mapping[str, Any]] = ()
    count: int | None = None


@dataclass(frozen=True)
class Notebook:
    """A notebook. `text` is its file, or what this would be in the form that is written today."""

    text: str
    language: str
    kernel: str | None
    has_ids: bool
    place: Span
    cells: tuple[StoredCell, ...]

    @property
    def edited(self) -> str:
        """The text for the editor."""
        return written((Cell(cell.kind, cell.name, cell.source) for cell in self.cells), self.language)


def new(kernelspec: Mapping[str, str]) -> str:
    """Return the file of an empty notebook."""
    metadata = {"kernelspec": dict(kernelspec), "language_info": {"name": kernelspec["language"]}}
    content = {"cells": [], "metadata": metadata, "nbformat": _FORMAT, "nbformat_minor": _WITH_IDS}
    return json.dumps(content, indent=1) + "\n"


def read(file: str, name: str, *, language_of: Callable[[str | None], str]) -> Notebook:
    """Return the notebook that a file holds; raise `Unfit` when it holds none.

    Parameters
    ----------
    file
        The content of the file.
    name
        The name of the file, for what is said of it.
    language_of
        Returns the language of a kernel, or that of a notebook which names none.
    """
    text, content = _parsed(file, name)
    place = json_text.members(text, _begin(text))["cells"]
    found: list[StoredCell] = []
    names: set[str] = set()
    ids = Counter(str(cell.get("id")) for cell in content["cells"])
    for number, (cell, span) in enumerate(zip(content["cells"], json_text.elements(text, place.begin), strict=True), start=1):
        kind = _kind_of(cell)
        source = _source(cell, name, number)
        own = cell.get("id")
        if not isinstance(own, str) or not _NAME.fullmatch(own) or ids[own] > 1:
            own = _name_for(kind, source, names)
        names.add(own)
        found.append(StoredCell(kind, own, source, cell, span, text[span.begin : span.end]))
    minor = content.get("nbformat_minor")
    return Notebook(
        text=text,
        language=_language(content.get("metadata"), language_of),
        kernel=kernel_of(content.get("metadata")),
        has_ids=isinstance(minor, int) and minor >= _WITH_IDS,
        place=place,
        cells=tuple(found),
    )


def merged(
    notebook: Notebook, cells: Sequence[Cell], ran: Mapping[str, Ran], kept: Mapping[str, StoredCell] = MappingProxyType({})
) -> str:
    """Return the file with the cells as they are now, in their order, and the outputs of what was run.

    Parameters
    ----------
    notebook
        What the file has.
    cells
        The cells of the text.
    ran
        New outputs, by the names of cells.
    kept
        Cells that the file has no more, by the names under which the text may have them again.
    """
    stored = {cell.name: cell for cell in notebook.cells}
    waiting, outputs = {**kept, **stored}, dict(ran)
    used = stored.keys() | {cell.name for cell in cells}
    given: set[str] = set()
    style = json_text.style_of(notebook.text)
    texts: list[tuple[str, StoredCell | None]] = []
    for cell in cells:
        there, output = waiting.pop(cell.name, None), outputs.pop(cell.name, None)
        if there is not None and there.kind == cell.kind:
            given.add(cell.name)
            texts.append((_changed(notebook, style, there, cell, output), there))
            continue
        if there is not None:
            given.add(cell.name)
            made = _of_kind(there, cell)
        else:
            name = cell.name
            if not name or name in stored or name in given:
                name = _name_for(cell.kind, cell.source, used)
            used.add(name)
            given.add(name)
            made = _new_cell(cell, name if notebook.has_ids else None, output)
        texts.append((style.written(made, _margin(notebook, style)), None))
    return _joined(notebook, style, texts)


def renamed(before: Sequence[Cell], after: Notebook) -> dict[str, str]:
    """Return the names that cells have anew, by those that they had: where there are no ids, a name follows the source."""
    pairs = zip(before, after.cells, strict=True)
    return {cell.name: stored.name for cell, stored in pairs if cell.name and cell.name != stored.name}


def _parsed(file: str, name: str) -> tuple[str, dict[str, Any]]:
    try:
        content = json.loads(file.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as problem:
        where = f"line {problem.lineno}: {problem.msg}" if isinstance(problem, json.JSONDecodeError) else "it is nested too deep"
        raise Unfit(
            f"{name} is no valid notebook ({where}). It is left as it is: mend it in a terminal, or take it from Git as it was."
        ) from problem
    version = content.get("nbformat") if isinstance(content, dict) else None
    if isinstance(version, int) and version > _FORMAT:
        raise Unfit(
            f"{name} is a notebook of format {version}, which is newer than what can be edited here. It is left as it is."
        )
    if isinstance(version, int) and version < _FORMAT:
        file, content = _upgraded(file, name)
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise Unfit(f"{name} is no notebook: it has no list of cells. It is left as it is.")
    return file, content


def _upgraded(file: str, name: str) -> tuple[str, dict[str, Any]]:
    """Return a notebook of an older format in today's, without ids: they would be others each time."""
    import nbformat  # noqa: PLC0415  (it brings schemas and their checks, for the few notebooks that are so old)

    try:
        notebook = nbformat.reads(file.removeprefix("\ufeff"), as_version=_FORMAT)
        for cell in notebook.cells:
            cell.pop("id", None)
        notebook.nbformat_minor = _WITH_IDS - 1
        text: str = nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"
    except Exception as problem:  # whatever an old and broken notebook makes of the conversion
        raise Unfit(f"{name} is a notebook of an old format that can't be read. It is left as it is.") from problem
    return text, json.loads(text)


def _language(metadata: Any, language_of: Callable[[str | None], str]) -> str:
    info = _object(_object(metadata).get("language_info")).get("name")
    spec = _object(_object(metadata).get("kernelspec"))
    kernel = kernel_of(metadata)
    said = info or spec.get("language") or language_of(kernel)
    if not (info or spec.get("language")) and (_OF_R.fullmatch(kernel or "") or _R.match(str(spec.get("display_name")))):
        said = "r"  # as IRkernel's kernels are named by its versions, which this session need not have
    language = re.sub(r"[^a-z0-9_.+-]", "-", str(said).lower())
    language = _KNOWN_AS.get(language, language)
    return language if language[:1].isalpha() else "code"


def kernel_of(metadata: Any) -> str | None:
    """Return the name of the kernel that a notebook's metadata ask for."""
    name = _object(_object(metadata).get("kernelspec")).get("name")
    return name if isinstance(name, str) else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _kind_of(cell: Mapping[str, Any]) -> Kind:
    return next((kind for kind in _KINDS if kind == cell.get("cell_type")), "raw")


def _source(cell: Mapping[str, Any], name: str, number: int) -> str:
    """Return a cell's source with the line ends that the editor has, and without what is half a character."""
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise Unfit(f"{name} is no valid notebook: its cell {number} has no source. It is left as it is.")
    return _NEWLINE.sub("\n", source).encode("utf-8", "replace").decode()


def _name_for(kind: Kind, source: str, taken: set[str]) -> str:
    """Return a name that is free, made of what is in a cell, so that it stays where others come and go."""
    name = wanted = "c" + hashlib.sha256(f"{kind}\n{source}".encode()).hexdigest()[:8]
    number = 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


def _new_cell(cell: Cell, identity: str | None, ran: Ran | None) -> dict[str, Any]:
    code = cell.kind == "code"
    made: dict[str, Any] = {"cell_type": cell.kind}
    if code:
        made["execution_count"] = ran.count if ran else None
    if identity is not None:
        made["id"] = identity
    made["metadata"] = {}
    if code:
        made["outputs"] = list(ran.outputs) if ran else []
    return {**made, "source": cell.source.splitlines(keepends=True)}


def _of_kind(there: StoredCell, cell: Cell) -> dict[str, Any]:
    """Return a cell that became one of another kind: outputs are code's alone, attachments are not code's."""
    lost = ("outputs", "execution_count") if there.kind == "code" else ("attachments",) if cell.kind == "code" else ()
    kept = {key: value for key, value in there.content.items() if key not in lost}
    kept |= {"cell_type": cell.kind, "source": cell.source.splitlines(keepends=True)}
    return kept | ({"execution_count": None, "outputs": []} if cell.kind == "code" else {})


def _changed(notebook: Notebook, style: json_text.Style, there: StoredCell, cell: Cell, ran: Ran | None) -> str:
    """Return a cell of the file as it was written, with another source or other outputs where it has them."""
    text = there.text
    values: dict[str, Any] = {}
    same = stripped(there.source) == stripped(cell.source) if cell.kind == "markdown" else there.source == cell.source
    if not same:
        lines = isinstance(there.content["source"], list)
        values["source"] = cell.source.splitlines(keepends=True) if lines else cell.source
    if ran is not None and cell.kind == "code":
        values |= {"execution_count": ran.count, "outputs": list(ran.outputs)}
    values = {key: value for key, value in values.items() if key not in there.content or there.content[key] != value}
    if not values:
        return text
    places = json_text.members(text, 0)
    if not values.keys() <= places.keys():
        return style.written({**there.content, **values}, _margin(notebook, style))
    margin = _margin(notebook, style) + (style.indent or "")
    return json_text.replaced(text, {places[key]: style.written(value, margin) for key, value in values.items()})


def _margin(notebook: Notebook, style: json_text.Style) -> str:
    if notebook.cells:
        return json_text.margin_at(notebook.text, notebook.cells[0].span.begin)
    return json_text.margin_at(notebook.text, notebook.place.begin) + (style.indent or "")


def _joined(notebook: Notebook, style: json_text.Style, cells: Sequence[tuple[str, StoredCell | None]]) -> str:
    """Return the file with these cells. Spaces around a cell go with it."""
    text, place, stored = notebook.text, notebook.place, notebook.cells
    if tuple(there for _, there in cells) == stored:
        return json_text.replaced(text, {there.span: new for new, there in cells if there is not None})
    if not cells:
        return text[: place.begin] + "[]" + text[place.end :]
    line = "" if style.indent is None else style.newline
    lead = text[place.begin + 1 : stored[0].span.begin] if stored else line + _margin(notebook, style)
    trail = text[stored[-1].span.end : place.end - 1] if stored else line + json_text.margin_at(text, place.begin)
    if style.indent is None and not stored:
        lead = trail = ""
    between = "," + (lead if lead or style.colon == ":" else " ")
    return text[: place.begin + 1] + lead + between.join(new for new, _ in cells) + trail + text[place.end - 1 :]


def _begin(text: str) -> int:
    return 1 if text.startswith("\ufeff") else 0
