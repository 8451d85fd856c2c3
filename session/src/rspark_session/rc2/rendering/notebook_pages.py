"""Renders a notebook with the output that its file has.

HTML is nbconvert's. Word and PDF are written by pandoc from the same cells, of whose outputs each is in its best form for paper.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbconvert import HTMLExporter
from nbconvert.filters import strip_ansi

from rspark_session.rc2.notebooks import notebook
from rspark_session.rc2.refusal import Refusal
from rspark_session.rc2.rendering import made_file, pandoc, typst_pdf

#: Forms of a value, the best for paper first. HTML comes first where it is a table, and else is for screens.
_FORMS = ("image/png", "image/jpeg", "image/svg+xml", "text/markdown", "text/latex", "text/plain")
_HTML = "text/html"


class _NotRendered(Exception):
    """A program has said why."""


def main(name: str, form: str) -> int:
    """Render; return 1 after saying why it can't be done."""
    file = Path(name)
    made = file.with_suffix(f".{form}")
    try:
        cells = nbformat.reads(notebook.read(file.read_text(), file.name, language_of=str).text, as_version=4)
        content = _html(cells, file).encode() if form == "html" else _paper(cells, file, form)
        made_file.write(made, content)
    except _NotRendered:
        return 1
    except UnicodeDecodeError:
        sys.stderr.write(f"{file.name} is not UTF-8 text, so it is no valid notebook.\n")
        return 1
    except Refusal as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(f"\nOutput created: {made.name}\n")
    return 0


def _html(cells: nbformat.NotebookNode, file: Path) -> str:
    exporter = HTMLExporter(embed_images=True)
    resources = {"metadata": {"name": file.stem, "path": str(file.parent)}}
    page, _ = exporter.from_notebook_node(cells, resources=resources)
    return str(page)


def _paper(cells: nbformat.NotebookNode, file: Path, form: str) -> bytes:
    with TemporaryDirectory() as name:
        place = Path(name)
        source, text, made = place / "notebook.ipynb", place / "notebook.typ", place / f"made.{form}"
        source.write_text(json.dumps(_for_paper(cells)))
        title = cells.metadata.get("title")
        _run(
            [
                str(pandoc.folder() / "pandoc"),
                *("--from", "ipynb+raw_tex"),
                *("--to", pandoc.WRITER if form == "pdf" else form),
                *("--output", str(text if form == "pdf" else made)),
                *("--standalone", "--lua-filter", str(pandoc.FILTER)),
                *(("--include-in-header", str(pandoc.STYLE)) if form == "pdf" else ()),
                *("--resource-path", str(file.parent.absolute())),
                *("--extract-media", str(place / "media")),
                *(("--metadata", f"title={title}") if isinstance(title, str) else ()),
                str(source),
            ],
            environ={"RSPARK_REMOTE_PICTURES": name},
        )
        if form == "pdf" and not typst_pdf.set_text(text, made, None):
            raise _NotRendered
        return made.read_bytes()


def _run(command: list[str], *, environ: Mapping[str, str]) -> None:
    if subprocess.run(command, env={**os.environ, **environ}, check=False).returncode:
        raise _NotRendered


def _for_paper(cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a notebook in which each value has one form, no text has colours of terminals, and no cell is empty or a target."""
    made: nbformat.NotebookNode = nbformat.from_dict(cells)
    made.cells = [cell for cell in made.cells if cell.source.strip()]
    for cell in made.cells:
        cell.pop("id", None)
        for output in cell.get("outputs", []):
            if "data" in output:
                output.data = _one_form(output.data)
            if "text" in output:
                output.text = strip_ansi(output.text)
            if "traceback" in output:
                output.traceback = [strip_ansi(line) for line in output.traceback]
    return made


def _one_form(data: Mapping[str, Any]) -> dict[str, Any]:
    html = data.get(_HTML)
    forms = [form for form in _FORMS if form in data]
    if isinstance(html, str) and ("<table" in html or not forms):
        forms.insert(0, _HTML)
    return {form: strip_ansi(data[form]) if form == "text/plain" else data[form] for form in forms[:1]}
