"""Runs ensembles as processes of this machine."""

import asyncio
import builtins
import contextlib
import logging
import os
import signal
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from rspark_contract.http import Ending
from rsparkhub.agents import AgentClient
from rsparkhub.backends.base import Backend, EnsembleRef
from rsparkhub.backends.process import cgroups, homes, notifications, proc
from rsparkhub.backends.process.accounts import Accounts, are_possible
from rsparkhub.backends.process.loopback import Loopback
from rsparkhub.backends.process.observation import Statuses, look
from rsparkhub.backends.process.run_folder import RunFolder, empty, throw_away
from rsparkhub.backends.process.start import Start
from rsparkhub.domain.ensemble import EnsembleSpec, Observed
from rsparkhub.domain.errors import CannotStart, Unavailable

log = logging.getLogger(__name__)

_SHIM_SECONDS = 15.0  # a shim has 10 to end what is left
_FORCE_SECONDS = 10.0


class ProcessBackend(Backend):
    """See `Backend`. Everything it knows lies in files, so that any process may be it, one after another or several at once.

    A generation has been started when its `shim.json` is there; it has ended when its `exit.json` is there, or when
    neither its shim nor its agent lives.
    """

    def __init__(self, *, data: Path, notify_dir: Path, python: Path, r_libs: str = "", checkout: Path | None = None) -> None:
        self._data = data.absolute()
        self._identity: tuple[int, int] | None = None
        self._sessions = self._data / "sessions"
        self._trash = self._sessions / ".trash"
        self._homes = f"{self._data}/".encode()
        self._notify_dir = notify_dir
        self._accounts = Accounts(self._data) if are_possible() else None
        self._limits = cgroups.Tree.of(os.fsencode(self._data)) if self._accounts else None
        self._loopback = Loopback(self._limits, self._uid_of) if self._limits else None
        self._start = Start(
            data=self._data,
            notify_dir=notify_dir,
            python=python,
            r_libs=r_libs,
            checkout=checkout,
            accounts=self._accounts,
            limits=self._limits,
            loopback=self._loopback,
        )
        self._statuses = Statuses()
        self._agents = AgentClient()

    async def apply(self, spec: EnsembleSpec) -> None:
        """Start it.

        Raises
        ------
        CannotStart
            A sentence for the person, and a detail for the administrator.
        """
        folder = self._folder(EnsembleRef(spec.id, spec.generation))
        await asyncio.to_thread(self._apply, folder, spec)

    def _apply(self, folder: RunFolder, spec: EnsembleSpec) -> None:
        if folder.started_before() or folder.locked():
            return
        prepared = self._start.prepare(folder, spec)
        try:
            self._start.run(folder, prepared)
        except CannotStart:
            cgroups.remove(prepared.groups)
            if self._loopback is not None:
                self._loopback.renew()
            raise

    async def observe(self, ref: EnsembleRef) -> Observed:
        return look(self._folder(ref), self._statuses)  # a few small files that are in memory: no thread is faster

    async def list(self, *, session_id: str | None = None) -> list[EnsembleRef]:
        found = await asyncio.to_thread(self._list)
        return [ref for ref in found if session_id in (None, ref.id)]

    def _list(self) -> "builtins.list[EnsembleRef]":
        self._refuse_another_folder()
        empty(self._trash)
        found = {EnsembleRef.parse(session.name, run.name) for session in _folders(self._sessions) for run in _folders(session)}
        for process in proc.everyone():  # also what lives on without its folder
            session_id, _, generation = (proc.ensemble_of(process.pid, self._homes) or "").rpartition(".")
            found.add(EnsembleRef.parse(session_id, generation))
        for name in self._limits.names() if self._limits else ():  # and what threw its name away
            session_id, _, generation = name.rpartition(".")
            found.add(EnsembleRef.parse(session_id, generation))
        return sorted(ref for ref in found if ref is not None)

    def _refuse_another_folder(self) -> None:
        """Raise Unavailable when the data folder is another than at the first look.

        Who removed it may have begun anew there: its sessions are in a store that this process does not read, and would be
        ended as nobody's.
        """
        try:
            found = self._data.stat()
            identity = (found.st_dev, found.st_ino)
        except FileNotFoundError:
            identity = None
        if self._identity is None:
            self._identity = identity
        elif identity != self._identity:
            raise Unavailable(
                f"The data folder {self._data} was removed or replaced while RSparkHub ran; end it and start it again."
            )

    async def end(self, ref: EnsembleRef, ending: Ending, grace: timedelta) -> None:
        """Ask the agent over HTTP, or by SIGTERM where it doesn't answer; its grace is that of its own file."""
        folder = self._folder(ref)
        status, secret = self._statuses.of(folder), folder.secret()
        address = status.address if status is not None else None
        if address is not None and secret is not None and await self._agents.end(address, secret, ending):
            return
        if ending in ("sleep", "sleep-if-idle"):  # it is asked again
            return
        shim = folder.shim()
        if shim is not None and shim.agent is not None and shim.boot_id == proc.boot_id() and folder.runs(shim.agent):
            shim.agent.signal(signal.SIGTERM)

    async def kill(self, ref: EnsembleRef) -> None:
        await asyncio.to_thread(self._kill, self._folder(ref))

    def _kill(self, folder: RunFolder) -> None:
        """End the agent, upon which its shim ends the rest; end the rest here where there is no shim to do it."""
        shim = folder.shim()
        roots: list[proc.Process] = []
        if shim is not None and shim.boot_id == proc.boot_id():
            roots = [process for process in (shim.agent, shim.process) if process is not None and folder.runs(process)]
            if shim.agent in roots:
                shim.agent.signal(signal.SIGKILL)
                if shim.process in roots:
                    shim.process.wait(_SHIM_SECONDS)
        elif shim is None and folder.locked():  # a shim that is about to start: it has its file in an instant
            deadline = time.monotonic() + 1
            while folder.shim() is None and folder.locked() and time.monotonic() < deadline:
                time.sleep(0.01)
            if folder.shim() is not None:
                self._kill(folder)
                return
        proc.kill_members(folder.ensemble, self._homes, roots, _FORCE_SECONDS, folder.uid())
        groups = self._groups(folder)
        cgroups.kill(groups, _FORCE_SECONDS)
        cgroups.remove(groups)
        if folder.path.exists() and folder.exit() is None:  # so that nobody starts it any more
            with contextlib.suppress(OSError):  # a full disk: then it is seen to have ended by its shim being gone
                folder.write("exit.json", '{"code": null, "signal": 9}\n')

    async def remove(self, ref: EnsembleRef) -> None:
        folder = self._folder(ref)
        self._statuses.forget(folder)
        groups = self._groups(folder)
        await asyncio.to_thread(cgroups.remove, groups)
        if self._loopback is not None and groups:
            await asyncio.to_thread(self._loopback.renew)
        await asyncio.to_thread(throw_away, folder.path, self._trash)

    async def log_tails(self, ref: EnsembleRef, *, most: int = 64 * 1024) -> dict[str, str]:
        return await asyncio.to_thread(self._folder(ref).log_tails, most)

    async def changes(self) -> AsyncIterator[EnsembleRef]:
        async with contextlib.aclosing(notifications.receive(self._notify_dir)) as notified:
            async for ref in notified:
                yield ref

    async def forget_session(self, session_id: str, *, user: str | None) -> None:
        await asyncio.to_thread(throw_away, self._folder(EnsembleRef(session_id, 0)).session, self._trash)

    async def users(self) -> "builtins.list[str]":
        return await asyncio.to_thread(self._accounts.users) if self._accounts else []

    async def forget_user(self, user: str) -> None:
        if self._accounts is None:
            return
        if not await asyncio.to_thread(self._accounts.remove, user):
            log.info("The account of %s stays until nothing of it runs.", user)

    async def remove_home(self, user: str, *, archive: Path | None) -> None:
        await asyncio.to_thread(homes.remove, self._data / "homes" / user, archive=archive, trash=self._trash)

    async def aclose(self) -> None:
        if self._loopback is not None:
            await asyncio.to_thread(self._loopback.renew)
        await self._agents.aclose()

    def _groups(self, folder: RunFolder) -> "builtins.list[str]":
        """Return the groups of a generation: those that were written down, since this process may be in others today."""
        found = self._limits.find(folder.ensemble) if self._limits else []
        return [*dict.fromkeys([*folder.groups(), *found])]

    def _uid_of(self, name: str) -> int | None:
        """Return the account of a generation, by the name of its group."""
        session_id, _, generation = name.rpartition(".")
        ref = EnsembleRef.parse(session_id, generation)
        return None if ref is None else self._folder(ref).uid()

    def _folder(self, ref: EnsembleRef) -> RunFolder:
        return RunFolder(self._sessions, ref)


def _folders(path: Path) -> list[Path]:
    """Return the folders in a folder, without hidden ones; none when it is gone."""
    try:
        return [entry for entry in path.iterdir() if not entry.name.startswith(".") and entry.is_dir() and not entry.is_symlink()]
    except OSError:
        return []
