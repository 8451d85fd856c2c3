"""Where a name of a document gets its value, where else it stands, and what it is to be called: what a server answers of it."""

from collections.abc import Sequence
from typing import Protocol

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument


class NoName(JsonRpcException):
    """There is no name, or it can't be another one. The message says why."""

    CODE = -32803  # the protocol's RequestFailed


class Naming(Protocol):
    """What a language knows of the names in its documents. Positions are the document's, whose columns count characters."""

    async def definition(self, document: TextDocument, position: types.Position) -> Sequence[types.Location]:
        """Return where the name at a position gets its value; raise `NoName` where that can't be said."""

    async def places(self, document: TextDocument, position: types.Position) -> Sequence[types.Range]:
        """Return where the document has what is named at a position; raise `NoName` where that can't be said."""

    def written(self, name: str) -> str:
        """Return a new name as code has it; raise `NoName` when none can be called so."""


def serve_names(server: LanguageServer, naming: Naming) -> None:
    """Have a server answer where names are, and rename them."""

    def asked(document: str, position: types.Position) -> tuple[TextDocument, types.Position]:
        found = server.workspace.get_text_document(document)
        place = found.position_codec.position_from_client_units(found.lines, position)
        return found, types.Position(place.line, place.character)

    def told(document: TextDocument, place: types.Range) -> types.Range:
        return document.position_codec.range_to_client_units(document.lines, place)

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def definition(params: types.DefinitionParams) -> list[types.Location]:
        document, position = asked(params.text_document.uri, params.position)
        return [
            types.Location(found.uri, told(document, found.range) if found.uri == document.uri else found.range)
            for found in await naming.definition(document, position)
        ]

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def references(params: types.ReferenceParams) -> list[types.Location]:
        document, position = asked(params.text_document.uri, params.position)
        return [types.Location(document.uri, told(document, place)) for place in await naming.places(document, position)]

    @server.feature(types.TEXT_DOCUMENT_RENAME)
    async def rename(params: types.RenameParams) -> types.WorkspaceEdit:
        document, position = asked(params.text_document.uri, params.position)
        name = naming.written(params.new_name)
        places = await naming.places(document, position)
        return types.WorkspaceEdit(changes={document.uri: [types.TextEdit(told(document, place), name) for place in places]})
