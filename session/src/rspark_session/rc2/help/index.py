"""The index of all help that is installed: it is read once, while nobody waits for it, and anew where something was installed."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rspark_session.rc2 import protocol
from rspark_session.rc2.help.reading import Package, Present, Reading, is_read
from rspark_session.rc2.help.store import Broken, Scope, Store
from rspark_session.rc2.refusal import Refusal

_log = logging.getLogger(__name__)
_RETRY = 30.0  # seconds from a failure until a search reads again


@dataclass
class _Reader:
    """What reads a scope: how far it is, what the libraries were when it began, and which index it reads into."""

    state: dict[str, int]
    index: int
    done: int = 0
    total: int = 0
    reading: Reading | None = None
    task: asyncio.Task[None] | None = None
    problem: str | None = None
    failed: float = 0.0  # when, by the monotonic clock

    @property
    def is_running(self) -> bool:
        """Return whether it still reads."""
        return self.task is not None and not self.task.done()

    def is_of(self, state: dict[str, int], index: int) -> bool:
        """Return whether nothing has changed since, and what failed is not to be tried again yet."""
        lasts = self.problem is None or time.monotonic() < self.failed + _RETRY
        return lasts and (self.state, self.index) == (state, index)


class HelpIndex:
    """Finds help by words in it. The first search begins to read what is installed; later ones look whether it has changed.

    `on_programs` is called when `programs` has changed.
    """

    def __init__(self, file: Path, *, on_programs: Callable[[], None] = lambda: None) -> None:
        self._store = Store(file)
        self._on_programs = on_programs
        self._readers: dict[Scope, _Reader] = {}
        self._closed = False

    async def search(self, language: str, libraries: tuple[str, ...], text: str) -> protocol.Help:
        """Return what has a text, of what was read so far.

        Raises
        ------
        Refusal
            When the language has no such index, or it can't be read.
        """
        if not is_read(language):
            raise Refusal("Help is searched for R and Python alone.")
        scope = Scope(language, libraries)
        try:
            try:
                reader, matches = await self._found(scope, text)
            except Broken:
                reader, matches = await self._found(scope, text)
        except (OSError, sqlite3.Error) as problem:
            raise Refusal(_sentence(problem)) from problem
        indexing = protocol.Indexing(done=reader.done, total=reader.total) if reader.is_running else None
        return protocol.Help(topic=text, matches=matches, indexing=indexing, note=reader.problem)

    @property
    def programs(self) -> list[int]:
        """The pids of the programs that read."""
        return [reading.pid for reader in self._readers.values() if (reading := reader.reading) is not None]

    def close(self) -> None:
        """Read no more."""
        self._closed = True
        for reader in self._readers.values():
            if reader.reading is not None:
                reader.reading.end()

    async def _found(self, scope: Scope, text: str) -> tuple[_Reader, tuple[protocol.HelpMatch, ...]]:
        index = await asyncio.to_thread(self._store.number)
        reader = await self._reader(scope, index)
        return reader, await asyncio.to_thread(self._store.search, scope, text)

    async def _reader(self, scope: Scope, index: int) -> _Reader:
        """Return what reads a scope, begun anew where its libraries, or the index, are not as they were."""
        state = await asyncio.to_thread(_state, scope.libraries)
        reader = self._readers.get(scope)
        if reader is None or not (reader.is_running or reader.is_of(state, index)):
            reader = self._readers[scope] = _Reader(state, index)
            loop = asyncio.get_running_loop()
            reader.task = asyncio.ensure_future(asyncio.to_thread(self._read, scope, reader, loop))
            reader.task.add_done_callback(lambda _: self._on_programs())
        return reader

    def _read(self, scope: Scope, reader: _Reader, loop: asyncio.AbstractEventLoop) -> None:
        try:
            reader.reading = Reading(scope.language, scope.libraries, self._store.stamps(scope))
            loop.call_soon_threadsafe(self._on_programs)
            if self._closed:
                reader.reading.end()
            for said in reader.reading:
                match said:
                    case Present():
                        reader.total = self._store.keep_only(scope, said.present)
                    case Package():
                        self._store.put(scope.language, said)
                        reader.done += 1
                    case _:
                        _log.warning("help that can't be read: %s", said.problem)
        except (OSError, ValueError, sqlite3.Error) as problem:
            if not self._closed:
                _log.warning("the help that is installed can't be indexed: %s", problem)
                reader.problem, reader.failed = _sentence(problem), time.monotonic()
        finally:
            if reader.reading is not None:
                reader.reading.end()
            reader.reading = None


def _state(libraries: tuple[str, ...]) -> dict[str, int]:
    """Return when each library has got or lost a package."""
    found = {}
    for library in libraries:
        with suppress(OSError):
            found[library] = Path(library).stat().st_mtime_ns
    return found


def _sentence(problem: Exception) -> str:
    said = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
    return f"Not all help that is installed could be indexed: {said}."
