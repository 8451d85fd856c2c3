"""Saving what the kernels hold, all at the same time, into a folder that the agent then makes the one that counts.

`state.json` in it says which kernels, sessions (a notebook and its kernel) and terminals there were; a folder for each kernel
holds what its language saved. What an earlier sleep saved and this one can't replace is carried over.
"""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async

from rspark_contract.saved import LostObject, Saved, SavedKernel
from rspark_session.files import link_folder
from rspark_session.jupyter import snapshot
from rspark_session.jupyter.execution import CodeFailed, run, wait_idle
from rspark_session.jupyter.ledger import KernelIdentity
from rspark_session.jupyter.runtime import Runtime
from rspark_session.jupyter.saved_state import KernelState, SavedState, SessionState, TerminalState
from rspark_session.jupyter.snapshot import SnapshotFailed, SnapshotReport
from rspark_session.processes import tree

_PATIENCE = 3.0  # seconds that a busy kernel is left alone before it is interrupted


class _StillRestoring(CodeFailed):
    """A kernel has not got back yet what an earlier sleep saved."""


class WorkspaceSaver:
    """Saves everything of a server, once."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._kernels = runtime.kernels
        self._ledger = runtime.ledger
        self._previous = runtime.options.restore

    async def save(self, folder: Path, *, within: float) -> Saved:
        """Save all into the folder within a time in seconds, and return what was saved and what was lost.

        Raises
        ------
        OSError
            When the folder can't be written.
        """
        sessions = await self._runtime.list_sessions()
        notebooks = {session["kernel"]["id"]: session["path"] for session in sessions}
        ids = self._kernels.list_kernel_ids()
        folders = {kernel_id: _folder_of(self._kernels.get_kernel(kernel_id)) for kernel_id in ids}
        terminals = [
            TerminalState(name=name, folder=tree.working_folder(terminal.ptyproc.pid))
            for name, terminal in self._runtime.terminals.terminals.items()
        ]
        saved = await asyncio.gather(
            *(self._save(kernel_id, folder / kernel_id, notebooks.get(kernel_id), within) for kernel_id in ids)
        )
        self._carry_over_unrestored(folder)
        state = SavedState(
            kernels=tuple(KernelState(saved=kernel, folder=folders[kernel.id]) for kernel in saved),
            sessions=tuple(map(_session_state, sessions)),
            terminals=tuple(terminals),
        )
        state.write(folder)
        _flush(folder)
        return Saved(kernels=(*saved, *map(_abandoned, self._ledger.abandoned)), terminals=len(terminals))

    async def _save(self, kernel_id: str, folder: Path, path: str | None, within: float) -> SavedKernel:
        """Save one kernel. What goes wrong is reported, and keeps no other kernel from being saved."""
        kernel: Any = self._kernels.get_kernel(kernel_id)
        language: str = kernel.kernel_spec.language
        lost: list[LostObject] = []
        if crashed := self._ledger.crashed_at(kernel_id):
            why = f"It stopped by itself at {crashed:%H:%M} UTC; what it held until then is gone."
            lost.append(snapshot.lost_workspace(language, why, failed=False))  # long before this sleep
        report = SnapshotReport()
        try:
            report = await self._snapshot(kernel, kernel_id, folder, within) or report
        except (CodeFailed, SnapshotFailed, OSError) as failure:
            shutil.rmtree(folder, ignore_errors=True)
            why = f"It could not be saved: {failure}"
            carried = self._carry_over(kernel_id, folder)
            if carried:
                why += " What you get back is from the time before."
            # who never got back what was kept has nothing else
            lost.append(snapshot.lost_workspace(language, why, failed=not (carried and isinstance(failure, _StillRestoring))))
        return SavedKernel(
            id=kernel_id,
            name=kernel.kernel_name,
            language=language,
            path=path,
            objects=report.objects,
            bytes=report.bytes,
            lost=(*report.lost, *lost),
        )

    async def _snapshot(self, kernel: Any, kernel_id: str, folder: Path, within: float) -> SnapshotReport | None:
        language = kernel.kernel_spec.language
        if snapshot.code("save", language, folder) is None:
            return None
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(within / 4):
                await self._kernels.wait_usable(kernel_id)
        except TimeoutError as timeout:
            raise _StillRestoring("It was still being brought back.") from timeout
        await wait_idle(kernel, patience=min(_PATIENCE, within / 8), seconds=within / 4)
        folder.mkdir(mode=0o700)  # noqa: ASYNC240  (a folder is made at once)
        remaining = within - (asyncio.get_running_loop().time() - began)
        code = snapshot.code("save", language, folder, within=remaining)
        try:
            await run(kernel, str(code), seconds=remaining)
        except CodeFailed:
            if await ensure_async(kernel.is_alive()):  # it may still save, for long, and the session may go on
                await ensure_async(kernel.interrupt_kernel())
            # What a kernel reported on the way counts, and names all that it had not saved yet.
            if (report := snapshot.read_unfinished(folder)) is not None:
                return report
            raise
        return snapshot.read_report("save", folder)

    def _carry_over(self, kernel_id: str, folder: Path) -> bool:
        """Link what the sleep before saved of a kernel into the folder, and return whether there was anything."""
        if self._previous is None or not (self._previous / kernel_id).is_dir():
            return False
        link_folder(self._previous / kernel_id, folder)
        return True

    def _carry_over_unrestored(self, folder: Path) -> None:
        """Link what could not be restored into the folder: it may be somebody's only copy."""
        if self._previous is None:
            return
        unrestored = folder / "unrestored"
        for kernel_id in self._ledger.unrestored:
            if (self._previous / kernel_id).is_dir():
                link_folder(self._previous / kernel_id, unrestored / f"{_generation(self._previous)}-{kernel_id}")
        if (self._previous / "unrestored").is_dir():
            link_folder(self._previous / "unrestored", unrestored)


def _generation(saved: Path) -> str:
    """Return which generation saved a folder: `3` of `3`, and of `3.beside/lab`."""
    return saved.name if saved.name.isdigit() else saved.parent.stem


def _session_state(session: dict[str, Any]) -> SessionState:
    return SessionState(
        id=session["id"], path=session["path"], name=session["name"], type=session["type"], kernel=session["kernel"]["id"]
    )


def _abandoned(kernel: KernelIdentity) -> SavedKernel:
    why = "It stopped by itself again and again, and was not started any more."
    lost = snapshot.lost_workspace(kernel.language, why, failed=False)
    return SavedKernel(id=kernel.id, name=kernel.name, language=kernel.language, path=kernel.path, lost=(lost,))


def _folder_of(kernel: Any) -> str | None:
    """Return where a kernel works. bash_kernel's shell is a child of the kernel, and it is the shell that moves."""
    pid = getattr(kernel.provisioner, "pid", None)
    if pid is None:
        return None
    if kernel.kernel_spec.language == "bash":
        pid = next(iter(tree.children(pid)), pid)
    return tree.working_folder(pid)


def _flush(folder: Path) -> None:
    """Write everything in a folder to the disk."""
    for root, _, names in os.walk(folder):
        for path in (Path(root), *(Path(root, name) for name in names)):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
