"""What people have set: breakpoints of files, and whether an error leads into the debugger.

It outlives a sleep: it is in a file beside the log.
"""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ValidationError

from rspark_session.rc2.protocol import MOST_FILES, BreakpointAt
from rspark_session.rc2.refusal import Refusal

_log = logging.getLogger(__name__)


class _Kept(BaseModel):
    files: dict[str, tuple[BreakpointAt, ...]] = {}
    break_on_error: bool = False


class BreakpointStore:
    """Breakpoints by the path of their file, and whether an error leads into the debugger, kept in `file`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        kept = _Kept()
        try:
            kept = _Kept.model_validate_json(file.read_bytes())
        except FileNotFoundError:
            pass
        except (OSError, ValidationError) as problem:
            _log.warning("the breakpoints that were kept can't be read: %s", problem)
        self._set = dict(kept.files)
        self._break_on_error = kept.break_on_error

    @property
    def break_on_error(self) -> bool:
        """Whether an error leads into the debugger."""
        return self._break_on_error

    @break_on_error.setter
    def break_on_error(self, on: bool) -> None:
        self._break_on_error = on
        self._keep()

    def __iter__(self) -> Iterator[tuple[str, tuple[BreakpointAt, ...]]]:
        return iter(self._set.items())

    def set(self, path: str, breakpoints: Iterable[BreakpointAt]) -> None:
        """Set those of a file; raise `Refusal` when too many files have some."""
        by_line = {each.line: each for each in breakpoints}
        if not by_line:
            self._set.pop(path, None)
        elif path not in self._set and len(self._set) >= MOST_FILES:
            raise Refusal(f"{MOST_FILES} files have breakpoints already. Remove those of another file first.")
        else:
            self._set[path] = tuple(by_line[line] for line in sorted(by_line))
        self._keep()

    def _keep(self) -> None:
        new = self._file.with_suffix(".new")
        try:
            new.write_bytes(_Kept(files=self._set, break_on_error=self._break_on_error).model_dump_json().encode())
            new.replace(self._file)
        except OSError as problem:  # a full disk: they last as long as the session runs
            _log.warning("the breakpoints can't be kept: %s", problem)
