"""The language server for names in Python: jedi finds them. Run as a program, it speaks on its standard streams."""

import asyncio
import keyword
from collections.abc import Sequence
from pathlib import Path

import jedi  # type: ignore[import-untyped]
from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

from rspark_session.rc2.language_servers.naming import NoName, serve_names


class PythonNames:
    """Names of Python, by jedi."""

    async def definition(self, document: TextDocument, position: types.Position) -> Sequence[types.Location]:
        """Return where it is defined, also in another file."""
        found = await asyncio.to_thread(_script(document).goto, position.line + 1, position.character, follow_imports=True)
        here = Path(document.path)
        return [
            types.Location(document.uri if name.module_path in (None, here) else name.module_path.as_uri(), _range(name))
            for name in found
            if name.line is not None
        ]

    async def places(self, document: TextDocument, position: types.Position) -> Sequence[types.Range]:
        """Return all places of it in the document, of which one defines it."""
        ask = _script(document).get_references
        found = await asyncio.to_thread(ask, position.line + 1, position.character, scope="file", include_builtins=False)
        here = [name for name in found if name.module_path in (None, Path(document.path))]
        if not any(name.is_definition() for name in here):
            raise NoName("There is no name here that this file defines.")
        return [_range(name) for name in here]

    def written(self, name: str) -> str:
        """Return it, where Python takes it for a name."""
        if not name.isidentifier() or keyword.iskeyword(name):
            raise NoName(f"{name} is no name of Python.")
        return name


def _script(document: TextDocument) -> jedi.Script:
    return jedi.Script(document.source, path=document.path)


def _range(name: jedi.api.classes.Name) -> types.Range:
    begin = types.Position(name.line - 1, name.column)
    return types.Range(begin, types.Position(begin.line, begin.character + len(name.name)))


def served() -> LanguageServer:
    """Return the server with what it serves."""
    server = LanguageServer("rspark-python-names", "1")
    serve_names(server, PythonNames())
    return server


if __name__ == "__main__":
    served().start_io()
