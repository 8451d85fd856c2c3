"""Which program runs a file as a job: a script by its language, a notebook by nbclient, a document by R Markdown."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rspark_session.jupyter import kernelspecs
from rspark_session.rc2.protocol import RenderFormat
from rspark_session.rc2.refusal import Refusal
from rspark_session.rc2.rendering import pandoc

_SCRIPTS = Path(__file__).parent / "job_scripts"
DOCUMENTS = frozenset({".rmd", ".qmd", ".md", ".rmarkdown", ".markdown"})
_LATEX = ("xelatex", "pdflatex", "lualatex")
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
    #: Whether it prints, as R Markdown does, the file that it has made.
    makes_file: bool = False


def program(file: Path, form: RenderFormat | None, kernels: Sequence[str]) -> Program:
    """Return what runs a file, or renders it in a form.

    Parameters
    ----------
    file
        The file.
    form
        The form; None where it runs.
    kernels
        The folders of the session's kernelspecs.

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
        case ".ipynb":
            return _of_notebook("run", file.name, *kernels)
    raise Refusal(f"{file.name} is no script of R, Python or bash and no notebook, so it can't run as a job.")


def _rendering(file: Path, form: RenderFormat) -> Program:
    if file.suffix.lower() == ".ipynb":
        return _of_notebook("pages", file.name, form)
    if file.suffix.lower() not in DOCUMENTS:
        raise Refusal(f"{file.name} is no R Markdown, Quarto or Markdown document and no notebook, so it can't be rendered.")
    if shutil.which("pandoc") is None:
        raise Refusal("This session has no pandoc, which renders documents. Ask your administrator to install it.")
    environ = {"RSPARK_JOB_SCRIPT": file.name, "RSPARK_JOB_FORMAT": form}
    if form == "pdf" and not any(map(shutil.which, _LATEX)):
        environ |= _typst(file)
    return _program(_rscript(), "--no-save", str(_SCRIPTS / "render.R"), makes_file=True, **environ)


def _typst(file: Path) -> Mapping[str, str]:
    """Return what tells R to set PDF by Typst. R Markdown takes the newest pandoc that it is told of."""
    return {
        "RSPARK_JOB_TYPST": str(_SCRIPTS / "typst.R"),
        "RSPARK_JOB_PYTHON": sys.executable,
        "RSPARK_JOB_FILTER": str(pandoc.FILTER),
        "RSPARK_JOB_STYLE": str(pandoc.STYLE),
        "RSPARK_DOCUMENT": str(file),
        "RSTUDIO_PANDOC": str(pandoc.folder()),
    }


def _of_notebook(kind: str, *words: str) -> Program:
    return _program(sys.executable, "-I", "-m", "rspark_session.rc2.rendering", kind, *words, makes_file=True)


def _rscript() -> str:
    found = shutil.which("Rscript")
    if found is None:
        raise Refusal("This session has no R, which this file needs.")
    return found


def _program(*command: str, makes_file: bool = False, **environ: str) -> Program:
    return Program(command=command, environ={**os.environ, **_ENVIRON, **environ}, makes_file=makes_file)
