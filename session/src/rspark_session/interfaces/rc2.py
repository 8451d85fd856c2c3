"""The interface `rc2`: the room where a person works with R, Python and bash."""

# ruff: noqa: PLC0415  (the welcome document is written when R and the server are on their way)

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from rspark_session.interfaces.jupyter_server import JupyterServer

if TYPE_CHECKING:
    from rspark_session.notebook_cell import Cell
    from rspark_session.welcome import WelcomeDocument


class Rc2(JupyterServer):
    """Rc², with an R that waits for its first console; the source of its page is `web/rc2`."""

    extension = "rspark_session.rc2.extension"
    default_url = "/rc2/"
    warms_r = True

    def first_documents(self) -> Sequence[str]:
        """Return the first document of the project that the environment gives, and the welcome document."""
        from rspark_session.project_template import first_document

        project, welcome = self.context.template, self._welcome()
        found = first_document(project) if project is not None else None
        return [*([found] if found is not None else []), *([welcome.name] if welcome is not None else [])]

    def document_url(self, path: str) -> str:
        """Return the address by which Rc² opens a file, or shows a folder."""
        return f"rc2/?open={quote(path)}"

    def write_home_files(self, welcome: "Sequence[Cell]") -> None:
        """Write the welcome document of the environment's language into a new home."""
        document = self._welcome()
        if document is not None:
            document.write(self.context.home, kernels=self.context.spec.kernels, cells=welcome)

    def _welcome(self) -> "WelcomeDocument | None":
        from rspark_session.welcome import QUARTO, R_MARKDOWN

        return next((each for each in (R_MARKDOWN, QUARTO) if each.language in self.context.spec.kernels), None)


INTERFACE = Rc2
