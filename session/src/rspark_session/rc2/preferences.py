"""What a person prefers, in a file of the home, which all of their sessions share: any browser finds it, in any session."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rspark_session.rc2 import protocol
from rspark_session.rc2.refusal import Refusal

_FILE = Path(".config/rspark/rc2.json")
_MOST_BYTES = 2**20
_PREFERRED = tuple(protocol.PreferencesChange.model_fields)


class PreferenceStore:
    """Reads and writes the preferences of a home."""

    def __init__(self, home: Path) -> None:
        self._file = home / _FILE

    def read(self) -> protocol.Preferences:
        """Return what is preferred: what is missing, or of another form, is as at first."""
        try:
            with self._file.open("rb") as opened:
                kept = json.loads(opened.read(_MOST_BYTES))
            if not isinstance(kept, dict):
                raise ValueError  # as for what is no JSON
        except FileNotFoundError:
            return protocol.Preferences(kept=False)
        except (OSError, ValueError):
            note = (
                f"Your settings in ~/{_FILE} can't be read. The next change begins anew, and keeps the file as rc2.json.broken."
            )
            return protocol.Preferences(note=note)
        return protocol.Preferences(**_fitting(kept))

    def change(self, change: protocol.PreferencesChange) -> protocol.Preferences:
        """Write a change, and return what is preferred then.

        Raises
        ------
        Refusal
            When it can't be written.
        """
        try:
            with self._locked():
                before = self.read()
                if before.note is not None:
                    self._file.replace(self._file.with_name(f"{self._file.name}.broken"))
                after = before.model_copy(update=change.model_dump(exclude_none=True) | {"kept": True, "note": None})
                new = self._file.with_name(f".{self._file.name}.new")
                new.write_text(after.model_dump_json(include=set(_PREFERRED), indent=2) + "\n", encoding="utf-8")
                new.replace(self._file)
        except OSError as problem:
            raise Refusal(f"This setting is kept in this browser alone: {problem.strerror} in your home.") from problem
        return after

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other sessions of the home from writing meanwhile."""
        folder = self._file.parent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)


def _fitting(kept: dict[str, Any]) -> dict[str, Any]:
    """Return those that have a form that they may have."""
    found = {}
    for name in _PREFERRED:
        try:
            if name in kept:
                found[name] = getattr(protocol.Preferences.model_validate({name: kept[name]}), name)
        except ValidationError:
            continue
    return found
