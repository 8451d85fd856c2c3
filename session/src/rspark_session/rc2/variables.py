"""The variables of consoles, for clients that watch them: all of them first, then what each execution changed."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import ValidationError

from rspark_session.rc2 import protocol
from rspark_session.rc2.console import Busy, Console, Refusal
from rspark_session.rc2.consoles import Consoles
from rspark_session.rc2.introspection import Introspection

_log = logging.getLogger(__name__)
_MOST = 5000  # variables of a console
#: Seconds between two looks while executions wait in the queue: each look takes its part of the kernel.
_APART = 1.0

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
    """A console that somebody watches: what it had at the last look. `fingerprints` are the kernel's, by name."""

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
                answer = await self._introspection.ask(watched.console, {"ask": "variables", "most": _MOST}, turn=600)
                found = [protocol.Variable.model_validate(each) for each in answer["variables"]]
                more = int(answer.get("more", 0))
            except Busy:
                return  # it looks again after the next execution
            except (Refusal, ValidationError, LookupError, TypeError, ValueError) as problem:
                if not isinstance(problem, Refusal):
                    _log.warning("the variables of a kernel can't be read: %s", problem)
                found, more = [], 0
            watched.at = asyncio.get_running_loop().time()
            notice = _update(watched, found, more)
            for subscription in list(watched.subscriptions):
                if notice is not None:
                    subscription.notify(notice)
            if not watched.again:
                return


def _update(watched: _Watched, found: list[protocol.Variable], more: int) -> protocol.Variables | None:
    """Take in what a look found, and return what is new of it; None when nothing is."""
    before = watched.variables
    now = {variable.name: variable for variable in found}
    watched.variables, watched.more = now, more
    if before is None:
        return _all(watched)
    changed = tuple(variable for name, variable in now.items() if before.get(name) != variable)
    removed = tuple(name for name in before if name not in now)
    if not changed and not removed:
        return None
    return protocol.Variables(console=watched.console.identity.id, all=False, set=changed, removed=removed, more=more)


def _all(watched: _Watched) -> protocol.Variables:
    variables = tuple((watched.variables or {}).values())
    return protocol.Variables(console=watched.console.identity.id, all=True, set=variables, more=watched.more)
