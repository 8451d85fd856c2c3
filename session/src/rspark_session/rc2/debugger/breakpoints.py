"""The breakpoints of a session's files. They outlive a sleep: they are in a file beside the log."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from rspark_session.rc2.protocol import MOST_FILES, BreakpointAt
from rspark_session.rc2.refusal import Refusal

_log = logging.getLogger(__name__)
_KEPT = TypeAdapter(dict[str, tuple[BreakpointAt, ...]])


class BreakpointStore:
    """What is set, by the path of the file, kept in `file`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._set: dict[str, tuple[BreakpointAt, ...]] = {}
        try:
            self._set = _KEPT.validate_json(file.read_bytes())
        except FileNotFoundError:
            pass
        except (OSError, ValidationError) as problem:
            _log.warning("the breakpoints that were kept can't be read: %s", problem)

    def __iter__(self) -> Iterator[tuple[str, tuple[BreakpointAt, ...]]]:
        return iter(self._set.items())

    def __bool__(self) -> bool:
        return bool(self._set)

    def of(self, path: str) -> tuple[BreakpointAt, ...]:
        """Return those of a file."""
        return self._set.get(path, ())

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
            new.write_bytes(_KEPT.dump_json(self._set))
            new.replace(self._file)
        except OSError as problem:  # a full disk: they last as long as the session runs
            _log.warning("the breakpoints can't be kept: %s", problem)
