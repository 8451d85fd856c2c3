"""The interface `jupyterlab`: notebooks, consoles, files and terminals."""

# ruff: noqa: PLC0415  (the welcome notebook is written when R and the server are on their way)

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from rspark_session.interfaces.jupyter_server import JupyterServer

if TYPE_CHECKING:
    from rspark_session.notebook_cell import Cell


class JupyterLab(JupyterServer):
    """JupyterLab, with an R that waits for its first notebook."""

    extension = "rspark_session.jupyter.lab"
    default_url = "/lab"
    warms_r = True

    def first_url(self) -> str:
        """Return the address of the welcome notebook in a home that gets one, and later that of the last workspace."""
        from rspark_session.welcome import NOTEBOOK

        is_new = NOTEBOOK.is_new(self.context.home, self.context.spec.kernels)
        return f"/lab/tree/{NOTEBOOK.name}" if is_new else self.default_url

    def document_url(self, path: str) -> str:
        """Return the address by which JupyterLab opens a file, or shows a folder."""
        return f"lab/tree/{quote(path)}"

    def write_home_files(self, welcome: "Sequence[Cell]") -> None:
        """Write the welcome notebook into a new home."""
        from rspark_session.welcome import NOTEBOOK

        NOTEBOOK.write(self.context.home, kernels=self.context.spec.kernels, cells=welcome)


INTERFACE = JupyterLab
