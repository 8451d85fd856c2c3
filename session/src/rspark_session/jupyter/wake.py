"""Bringing back what a sleep saved: the same kernels under the same ids, so that an open page finds them again by itself.

`begin` starts kernels and terminals before anybody is let in; the first that a kernel does is to get its memory back. `finish`
waits for that, as does a client that comes meanwhile (`Kernels.until_awake`), so that nobody's code runs before.
"""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rspark_session.jupyter import memory
from rspark_session.jupyter.execution import CodeFailed
from rspark_session.jupyter.memory import MemoryFailed

if TYPE_CHECKING:
    from rspark_session.jupyter.server import Server


class Wake:
    """Brings back everything of a server, once."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._kernels = server.kernels
        self._folder = Path()
        self._state: dict[str, Any] = {"kernels": [], "sessions": [], "terminals": []}
        self._problems: dict[str, str] = {}
        self._reason: str | None = None

    async def begin(self, folder: Path) -> None:
        """Start the kernels and terminals that there were. What can't be started keeps nobody out."""
        self._folder = folder
        try:
            self._state = _read(folder)
        except (OSError, ValueError, KeyError) as problem:
            self._server.log.error("%s can't be read: %s", folder / "state.json", problem)
            self._reason = "What was saved could not be read. It is still kept."
            self._server.unrestored.update(entry.name for entry in folder.iterdir() if entry.is_dir())  # noqa: ASYNC240
            return
        loop = asyncio.get_running_loop()
        for kernel in self._state["kernels"]:
            self._kernels.waking[kernel["id"]] = loop.create_future()
        await asyncio.gather(*(self._start(kernel) for kernel in self._state["kernels"]))
        for session in self._state["sessions"]:
            if session["kernel"] in self._kernels:
                await self._server.session_manager.save_session(
                    session["id"], path=session["path"], name=session["name"], type=session["type"], kernel_id=session["kernel"]
                )
        for terminal in self._state["terminals"]:
            self._open(terminal)

    async def finish(self) -> dict[str, Any]:
        """Wait until the kernels have their memory back; tells what is there again and what is not."""
        kernels = await asyncio.gather(*(self._remember(kernel) for kernel in self._state["kernels"]))
        return {"kernels": kernels, "terminals": len(self._state["terminals"]), "reason": self._reason}

    def _open(self, terminal: dict[str, Any]) -> None:
        try:
            self._server.open_terminal(terminal["name"], _still_there(terminal["cwd"]))
        except Exception:  # a shell holds nothing that a new one lacks
            self._server.log.exception("terminal %s could not be opened again", terminal["name"])

    async def _start(self, kernel: dict[str, Any]) -> None:
        path = kernel["path"] or ""
        folder = self._folder / kernel["id"]
        try:
            if folder.is_dir() and (code := memory.code("restore", kernel["language"], folder)):
                memory.clear("restore", folder)
                self._kernels.first[kernel["id"]] = code
            await self._kernels.start_kernel(
                kernel_id=kernel["id"],
                kernel_name=kernel["name"],
                cwd=_still_there(kernel["cwd"]) or self._kernels.cwd_for_path(path),
                env=self._server.session_manager.get_kernel_env(path, path),
            )
        except Exception as problem:  # whatever keeps this one from starting, the others and the server must start
            self._kernels.first.pop(kernel["id"], None)
            self._server.log.exception("kernel %s could not be started again", kernel["id"])
            self._problems[kernel["id"]] = f"The kernel could not be started again: {problem}"

    async def _remember(self, kernel: dict[str, Any]) -> dict[str, Any]:
        kernel_id, language = kernel["id"], kernel["language"]
        folder = self._folder / kernel_id
        told: dict[str, Any] = {name: kernel.get(name) for name in ("id", "name", "language", "path", "objects", "lost")}
        told["reason"] = None
        problem = self._problems.get(kernel_id)
        if problem is None and folder.is_dir() and memory.code("restore", language, folder):
            try:
                await self._kernels.obeyed(kernel_id)
                said = memory.said("restore", folder)
                told |= {"objects": said["objects"], "lost": said["lost"]}
            except (CodeFailed, MemoryFailed) as failure:
                problem = f"What was saved could not be brought back: {failure} It is still kept."
        self._kernels.waking.pop(kernel_id).set_result(None)
        if problem is not None:
            self._server.unrestored.add(kernel_id)
            self._server.log.error("kernel %s: %s", kernel_id, problem)
            told |= {"objects": 0, "reason": problem, "lost": [*told["lost"], memory.whole_lost(language, problem)]}
        return told


def _read(folder: Path) -> dict[str, Any]:
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    return {name: list(state[name]) for name in ("kernels", "sessions", "terminals")}


def _still_there(folder: str | None) -> str | None:
    return folder if folder and Path(folder).is_dir() else None
