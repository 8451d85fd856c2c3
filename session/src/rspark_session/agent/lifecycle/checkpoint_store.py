"""What outlives a generation: saved workspaces, and the record of how the last one ended.

Each suspend saves into `workspace/<generation>.new`, which becomes `workspace/<generation>` in one step when it is whole;
then older ones go. So a kill at any moment leaves the old one or the new one, never half of either. What interfaces save that
are opened beside the first lies in `<generation>.beside`, with a folder for each, and counts with the generation's own.
"""

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from rspark_contract.record import Record
from rspark_session import home_space
from rspark_session.files import flush_folder, link_folder, write_whole

_SESSION = re.compile(r"[a-z0-9]+")


class CheckpointStore:
    """Reads and writes the folder of a session that outlives its generations, for one of them."""

    def __init__(self, folder: Path, generation: int) -> None:
        self._folder = folder
        self._workspaces = folder / "workspace"
        self._whole = self._workspaces / str(generation)
        self._growing = self._workspaces / f"{generation}.new"
        self._beside = self._workspaces / f"{generation}.beside"
        self._growing_beside = self._workspaces / f"{generation}.beside.new"

    def latest(self) -> Path | None:
        """Return the folder of the newest whole workspace; None where there is none."""
        try:
            generations = [int(entry.name) for entry in self._workspaces.iterdir() if entry.name.isdigit()]
        except FileNotFoundError:
            return None
        return self._workspaces / str(max(generations)) if generations else None

    def latest_beside(self) -> dict[str, Path]:
        """Return the folders that belong to the newest whole workspace of interfaces beside the first, by their names."""
        latest = self.latest()
        try:
            return {entry.name: entry for entry in latest.with_suffix(".beside").iterdir()} if latest is not None else {}
        except FileNotFoundError:
            return {}

    def begin(self) -> Path:
        """Make the empty folder that this generation saves into."""
        self._workspaces.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in self._workspaces.glob("*.new"):
            shutil.rmtree(leftover)
        self._growing.mkdir(mode=0o700)
        return self._growing

    def begin_beside(self, name: str) -> Path:
        """Make the empty folder that an interface beside the first saves into, after `begin`."""
        self._growing_beside.mkdir(mode=0o700, exist_ok=True)
        folder = self._growing_beside / name
        folder.mkdir(mode=0o700)
        return folder

    def carry_over(self) -> None:
        """Link what the first interface saved at an earlier sleep."""
        if (latest := self.latest()) is not None:
            link_folder(latest, self._growing)

    def carry_over_beside(self, name: str) -> None:
        """Link what an interface beside the first saved at an earlier sleep: it may be somebody's only copy."""
        link_folder(self.latest_beside()[name], self.begin_beside(name))

    def complete(self) -> None:
        """Make what was saved the workspace that counts, and delete older ones."""
        flush_folder(self._growing)
        if self._growing_beside.exists():
            flush_folder(self._growing_beside)
            shutil.rmtree(self._beside, ignore_errors=True)
            self._growing_beside.rename(self._beside)
        if self._whole.exists():  # a second agent of the same generation is never started; a copy of a data folder may be
            shutil.rmtree(self._whole)
        self._growing.rename(self._whole)
        flush_folder(self._workspaces)
        for entry in self._workspaces.iterdir():
            if entry not in (self._whole, self._beside):
                shutil.rmtree(entry)

    def abandon(self) -> None:
        """Delete what was saved in part; an earlier workspace stays."""
        for growing in (self._growing, self._growing_beside):
            shutil.rmtree(growing, ignore_errors=True)

    def forget(self, sessions: Iterable[str]) -> None:
        """Delete what deleted sessions of the same home kept beside this one."""
        for session in sessions:
            if _SESSION.fullmatch(session) and session != self._folder.name:
                shutil.rmtree(self._folder.parent / session, ignore_errors=True)

    def write_record(self, record: Record) -> None:
        """Write the record for the next start."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._folder / "record.json", json.dumps(record.to_json(), indent=1))

    def is_full(self, problem: OSError | None = None) -> bool:
        """Return whether there is no space where all of this is kept: as an error says, or the disk."""
        return home_space.is_full(next(path for path in (self._folder, *self._folder.parents) if path.exists()), problem)
