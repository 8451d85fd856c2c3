"""The first minute: a new home gets one document that is ready to run from the interface that it opens, and gets it once."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from rspark_session.files import write_whole
from rspark_session.notebook_cell import Cell, Language
from rspark_session.welcome.cells import FIRST_CHUNK, FIRST_NOTEBOOK_CELL, FIRST_PYTHON_CHUNK, LAST
from rspark_session.welcome.chunks import chunks
from rspark_session.welcome.notebook import notebook

_MARKS = Path(".config/rspark")


@dataclass(frozen=True, kw_only=True)
class WelcomeDocument:
    """A document in one language.

    `mark` is the file below `~/.config/rspark` that says that a home has had it. It begins with the cells `first`, and `text`
    makes the file of all.
    """

    name: str
    language: Language
    mark: str
    first: Sequence[Cell]
    text: Callable[[Sequence[Cell]], str]

    def is_new(self, home: Path, kernels: Collection[str]) -> bool:
        """Whether a home has never had it, and can run it."""
        return self.language in kernels and not (home / _MARKS / self.mark).exists() and not (home / self.name).exists()

    def write(self, home: Path, *, kernels: Collection[str], cells: Sequence[Cell] = ()) -> Path | None:
        """Write it into a home that has never had it.

        Parameters
        ----------
        home
            The person's home; it exists.
        kernels
            Languages of the environment.
        cells
            What the session's services have to show, in any language.

        Returns
        -------
        Path or None
            The document, or None where there is nothing to greet with: not its language, or a home that has been greeted. Who
            deletes the document has seen it: it does not come back.
        """
        mark, file = home / _MARKS / self.mark, home / self.name
        if not self.is_new(home, kernels):
            return None
        own = [cell for cell in cells if cell.language == self.language]
        write_whole(file, self.text([*self.first, *own, *LAST]), mode=0o644)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        return file


NOTEBOOK = WelcomeDocument(
    name="Welcome.ipynb",
    language="r",
    mark="welcomed",
    first=FIRST_NOTEBOOK_CELL,
    text=lambda cells: json.dumps(notebook(cells), indent=1) + "\n",
)
R_MARKDOWN = WelcomeDocument(
    name="Welcome.Rmd",
    language="r",
    mark="welcomed-r",
    first=FIRST_CHUNK,
    text=lambda cells: chunks(cells, language="r", output="output: html_document"),
)
QUARTO = WelcomeDocument(
    name="Welcome.qmd",
    language="python",
    mark="welcomed-python",
    first=FIRST_PYTHON_CHUNK,
    text=lambda cells: chunks(cells, language="python", output="format: html"),
)
