"""Saving what the kernels hold, all at the same time, into a folder that the agent then makes the one that counts.

`state.json` in it says which kernels, sessions (a notebook and its kernel) and terminals there were; a folder for each kernel
holds what its language saved. What an earlier sleep saved and this one can't replace is carried over.
"""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rspark_session.jupyter import memory
from rspark_session.jupyter.execution import CodeFailed, run, settle
from rspark_session.jupyter.memory import MemoryFailed

if TYPE_CHECKING:
    from rspark_session.jupyter.server import Server

_PATIENCE = 3.0  # seconds that a busy kernel is left alone before it is interrupted


class Sleep:
    """Saves everything of a server, once."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._kernels = server.kernels

    async def save(self, folder: Path, *, seconds: float) -> dict[str, Any]:
        """Save all within the time; gives what is told of it: `{"kernels": […], "terminals": number}`."""
        sessions = await self._server.session_manager.list_sessions()
        files = {session["kernel"]["id"]: session["path"] for session in sessions}
        ids = self._kernels.list_kernel_ids()
        folders = {kernel_id: _folder_of(self._kernels.get_kernel(kernel_id)) for kernel_id in ids}
        terminals = [
            {"name": name, "cwd": _link(f"/proc/{terminal.ptyproc.pid}/cwd")} for name, terminal in self._server.terminals.items()
        ]
        saved = await asyncio.gather(
            *(self._save(kernel_id, folder / kernel_id, files.get(kernel_id), seconds) for kernel_id in ids)
        )
        self._carry_over(folder)
        state = {
            "kernels": [{**kernel, "cwd": folders[kernel["id"]]} for kernel in saved],
            "sessions": [
                {"id": session["id"], "path": session["path"], "name": session["name"], "type": session["type"]}
                | {"kernel": session["kernel"]["id"]}
                for session in sessions
            ],
            "terminals": terminals,
        }
        (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
        _flush(folder)
        return {"kernels": [*saved, *map(_given_up, self._kernels.dead)], "terminals": len(terminals)}

    async def _save(self, kernel_id: str, folder: Path, path: str | None, seconds: float) -> dict[str, Any]:
        """Save one kernel. What goes wrong is told, and keeps no other kernel from being saved."""
        kernel: Any = self._kernels.get_kernel(kernel_id)
        language: str = kernel.kernel_spec.language
        entry = {"id": kernel_id, "name": kernel.kernel_name, "language": language, "path": path}
        lost = []
        if crashed := self._kernels.crashed.get(kernel_id):
            lost.append(
                memory.whole_lost(language, f"It stopped by itself at {crashed:%H:%M} UTC; what it held until then is gone.")
            )
        told: dict[str, Any] = {"objects": 0, "bytes": 0, "lost": []}
        try:
            told = await self._ask(kernel, kernel_id, folder, seconds) or told
        except (CodeFailed, MemoryFailed, OSError) as failure:
            shutil.rmtree(folder, ignore_errors=True)
            why = f"It could not be saved: {failure}"
            if self._carry(kernel_id, folder):
                why += " What you get back is from the time before."
            lost.append(memory.whole_lost(language, why))
        return entry | told | {"lost": [*told["lost"], *lost]}

    async def _ask(self, kernel: Any, kernel_id: str, folder: Path, seconds: float) -> dict[str, Any] | None:
        code = memory.code("save", kernel.kernel_spec.language, folder)
        if code is None:
            return None
        began = asyncio.get_running_loop().time()
        try:
            await asyncio.wait_for(self._kernels.until_awake(kernel_id), seconds / 4)
        except TimeoutError as late:
            raise CodeFailed("It was still being brought back.") from late
        await settle(kernel, patience=min(_PATIENCE, seconds / 8), seconds=seconds / 4)
        folder.mkdir(mode=0o700)  # noqa: ASYNC240  (a folder is made at once)
        await run(kernel, code, seconds=seconds - (asyncio.get_running_loop().time() - began))
        return memory.said("save", folder)

    def _carry(self, kernel_id: str, folder: Path) -> bool:
        """Take over what the sleep before saved of a kernel."""
        before = self._server.told.restore
        if before is None or not (before / kernel_id).is_dir():
            return False
        shutil.copytree(before / kernel_id, folder, copy_function=os.link)
        return True

    def _carry_over(self, folder: Path) -> None:
        """Keep what could not be brought back: it may be somebody's only copy."""
        before = self._server.told.restore
        if before is None:
            return
        kept = folder / "unrestored"
        for kernel_id in self._server.unrestored:
            if (before / kernel_id).is_dir():
                shutil.copytree(before / kernel_id, kept / f"{before.name}-{kernel_id}", copy_function=os.link)
        if (before / "unrestored").is_dir():
            shutil.copytree(before / "unrestored", kept, copy_function=os.link, dirs_exist_ok=True)


def _given_up(kernel: dict[str, Any]) -> dict[str, Any]:
    why = "It stopped by itself again and again, and was not started any more."
    return kernel | {"objects": 0, "bytes": 0, "lost": [memory.whole_lost(kernel["language"], why)]}


def _folder_of(kernel: Any) -> str | None:
    """Where a kernel works. bash_kernel's shell is a child of the kernel, and it is the shell that moves."""
    pid = getattr(kernel.provisioner, "pid", None)
    if pid is None:
        return None
    if kernel.kernel_spec.language == "bash":
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        pid = children[0] if children else pid
    return _link(f"/proc/{pid}/cwd")


def _link(path: str) -> str | None:
    try:
        return str(Path(path).readlink())
    except OSError:  # it ended
        return None


def _flush(folder: Path) -> None:
    """Put everything in a folder on the disk."""
    for root, _, names in os.walk(folder):
        for path in (Path(root), *(Path(root, name) for name in names)):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
