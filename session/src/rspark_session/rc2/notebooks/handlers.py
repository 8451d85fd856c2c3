"""Notebooks over HTTP, under `rc2/api/notebook`."""

import asyncio
import json
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any

from jupyter_core.utils import ensure_async
from tornado import web

from rspark_session.rc2 import protocol
from rspark_session.rc2.handlers import RoomHandler
from rspark_session.rc2.notebooks import cells, notebook, outputs
from rspark_session.rc2.notebooks.cells import Cell
from rspark_session.rc2.notebooks.memory import Memory
from rspark_session.rc2.notebooks.notebook import Notebook, Ran
from rspark_session.rc2.refusal import Outdated, Unfit
from rspark_session.rc2.room import Room

#: Bytes of the largest notebook.
_MOST_BYTES = 2**26
_CHANGED = "The file has changed in the session since you opened it."
_USUAL = "python"


class NotebookDocument(RoomHandler):
    """A notebook as a document of chunks."""

    def initialize(self, *, room: Room, turn: asyncio.Lock, memory: Memory) -> None:  # type: ignore[override]  # with who writes
        """Set what it works with."""
        super().initialize(room=room)
        self.turn = turn
        self.memory = memory

    @web.authenticated
    async def get(self) -> None:
        """Answer with it."""
        path = self.get_query_argument("path", strip=False)
        model = await self._file(path)
        read = await self._read(path, model["content"])
        await self._show(read, model)

    @web.authenticated
    async def put(self) -> None:
        """Merge a text into the file, unless it has changed, and answer with its version."""
        request = self.body(protocol.NotebookSave)
        self.room.activity()
        begun = datetime.now(UTC)
        async with self.turn:
            try:
                model = await self._file(request.path)
            except web.HTTPError as problem:
                if problem.status_code != HTTPStatus.NOT_FOUND:
                    raise
                model = {"content": "", "hash": None}
            if model["hash"] not in (None, request.read):
                raise Outdated(_CHANGED)
            read = await self._read(request.path, model["content"], request.language)
            text = await asyncio.to_thread(_cells, request.text, read)
            names = {cell.name for cell in text}
            ran = await self._ran(request)
            missing = tuple(name for name in request.outputs if name not in ran)
            kept = self.memory.kept(request.path, read, names)
            merged = await asyncio.to_thread(notebook.merged, read, text, ran, kept)
            if merged == read.text and model["hash"] is not None:
                self.answer(protocol.NotebookSaved(hash=model["hash"], modified=begun, renamed={}, missing=missing))
                return
            name = PurePosixPath(request.path).name
            if len(merged.encode()) > _MOST_BYTES:
                raise Unfit(f"{name} would be larger than {_MOST_BYTES // 2**20} MiB. Remove output of cells, and save again.")
            now = await self._read(request.path, merged)
            if await self._version(request.path) != model["hash"]:
                raise Outdated(_CHANGED)
            content = {"type": "file", "format": "text", "content": merged}
            await ensure_async(self.contents_manager.save(content, request.path))
            written = await self._file(request.path, content=False)
            renamed = notebook.renamed(text, now)
            self.memory.take(request.path, read, names, renamed)
        self.answer(protocol.NotebookSaved(hash=written["hash"], modified=begun, renamed=renamed, missing=missing))

    async def _version(self, path: str) -> str | None:
        """Return a file's version now; None where there is no file."""
        try:
            model = await self._file(path, content=False)
        except web.HTTPError as problem:
            if problem.status_code != HTTPStatus.NOT_FOUND:
                raise
            return None
        return str(model["hash"])

    async def _ran(self, request: protocol.NotebookSave) -> dict[str, Ran]:
        """Return the new outputs of cells, by their names; what the session has no more is missing."""
        if not request.outputs:
            return {}
        asked = {execution for execution in request.outputs.values() if execution is not None}
        recorder = self.room.recorder
        found = await asyncio.to_thread(outputs.ran, asked, recorder.log.all(), recorder.blobs) if asked else {}
        return {
            name: Ran() if execution is None else found[execution]
            for name, execution in request.outputs.items()
            if execution is None or execution in found
        }

    async def _file(self, path: str, *, content: bool = True) -> dict[str, Any]:
        """Return Jupyter's model of a file of text; raise `HTTPError` when there is none, `Unfit` when it can't be edited."""
        name = PurePosixPath(path).name
        manager = self.contents_manager
        model: dict[str, Any] = await ensure_async(manager.get(path, content=False, type="file", require_hash=True))
        if not content:
            return model
        if (model["size"] or 0) > _MOST_BYTES:
            raise Unfit(
                f"{name} is too large to edit here: more than {_MOST_BYTES // 2**20} MiB. Clear its outputs in JupyterLab."
            )
        try:
            return dict(await ensure_async(manager.get(path, type="file", format="text", require_hash=True)))
        except web.HTTPError as problem:
            if problem.status_code != HTTPStatus.BAD_REQUEST:
                raise
            raise Unfit(f"{name} is not UTF-8 text, so it is no valid notebook. It is left as it is.") from problem

    async def _read(self, path: str, content: str, language: str = "") -> Notebook:
        """Return the notebook that a file holds; an empty file is an empty notebook."""
        specs = await ensure_async(self.kernel_spec_manager.get_all_specs())
        kernels = {name: found["spec"] for name, found in specs.items()}

        def language_of(kernel: str | None) -> str:
            return str(kernels[kernel]["language"]) if kernel in kernels else _USUAL

        if not content.strip():
            wanted = language or _USUAL
            name, spec = next(
                ((name, spec) for name, spec in kernels.items() if spec["language"].lower() == wanted),
                (wanted, {"display_name": wanted, "language": wanted}),
            )
            content = notebook.new({"display_name": spec["display_name"], "language": spec["language"], "name": name})
        file = PurePosixPath(path).name
        return await asyncio.to_thread(notebook.read, content, file, language_of=language_of)

    async def _show(self, read: Notebook, model: dict[str, Any]) -> None:
        recorder = self.room.recorder
        shown: dict[str, tuple[protocol.StoredOutput, ...]] = {}
        for cell in read.cells:
            await asyncio.sleep(0)  # large outputs are written as blobs, and others are served between
            if cell.kind == "code" and (found := outputs.stored(cell.content.get("outputs"), recorder)):
                shown[cell.name] = found
        answer = protocol.Notebook(
            text=await asyncio.to_thread(lambda: read.edited),
            hash=model["hash"],
            writable=model["writable"],
            language=read.language,
            kernel=read.kernel,
            modified=model["last_modified"],
            outputs=shown,
        )
        self.finish(await asyncio.to_thread(answer.model_dump_json))


def handlers(room: Room) -> list[tuple[str, type[RoomHandler], dict[str, Any]]]:
    """Return the handlers by their addresses."""
    return [(r"/rc2/api/notebook", NotebookDocument, {"room": room, "turn": asyncio.Lock(), "memory": Memory()})]


def _cells(text: str, read: Notebook) -> list[Cell]:
    """Return the cells of a text; raise `Unfit` where it is none that this notebook can have."""
    try:
        content = json.loads(text) if text.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict) and "cells" in content:
        raise Unfit(
            "This text is the JSON of a notebook, and would become one cell of it. Discard it, and open the notebook again."
        )
    return cells.read(text, read.language, {cell.name: cell.source for cell in read.cells})
