"""What the profiler asks of a language."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rspark_session.rc2 import protocol
from rspark_session.rc2.profiler.samples import Samples

if TYPE_CHECKING:
    from rspark_session.rc2.console import Console


class Language(Protocol):
    """The profiler of a language. `title` is what people call it, `theirs` says what to do where a person profiles already."""

    title: str
    theirs: str

    def prepare(self, console: "Console", request: protocol.Execute) -> None:
        """Take in what is to be executed, also where it is not profiled."""

    async def begin(self, console: "Console", file: Path) -> Mapping[str, Any]:
        """Make ready for the execution that is to be profiled into a file, and return the metadata that goes with it.

        Raises
        ------
        Refusal
            When it can't be profiled.
        """

    def samples(self, console: "Console", file: Path) -> Samples:
        """Return what was written."""

    def note(self, outcome: str) -> str | None:
        """Return the sentence on a profile that the kernel says has ended so."""
