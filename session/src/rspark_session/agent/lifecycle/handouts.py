"""Brings handouts into the home, each in a process of its own: what a repository holds never meets the agent."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from rspark_contract import reading
from rspark_contract.ensemble import EnsembleDocument
from rspark_contract.handout import MOST_NOTES, Handout, HandoutState, HandoutStatus, relative_path
from rspark_contract.reading import Fields, Unreadable
from rspark_session.interfaces.base import Interface
from rspark_session.processes.children import Children
from rspark_session.processes.launch import launch

_log = logging.getLogger(__name__)

#: Handouts that are remembered, the last ones.
_MOST = 32
_LONGEST_LINE = 256 * 1024
_ENDED = "The files could not be brought: it was ended from outside. Open the link again."
_MORE = "… and {} more."


@dataclass(frozen=True, kw_only=True)
class _Brought:
    """What the process says at its end."""

    folder: str
    document: str | None
    notes: tuple[str, ...]

    @classmethod
    def parse(cls, value: object) -> "_Brought":
        fields = Fields(value)
        return cls(
            folder=fields.required("folder", relative_path),
            document=fields.get("document", relative_path, None),
            notes=fields.get("notes", reading.readable_items(reading.text(500), most=1_000_000), ()),
        )


class Handouts:
    """Begins handouts, and remembers how far each is."""

    def __init__(
        self, *, document: EnsembleDocument, environ: Mapping[str, str], children: Children, interface: Interface | None
    ) -> None:
        self._home = document.places.home
        self._environ = environ
        self._children = children
        self._interface = interface
        self._statuses: dict[str, HandoutStatus] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, asked: Handout) -> HandoutStatus:
        """Bring one, unless that is under way; return how far it is."""
        known = self._statuses.pop(asked.id, None)
        begins = known is None or known.state is not HandoutState.RUNNING
        status = HandoutStatus(id=asked.id, state=HandoutState.RUNNING, step="Getting the files")
        self._statuses[asked.id] = status if begins or known is None else known
        self._forget_old()
        if begins:
            task = asyncio.ensure_future(self._bring(asked))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return self._statuses[asked.id]

    def status(self, id: str) -> HandoutStatus | None:  # noqa: A002  the contract's name
        """Return how far one is; None where there is none."""
        return self._statuses.get(id)

    def _forget_old(self) -> None:
        done = [each.id for each in self._statuses.values() if each.state is not HandoutState.RUNNING]
        for old in done[: max(len(self._statuses) - _MOST, 0)]:
            del self._statuses[old]

    async def _bring(self, asked: Handout) -> None:
        command = [sys.executable, "-I", "-m", "rspark_session.handout", json.dumps(asked.to_json())]
        try:
            launched = launch(command, environ=self._environ, folder=self._home)
        except OSError as problem:
            self._fail(asked, f"The files can't be brought: {problem.strerror or problem}. Tell your administrator.")
            return
        child = self._children.adopt(launched)
        lines = asyncio.StreamReader(limit=_LONGEST_LINE)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(launched.output, "rb", buffering=0)
        )
        try:
            while line := await lines.readline():
                self._take(asked, line)
        except ValueError:  # a line that is too long: whatever it is, it is not ours
            _log.warning("a handout printed a line of more than %s bytes", _LONGEST_LINE)
        finally:
            transport.close()
        await child.wait()
        if self._statuses[asked.id].state is HandoutState.RUNNING:
            self._fail(asked, _ENDED)

    def _take(self, asked: Handout, line: bytes) -> None:
        """Take in a line of the process; what is no such line is Python's own, and goes to the log."""
        try:
            fields = Fields(reading.decode(line, most=_LONGEST_LINE))
            if fields.has("step"):
                step = fields.required("step", reading.text(200))
                self._statuses[asked.id] = replace(self._statuses[asked.id], step=step)
            elif fields.has("reason"):
                self._fail(asked, fields.required("reason", reading.text()))
            else:
                self._done(asked, _Brought.parse(reading.decode(line, most=_LONGEST_LINE)))
        except Unreadable:
            _log.warning("handout: %s", reading.printable(line.decode("utf-8", "replace").rstrip(), 500))

    def _done(self, asked: Handout, brought: _Brought) -> None:
        notes = brought.notes
        if len(notes) > MOST_NOTES:
            notes = (*notes[: MOST_NOTES - 1], _MORE.format(len(notes) - MOST_NOTES + 1))
        opens = self._interface.document_url(brought.document or brought.folder) if self._interface else None
        self._statuses[asked.id] = HandoutStatus(id=asked.id, state=HandoutState.DONE, notes=notes, opens=opens)
        _log.info("brought %s", quote(asked.source, safe="/:"))

    def _fail(self, asked: Handout, reason: str) -> None:
        self._statuses[asked.id] = HandoutStatus(id=asked.id, state=HandoutState.FAILED, reason=reason)
        _log.warning("not brought: %s (%s)", quote(asked.source, safe="/:"), reason)
