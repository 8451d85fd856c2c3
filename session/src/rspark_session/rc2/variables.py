"""The variables of consoles, for clients that watch them: all of them first, then what each execution changed."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import ValidationError

from rspark_session.rc2 import protocol
from rspark_session.rc2.console import Console
from rspark_session.rc2.consoles import Consoles
from rspark_session.rc2.introspection import Introspection
from rspark_session.rc2.refusal import Busy, Refusal

_log = logging.getLogger(__name__)
_MOST = 5000  # variables of a console
#: Seconds between two looks while executions wait in the queue: each look takes its part of the kernel.
_APART = 1.0
#: Seconds that a look waits for the kernel.
_TURN = 600.0

Notify = Callable[[protocol.Notice], None]


class Subscription:
    """A client that watches a console."""

    def __init__(self, notify: Notify, end: Callable[["Subscription"], None]) -> None:
        self.notify = notify
        self._end = end

    def end(self) -> None:
        """Watch no more."""
        self._end(self)


@dataclass
class _Watched:
    """A console that somebody watches, and what it had at the last look."""

    console: Console
    subscriptions: list[Subscription] = field(default_factory=list)
    variables: dict[str, protocol.Variable] | None = None
    more: int = 0
    looking: asyncio.Task[None] | None = None
    again: bool = False
    at: float = 0.0


class VariablesFeed:
    """Sends variables to those who watch."""

    def __init__(self, consoles: Consoles, introspection: Introspection) -> None:
        self._introspection = introspection
        self._consoles = consoles
        self._watched: dict[str, _Watched] = {}
        consoles.listeners.append(self._changed)

    def subscribe(self, console: str, notify: Notify) -> Subscription:
        """Send all variables of a console as soon as it answers, then what changes; raise `Refusal` if there is none."""
        found = self._consoles.get(console)
        watched = self._watched.setdefault(console, _Watched(found))
        if watched.console is not found:
            watched.console, watched.variables = found, None
        subscription = Subscription(notify, lambda ended: self._remove(console, ended))
        watched.subscriptions.append(subscription)
        if watched.variables is None:
            self._look(watched)
        else:
            notify(_all(watched))
        return subscription

    def _remove(self, console: str, ended: Subscription) -> None:
        watched = self._watched.get(console)
        if watched is None or ended not in watched.subscriptions:
            return
        watched.subscriptions.remove(ended)
        if not watched.subscriptions:
            del self._watched[console]

    def _changed(self, console: Console) -> None:
        watched = self._watched.get(console.identity.id)
        if watched is None:
            return
        if console.queued and asyncio.get_running_loop().time() - watched.at < _APART:
            return
        self._look(watched)

    def _look(self, watched: _Watched) -> None:
        if watched.looking is not None and not watched.looking.done():
            watched.again = True
            return
        watched.looking = asyncio.ensure_future(self._send(watched))

    async def _send(self, watched: _Watched) -> None:
        while True:
            watched.again = False
            try:
                question = {"ask": "variables", "most": _MOST, "fresh": watched.variables is None}
                answer = await self._introspection.ask(watched.console, question, turn=_TURN)
                found = protocol.Variables.model_validate({**answer, "console": watched.console.identity.id})
            except Busy:
                return  # it looks again after the next execution
            except (Refusal, ValidationError) as problem:
                if not isinstance(problem, Refusal):
                    _log.warning("the variables of a kernel can't be read: %s", problem)
                found = protocol.Variables(console=watched.console.identity.id, all=True)
            watched.at = asyncio.get_running_loop().time()
            _take_in(watched, found)
            if found.all or found.set or found.removed:
                for subscription in list(watched.subscriptions):
                    subscription.notify(found)
            if not watched.again:
                return


def _take_in(watched: _Watched, found: protocol.Variables) -> None:
    if found.all or watched.variables is None:
        watched.variables = {}
    for variable in found.set:
        watched.variables[variable.name] = variable
    for name in found.removed:
        watched.variables.pop(name, None)
    watched.more = found.more


def _all(watched: _Watched) -> protocol.Variables:
    variables = tuple((watched.variables or {}).values())
    return protocol.Variables(console=watched.console.identity.id, all=True, set=variables, more=watched.more)
