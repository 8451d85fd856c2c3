"""Runs a notebook from its top in a kernel of its own.

The notebook stays as it is: what the cells put out is in a copy beside it, `NAME executed.ipynb`, also where one failed or the
job was cancelled. Kernels are those of the session, whose kernelspecs are in the folders.
"""

import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from rspark_session.jupyter import kernelspecs
from rspark_session.jupyter.bound import bound
from rspark_session.jupyter.offered_kernelspecs import OfferedKernelSpecs
from rspark_session.rc2.notebooks import notebook
from rspark_session.rc2.notebooks.cells import Cell, written
from rspark_session.rc2.refusal import Refusal
from rspark_session.rc2.rendering import made_file

#: Seconds between two copies that are written while cells run.
_INTERVAL = 10.0
#: Seconds that a kernel has to start.
_START = 300


def main(name: str, *folders: str) -> int:
    """Run the cells; return 1 after saying which failed."""
    file = Path(name)
    specs = bound(_Kernels, folder=folders[0], own_folders=folders[1:], own_python=kernelspecs.own_python())()
    try:
        read = notebook.read(file.read_text(), file.name, language_of=lambda name: _language(specs, name))
        return _Run(read, file, specs).run()
    except (Refusal, UnicodeDecodeError) as problem:
        sys.stderr.write(f"{problem if isinstance(problem, Refusal) else f'{file.name} is not UTF-8 text.'}\n")
        return 1


class _Kernels(OfferedKernelSpecs):
    """The session's kernels, each started by this program."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        spec = super().get_kernel_spec(kernel_name)
        spec.metadata.pop("kernel_provisioner", None)
        return spec


class _Client(NotebookClient):
    """Tells how far it is, and prints what cells print."""

    def process_message(self, msg: dict[str, Any], cell: nbformat.NotebookNode, cell_index: int) -> Any:
        if msg["msg_type"] == "stream":
            sys.stdout.write(msg["content"]["text"])
            sys.stdout.flush()
        return super().process_message(msg, cell, cell_index)


class _Run:
    """A run of one notebook."""

    def __init__(self, read: notebook.Notebook, file: Path, specs: OfferedKernelSpecs) -> None:
        self._read = read
        self._file = file
        self._copy = file.with_name(f"{file.stem} executed.ipynb")
        self._written = time.monotonic()
        self._at = 0
        self._cells = nbformat.reads(read.text, as_version=4)
        codes = {number: cell for number, cell in enumerate(self._cells.cells) if cell.cell_type == "code"}
        for cell in codes.values():
            cell.outputs, cell.execution_count = [], None
        self._codes = [number for number, cell in codes.items() if cell.source.strip()]
        name = _kernel(specs, read)
        self._client = _Client(
            self._cells,
            km=AsyncKernelManager(kernel_name=name, kernel_spec_manager=specs),
            timeout=None,
            startup_timeout=_START,
            resources={"metadata": {"path": str(file.parent.absolute())}},
            shutdown_kernel="immediate",
            ipython_hist_file="",  # the kernels take the connection file from the end of their command
            on_cell_start=self._begins,
            on_cell_executed=self._is_over,
        )
        self._client.owns_km = True  # it ends the kernel

    def run(self) -> int:
        """Run all cells; return 1 where one failed."""
        try:
            self._client.execute()
        except CellExecutionError as problem:
            sys.stderr.write(f"\n{problem}\n{self._place()}A cell failed: {problem.ename}: {problem.evalue}\n")
            return 1
        except RuntimeError as problem:  # the kernel ended, also since the job was cancelled
            sys.stderr.write(f"\n{self._place()}{problem}\n")
            return 1
        finally:
            self._write()
            sys.stdout.write(f"\nOutput created: {self._copy.name}\n")
            sys.stdout.flush()
        return 0

    def _begins(self, cell: nbformat.NotebookNode, cell_index: int) -> None:
        if cell_index in self._codes:
            self._at = cell_index
            name = self._read.cells[cell_index].name
            sys.stdout.write(f"\n{self._codes.index(cell_index) + 1}/{len(self._codes)} [{name}]\n")
            sys.stdout.flush()

    def _is_over(self, **_: Any) -> None:
        if time.monotonic() - self._written >= _INTERVAL:
            self._write()

    def _write(self) -> None:
        made_file.write(self._copy, nbformat.writes(self._cells))
        self._written = time.monotonic()

    def _place(self) -> str:
        """Return where the cell is that ran last: in its text as Rc² shows it."""
        before = [Cell(cell.kind, cell.name, cell.source) for cell in self._read.cells[: self._at]]
        line = written(before, self._read.language).count("\n") + (2 if before else 1)
        return f"{self._file.name}: line {line + 1}: "


def _language(specs: OfferedKernelSpecs, name: str | None) -> str:
    try:
        return str(specs.get_kernel_spec(name).language) if name else "python"
    except NoSuchKernel:
        return "python"


def _kernel(specs: OfferedKernelSpecs, read: notebook.Notebook) -> str:
    """Return the kernel that a notebook names, or where the session has none of that name, one of its language."""
    offered = specs.get_all_specs()
    if read.kernel in offered:
        return str(read.kernel)
    for name, found in offered.items():
        if str(found["spec"]["language"]).lower() == read.language:
            return name
    raise Refusal(f"This session has no kernel of {read.language}, in which the notebook would run.")
