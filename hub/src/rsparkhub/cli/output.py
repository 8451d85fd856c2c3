"""What commands print: JSON for programs, tables and progress for people."""

import codecs
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rspark_contract import reading

if TYPE_CHECKING:
    from rich.console import Console

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

#: Where a table is not for a screen (a pipe, a file) its lines are as long as they need to be.
_WIDE = 10_000


def console(*, stderr: bool = False) -> "Console":
    """Make a console for standard output or standard error as they are now."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _WIDE, highlight=False, soft_wrap=not stream.isatty())


_MOST_LETTERS = 2**20


def printable(text: object) -> str:
    """Return a text without anything that a terminal obeys: what comes from a session, or from a stranger, is only shown."""
    lines = str(text).replace("\r\n", "\n").replace("\r", "\n")
    return reading.printable(lines, _MOST_LETTERS)


def say(text: object = "", *, end: str = "\n", error: bool = False, flush: bool = False) -> None:
    """Print a text for a person; control characters in it are replaced."""
    print(printable(text), end=end, file=sys.stderr if error else sys.stdout, flush=flush)


def print_json(data: Any) -> None:
    """Print JSON; what a terminal would obey, or can't show, is written by its number, which means the same to a program."""
    shows_all = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    text = json.dumps(data, indent=2, ensure_ascii=not shows_all, default=str)
    print(reading.UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print a table without lines; `empty` is said where there are no rows."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else printable(cell)) for cell in row))
    if not table.row_count:
        say(empty)
        return
    console().print(table)


def size(value: int | None) -> str:
    """Write a number of bytes for a person: `1.4 GiB`."""
    if value is None:
        return ""
    for unit, bytes_ in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= bytes_:
            return f"{value / bytes_:.1f} {unit}"
    return f"{value} B"


def ago(moment: datetime | None) -> str:
    """Return how long ago something was: `3 min ago`."""
    if moment is None:
        return ""
    passed = datetime.now(UTC) - moment
    for unit, length in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1))):
        if passed >= length:
            return f"{passed // length} {unit} ago"
    return "just now"


@contextmanager
def progress(text: str) -> Iterator["Progress"]:
    """Show what is being waited for: a moving line on a screen, a line for each change elsewhere."""
    shown = Progress(text)
    try:
        yield shown
    finally:
        shown.close()


class Progress:
    """What a wait shows on standard error, so that standard output stays for the result."""

    def __init__(self, text: str) -> None:
        self._console = console(stderr=True)
        self._status = self._console.status("") if self._console.is_terminal else None
        self._last = ""
        if self._status:
            self._status.start()
        self.say(text)

    def say(self, text: str) -> None:
        """Show another text; the same one again shows nothing."""
        from rich.markup import escape

        text = printable(text)
        if text == self._last:
            return
        self._last = text
        if self._status:
            self._status.update(escape(text))
        else:
            self._console.print(text, markup=False)

    def close(self) -> None:
        if self._status:
            self._status.stop()
