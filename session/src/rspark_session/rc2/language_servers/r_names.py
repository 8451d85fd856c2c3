"""Names in R: which of them are the same variable, R's own parser says."""

import re
from collections.abc import Sequence

from lsprotocol import types
from pygls.workspace import TextDocument

from rspark_session.rc2.language_servers.lintr import CannotLint, Lintr, Name
from rspark_session.rc2.language_servers.naming import NoName

_NOT_COMPLETE = "This code is not complete, so the names in it are not known yet."
_NO_NAME = "There is no name of a variable here."
_PLAIN = re.compile(r"(?:[^\W\d_]|[.](?!\d))[\w.]*")
_VALUES = ("TRUE", "FALSE", "NULL", "Inf", "NaN", "NA", "NA_integer_", "NA_real_", "NA_character_")
_RESERVED = frozenset(("if", "else", "repeat", "while", "function", "for", "in", "next", "break", *_VALUES))


class RNames:
    """Names of R, by an R that reads the text of a document."""

    def __init__(self, lintr: Lintr) -> None:
        self._lintr = lintr

    async def definition(self, document: TextDocument, position: types.Position) -> Sequence[types.Location]:
        """Return where it got its value last before the position, else where it gets one first."""
        found = await self._same(document, position)
        given = [_range(name) for name in found if name.given]
        before = [place for place in given if place.start <= position]
        return [types.Location(document.uri, place) for place in (before[-1:] or given[:1])]

    async def places(self, document: TextDocument, position: types.Position) -> Sequence[types.Range]:
        """Return all places of the variable in the document, of which one gives it its value."""
        found = await self._same(document, position)
        if not any(name.given for name in found):
            raise NoName(f"{found[0].name} gets no value in this file.")
        return [_range(name) for name in found]

    def written(self, name: str) -> str:
        """Return it in backticks where R needs them."""
        bare = name.strip().strip("`")
        if not bare or "`" in bare or "\n" in bare:
            raise NoName("A variable can’t be called so.")
        return bare if _PLAIN.fullmatch(bare) and bare not in _RESERVED else f"`{bare}`"

    async def _same(self, document: TextDocument, position: types.Position) -> list[Name]:
        """Return all names of the variable at a position, in their order."""
        try:
            names = await self._lintr.names(document.source)
        except CannotLint as problem:
            raise NoName(_NOT_COMPLETE) from problem
        for name in names:
            place = _range(name)
            if place.start <= position <= place.end:
                return [other for other in names if (other.name, other.of) == (name.name, name.of)]
        raise NoName(_NO_NAME)


def _range(name: Name) -> types.Range:
    return types.Range(types.Position(name.line - 1, name.column - 1), types.Position(name.line - 1, name.last))
