"""What a console tells the debugger, and asks it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from rspark_session.rc2 import protocol

if TYPE_CHECKING:
    from rspark_session.rc2.console import Console


class Debugging(Protocol):
    """The debugger, as consoles know it."""

    def started(self, console: "Console") -> None:
        """Take in that its kernel is usable, at first or anew."""

    def ended(self, console: "Console") -> None:
        """Take in that it has no kernel any more."""

    async def prepare(self, console: "Console", request: protocol.Execute) -> Mapping[str, Any]:
        """Make ready for an execution, and return the metadata that goes with it."""

    def sent(self, console: "Console") -> None:
        """Take in that the execution that was made ready last was sent."""

    def asked(self, console: "Console", content: Mapping[str, Any]) -> None:
        """Take in what came with a question of its kernel's."""

    def went_on(self, console: "Console") -> None:
        """Take in that no question is open any more."""

    def interrupted(self, console: "Console") -> None:
        """Take in that its kernel is interrupted."""

    def placed(self, console: "Console", breakpoints: object) -> None:
        """Take in which breakpoints stand in its code."""

    def heard(self, console: "Console", event: Mapping[str, Any]) -> None:
        """Take in an event of Jupyter's debug protocol."""
