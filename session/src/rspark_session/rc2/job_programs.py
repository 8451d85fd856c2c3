"""Which program runs a file as a job: a script by its language, a document by R Markdown."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rspark_session.jupyter import kernelspecs
from rspark_session.rc2.protocol import RenderFormat
from rspark_session.rc2.refusal import Refusal

_SCRIPTS = Path(__file__).parent / "job_scripts"
DOCUMENTS = frozenset({".rmd", ".qmd", ".md", ".rmarkdown", ".markdown"})
_LATEX = ("xelatex", "pdflatex", "lualatex")
_WITHOUT_LATEX = (
    "This session has no LaTeX, which sets PDF. Render to HTML or Word, or print the HTML page into a PDF from your browser."
)
#: Programs see a terminal, in which nobody answers a pager.
_ENVIRON = {
    "TERM": "xterm-256color",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "PYTHONUNBUFFERED": "1",
    "R_CLI_DYNAMIC": "true",
}


@dataclass(frozen=True, kw_only=True)
class Program:
    """A command, and its environment."""

    command: tuple[str, ...]
    environ: Mapping[str, str]


def program(file: Path, form: RenderFormat | None) -> Program:
    """Return what runs a file, or renders it in a form.

    Raises
    ------
    Refusal
        When there is nothing that does; the message says what is missing.
    """
    extension = file.suffix.lower()
    if form is not None:
        return _rendering(file, form)
    match extension:
        case ".r":
            return _program(_rscript(), "--no-save", str(_SCRIPTS / "run.R"), RSPARK_JOB_SCRIPT=file.name)
        case ".py":
            return _program(kernelspecs.own_python() or sys.executable, file.name)
        case ".sh" | ".bash":
            return _program("/bin/bash", file.name)
    raise Refusal(f"{file.name} is no script of R, Python or bash, so it can't run as a job.")


def _rendering(file: Path, form: RenderFormat) -> Program:
    if file.suffix.lower() not in DOCUMENTS:
        raise Refusal(f"{file.name} is no R Markdown, Quarto or Markdown document, so it can't be rendered.")
    if shutil.which("pandoc") is None:
        raise Refusal("This session has no pandoc, which renders documents. Ask your administrator to install it.")
    if form == "pdf" and not any(map(shutil.which, _LATEX)):
        raise Refusal(_WITHOUT_LATEX)
    environ = {"RSPARK_JOB_SCRIPT": file.name, "RSPARK_JOB_FORMAT": form}
    return _program(_rscript(), "--no-save", str(_SCRIPTS / "render.R"), **environ)


def _rscript() -> str:
    found = shutil.which("Rscript")
    if found is None:
        raise Refusal("This session has no R, which this file needs.")
    return found


def _program(*command: str, **environ: str) -> Program:
    return Program(command=command, environ={**os.environ, **_ENVIRON, **environ})
