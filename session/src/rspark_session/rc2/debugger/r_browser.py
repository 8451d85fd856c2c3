"""R's debugger is R's own browser: it asks at the console, and what a button does is what a person would type there."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from rspark_session.rc2 import protocol
from rspark_session.rc2.debugger.debugged import Debugged, Wanted
from rspark_session.rc2.introspection import Introspection
from rspark_session.rc2.refusal import Busy

_log = logging.getLogger(__name__)
_TYPED = {"next": "n", "in": "s", "finish": "f", "continue": "c", "stop": "Q"}
#: Seconds that R has for an answer while it waits, and until it is free to be told of breakpoints.
_ANSWER, _TURN = 30.0, 600.0


class RBrowser:
    """Talks to the package rspark in the kernel of R."""

    def __init__(self, introspection: Introspection) -> None:
        self._introspection = introspection

    async def prepare(self, debugged: Debugged, request: protocol.Execute) -> Mapping[str, Any]:
        """Return where the code is from, and what R doesn't know yet, as JSON: IRkernel reads lists in its own way."""
        told: dict[str, object] = {}
        if request.source is not None and request.source.path:
            told["source"] = {"path": request.source.path, "line": request.source.first_line}
        wanted = debugged.telling = debugged.wanted()
        if wanted != debugged.told:
            told |= _settings(wanted)
        return {"rspark": json.dumps(told)} if told else {}

    def sent(self, debugged: Debugged) -> None:
        """Take in that R was told: of an execution that is cancelled before it is sent, R hears nothing."""
        debugged.told = debugged.telling

    async def apply(self, debugged: Debugged) -> None:
        """Tell R what is wanted: where it waits, else when it is free."""
        while (wanted := debugged.wanted()) != debugged.told:
            question = {"ask": "breakpoints", **_settings(wanted)}
            if debugged.stopped is not None:
                try:
                    answer = await debugged.console.ask_at_prompt(question, seconds=_ANSWER)
                except Busy:
                    continue  # it has gone on, and is told when it is free
            else:
                answer = await self._introspection.ask(debugged.console, question, turn=_TURN)
            debugged.told = wanted
            debugged.take_placed(answer.get("placed"))

    async def step(self, debugged: Debugged, step: str) -> None:
        """Type what a person would; to continue is to continue to the next breakpoint, whatever was stepped through before."""
        stopped = debugged.stopped
        if step == "continue":
            await debugged.console.ask_at_prompt({"ask": "run_on"}, seconds=_ANSWER)
        if debugged.stopped is not stopped:
            raise Busy("The code has gone on from there.")
        debugged.console.reply(_TYPED[step])

    async def interrupt(self, debugged: Debugged) -> None:
        """Interrupt R, which ends what waits."""
        await debugged.console.interrupt()

    async def look(self, debugged: Debugged, request: protocol.FrameRequest) -> Mapping[str, Any]:
        """Ask R while it waits."""
        asked = request.model_dump(mode="json", exclude_none=True)
        return await debugged.console.ask_at_prompt({"ask": "frame", **asked}, seconds=_ANSWER)

    def asked(self, debugged: Debugged, content: Mapping[str, Any]) -> None:
        """Take in where R waits."""
        told = content.get("debugger")
        if not isinstance(told, dict) or not isinstance(told.get("stopped"), dict):
            return
        debugged.take_placed(told.get("placed"))
        try:
            debugged.stop(told["stopped"])
        except ValidationError as problem:
            _log.warning("where R waits can't be read: %s", problem)

    def went_on(self, debugged: Debugged) -> None:
        """Take in that R waits no longer."""
        debugged.go_on()

    def interrupted(self, debugged: Debugged) -> None:
        """Ignore that R is interrupted: what is set stays so."""

    def heard(self, debugged: Debugged, event: Mapping[str, Any]) -> None:
        """Ignore what is of another language's."""


def _settings(wanted: Wanted) -> dict[str, object]:
    breakpoints = [{"path": path, "line": each.line, "text": each.text} for path, lines in wanted.breakpoints for each in lines]
    return {"breakpoints": breakpoints, "break_on_error": wanted.break_on_error}
