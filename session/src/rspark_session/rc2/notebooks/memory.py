"""Cells that saves have dropped from notebooks: they come back as they were when a text has them again, as after an undo.

Where a notebook has no ids a save can give cells other names. A text with the old ones, of another tab or a draft, still means
these cells. All is in memory and bounded: what is dropped first is forgotten first.
"""

from collections.abc import Collection, Mapping

from rspark_session.rc2.notebooks.notebook import Notebook, StoredCell

_MOST_CELLS = 1000
_MOST_CHARACTERS = 2**24
_MOST_NAMES = 10_000


class Memory:
    """Dropped cells and former names, by the paths of notebooks."""

    def __init__(self, *, most_cells: int = _MOST_CELLS, most_characters: int = _MOST_CHARACTERS) -> None:
        self._most_cells = most_cells
        self._most_characters = most_characters
        self._cells: dict[tuple[str, str], StoredCell] = {}
        self._characters = 0
        self._renamed: dict[tuple[str, str], str] = {}

    def kept(self, path: str, notebook: Notebook, names: Collection[str]) -> dict[str, StoredCell]:
        """Return what the cells of a text are which a notebook doesn't have, by their names in the text."""
        stored = {cell.name: cell for cell in notebook.cells}
        found: dict[str, StoredCell] = {}
        for name in names:
            if not name or name in stored:
                continue
            now = self._renamed.get((path, name), name)
            cell = (
                (stored.get(now) if now not in names else None) or self._cells.get((path, name)) or self._cells.get((path, now))
            )
            if cell is not None:
                found[name] = cell
        return found

    def take(self, path: str, before: Notebook, names: Collection[str], renamed: Mapping[str, str]) -> None:
        """Take that a text with the cells of these names was saved, and which other names the file gave them."""
        for cell in before.cells:
            if cell.name not in names:
                self._keep((path, cell.name), cell)
        for (where, old), name in [*self._renamed.items()]:
            if where == path and name in renamed:
                self._renamed[where, old] = renamed[name]
        for old, name in renamed.items():
            self._renamed.pop((path, old), None)
            self._renamed[path, old] = name
        while len(self._renamed) > _MOST_NAMES:
            del self._renamed[next(iter(self._renamed))]

    def _keep(self, key: tuple[str, str], cell: StoredCell) -> None:
        self._forget(key)
        self._renamed.pop(key, None)
        self._cells[key] = cell
        self._characters += len(cell.text)
        while len(self._cells) > self._most_cells or self._characters > self._most_characters:
            self._forget(next(iter(self._cells)))

    def _forget(self, key: tuple[str, str]) -> None:
        if (cell := self._cells.pop(key, None)) is not None:
            self._characters -= len(cell.text)
