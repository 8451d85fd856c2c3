"""The language server of R: lintr marks mistakes, R finds names, air reformats.

Run as a program, it speaks on its standard streams.

Debian and PyPI carry no language server of R that does both, and an editor speaks to one server for a language.
"""

import asyncio
import contextlib
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

from rspark_session.rc2.language_servers.lintr import CannotLint, Lint, Lintr
from rspark_session.rc2.language_servers.naming import serve_names
from rspark_session.rc2.language_servers.r_names import RNames

_AIR = Path(sys.executable).with_name("air")
_PATIENCE = 20.0  # seconds for the form of one document
_MOST_LINTED = 500_000  # characters of a document: lintr takes seconds for more
_MOST_SHOWN = 1000  # marks
_SEVERITY = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "style": types.DiagnosticSeverity.Information,
}


class Server(LanguageServer):
    """The server. Of a document that changes while it is checked, the newest text is checked next, and none between."""

    def __init__(self) -> None:
        super().__init__("rspark-r", "1", text_document_sync_kind=types.TextDocumentSyncKind.Incremental)
        self.lintr = Lintr()
        self._open: dict[str, asyncio.Event] = {}  # set where a document has changed since it was last looked at
        self._checks: set[asyncio.Task[None]] = set()

    def check(self, uri: str) -> None:
        """Check a document as it is now, as soon as the check that runs has ended."""
        changed = self._open.get(uri)
        if changed is None:
            changed = self._open[uri] = asyncio.Event()
            task = asyncio.ensure_future(self._check(uri, changed))
            self._checks.add(task)
            task.add_done_callback(self._checks.discard)
        changed.set()

    def forget(self, uri: str) -> None:
        """Check a document no longer. A check that runs ends by itself, since R answers each question."""
        if changed := self._open.pop(uri, None):
            changed.set()

    async def _check(self, uri: str, changed: asyncio.Event) -> None:
        while True:
            await changed.wait()
            if self._open.get(uri) is not changed:
                return
            changed.clear()
            document = self.workspace.get_text_document(uri)
            version = document.version
            marks = await self._marks(uri, document)
            if not changed.is_set():
                self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, marks, version))

    async def _marks(self, uri: str, document: TextDocument) -> list[types.Diagnostic]:
        text = document.source
        if len(text) > _MOST_LINTED:
            return []
        try:
            lints = await self.lintr.lint(path_of(uri), text)
        except CannotLint as problem:
            begin = types.Range(types.Position(0, 0), types.Position(0, 1))
            said = f"Not checked: {problem}"
            return [types.Diagnostic(begin, said, severity=types.DiagnosticSeverity.Information, source="lintr")]
        return diagnostics(lints, text.split("\n"), document)


def path_of(uri: str) -> str:
    """Return the path of a file's address."""
    return unquote(urlsplit(uri).path)


def diagnostics(lints: list[Lint], lines: list[str], document: TextDocument) -> list[types.Diagnostic]:
    """Return marks of a document: the protocol counts from 0, and columns in UTF-16."""
    marks = []
    for lint in lints[:_MOST_SHOWN]:
        line = min(lint.line, max(1, len(lines))) - 1
        first = max(lint.column - 1, 0)
        place = types.Range(types.Position(line, first), types.Position(line, max(lint.last, first + 1)))
        marks.append(
            types.Diagnostic(
                range=document.position_codec.range_to_client_units(lines, place) if lines else place,
                message=lint.message,
                severity=_SEVERITY[lint.kind],
                source="lintr",
                code=lint.linter,
            )
        )
    return marks


class NoForm(JsonRpcException):
    """A text can't be brought into form. The message says why."""

    CODE = -32803  # the protocol's RequestFailed


async def form(path: str, text: str) -> str:
    """Return a text of R in air's form, or in that of the `air.toml` of its folder.

    Raises
    ------
    NoForm
        When it can't be parsed, or takes too long.
    """
    process = await asyncio.create_subprocess_exec(
        *(str(_AIR), "format", "--no-color", "--force", "--stdin-file-path", path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            formed, problems = await process.communicate(text.encode())
    except TimeoutError as problem:
        raise NoForm("Reformatting takes too long.") from problem
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    if process.returncode != 0:
        said = problems.decode(errors="replace").strip()
        why = "it is not complete, or no R" if "parse" in said else said.splitlines()[-1] if said else "air fails"
        raise NoForm(f"This code can’t be reformatted: {why}.")
    return formed.decode()


def served() -> Server:
    """Return the server with what it serves."""
    server = Server()
    serve_names(server, RNames(server.lintr))

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        server.check(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        server.check(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.forget(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    async def formatting(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        document = server.workspace.get_text_document(params.text_document.uri)
        text = document.source
        formed = await form(path_of(document.uri), text)
        whole = types.Range(types.Position(0, 0), types.Position(len(document.lines) + 1, 0))
        return [] if formed == text else [types.TextEdit(whole, formed)]

    return server


if __name__ == "__main__":
    served().start_io()
