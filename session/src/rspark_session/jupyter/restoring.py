"""Restoring what a sleep saved: the same kernels under the same ids, so that an open page finds them again by itself.

`begin` starts kernels and terminals before anybody is let in; a kernel's setup code restores its memory. `finish` waits for that,
as does a client that comes meanwhile (`Kernels.wait_usable`), so that nobody's code runs before.
"""

import asyncio
from pathlib import Path

from jupyter_server.services.sessions.sessionmanager import ModelName

from rspark_contract.reading import Unreadable
from rspark_contract.saved import Restored, RestoredKernel, SavedKernel
from rspark_session.jupyter import snapshot
from rspark_session.jupyter.execution import CodeFailed
from rspark_session.jupyter.runtime import Runtime
from rspark_session.jupyter.saved_state import KernelState, SavedState, TerminalState
from rspark_session.jupyter.snapshot import SnapshotFailed


class WorkspaceRestorer:
    """Restores everything of a server from the folder of a saved workspace, once."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self._runtime = runtime
        self._kernels = runtime.kernels
        self._ledger = runtime.ledger
        self._folder = folder
        self._state = SavedState()
        self._problems: dict[str, str] = {}  # of kernels that could not be started, by their ids
        self._reason: str | None = None

    async def begin(self) -> None:
        """Start the kernels and terminals that there were. One that can't be started keeps nobody out."""
        try:
            self._state = SavedState.read(self._folder)
        except (OSError, Unreadable) as problem:
            self._runtime.log.error("the state in %s can't be read: %s", self._folder, problem)
            self._reason = "What was saved could not be read. It is still kept."
            for entry in self._folder.iterdir():
                if entry.is_dir():
                    self._ledger.record_unrestored(entry.name)
            return
        for kernel in self._state.kernels:
            self._ledger.begin_restore(kernel.saved.id)
        await asyncio.gather(*(self._start(kernel) for kernel in self._state.kernels))
        for session in self._state.sessions:
            if session.kernel in self._kernels:
                await self._runtime.sessions.save_session(
                    session.id, path=session.path, name=session.name, type=session.type, kernel_id=session.kernel
                )
        for terminal in self._state.terminals:
            self._open(terminal)

    async def finish(self) -> Restored:
        """Wait until the kernels have their memory back, and return what was restored and what was not."""
        kernels = await asyncio.gather(*(self._restore(kernel.saved) for kernel in self._state.kernels))
        return Restored(kernels=tuple(kernels), terminals=len(self._state.terminals), reason=self._reason)

    def _open(self, terminal: TerminalState) -> None:
        folder = _existing(terminal.folder) or str(self._runtime.options.home)
        try:
            self._runtime.terminals.create(name=terminal.name, cwd=folder)
        except Exception:  # a shell holds nothing that a new one lacks
            self._runtime.log.exception("terminal %s could not be opened again", terminal.name)

    async def _start(self, kernel: KernelState) -> None:
        saved = kernel.saved
        path, folder = saved.path or "", self._folder / saved.id
        try:
            if folder.is_dir() and (code := snapshot.code("restore", saved.language, folder)):
                snapshot.clear_report("restore", folder)
                self._ledger.add_setup_code(saved.id, code)
            await self._kernels.start_kernel(
                kernel_id=saved.id,
                kernel_name=saved.name,
                cwd=_existing(kernel.folder) or self._kernels.cwd_for_path(path),
                env=self._runtime.sessions.get_kernel_env(path, ModelName(path)),
            )
        except Exception as problem:  # whatever keeps this one from starting, the others and the server must start
            self._ledger.take_setup_code(saved.id)
            self._runtime.log.exception("kernel %s could not be started again", saved.id)
            self._problems[saved.id] = f"The kernel could not be started again: {problem}"

    async def _restore(self, saved: SavedKernel) -> RestoredKernel:
        folder = self._folder / saved.id
        objects, lost = saved.objects, saved.lost
        problem = self._problems.get(saved.id)
        if problem is None and folder.is_dir() and snapshot.code("restore", saved.language, folder):
            try:
                await self._kernels.wait_set_up(saved.id)
                report = snapshot.read_report("restore", folder)
                objects, lost = report.objects, report.lost
                if report.kept:
                    self._ledger.record_unrestored(saved.id)
            except (CodeFailed, SnapshotFailed) as failure:
                problem = f"What was saved could not be brought back: {failure} It is still kept."
        self._ledger.end_restore(saved.id)
        if problem is not None:
            self._ledger.record_unrestored(saved.id)
            self._runtime.log.error("kernel %s: %s", saved.id, problem)
            objects, lost = 0, (*saved.lost, snapshot.lost_workspace(saved.language, problem, failed=True))
        return RestoredKernel(
            id=saved.id,
            name=saved.name,
            language=saved.language,
            path=saved.path,
            objects=objects,
            lost=lost,
            reason=problem,
        )


def _existing(folder: str | None) -> str | None:
    return folder if folder and Path(folder).is_dir() else None
