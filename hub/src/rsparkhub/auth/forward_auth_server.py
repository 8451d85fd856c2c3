"""Answers the edge: a Unix socket in the hub's process, on which questions and answers are lines of JSON.

`domain/edge_contract.py` says what the lines are. An answer for which nothing has to be looked up is written before anything
else runs; the others come when they are ready, in any order.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from rsparkhub.auth.authorizer import Authorizer, Decision
from rsparkhub.auth.forward_auth import ForwardAuthRequest, Refuse
from rsparkhub.auth.identity import Authenticator
from rsparkhub.auth.reply import reply
from rsparkhub.auth.revocation import revocations
from rsparkhub.domain.edge_contract import FORWARD_AUTH_SOCKET, LONGEST_LINE
from rsparkhub.domain.errors import RsparkhubError
from rsparkhub.domain.session import Session
from rsparkhub.settings import Settings
from rsparkhub.store import Store

log = logging.getLogger(__name__)

_TEXTS = frozenset(
    {"method", "host", "uri", "origin", "upgrade", "fetch_site", "fetch_mode", "fetch_dest", "cookie", "authorization", "token"}
)
_REQUIRED = frozenset({"method", "host", "uri"})
_UNAVAILABLE = Decision(
    Refuse(
        status=503, code="unavailable", detail="The hub can't look up who may open this session at the moment. Try again soon."
    )
)


class UnreadableQuestion(ValueError):
    """A line that is no question; whoever wrote it is not the edge."""


@asynccontextmanager
async def serving_forward_auth(
    *,
    store: Store,
    authenticator: Authenticator,
    settings: Settings,
    for_visitors: Callable[[Session], bool] = lambda _: False,
    viewable: Callable[[Session], bool] = lambda _: False,
) -> AsyncIterator[None]:
    """Answer the edge, on a socket in the folder of sockets, for as long as this is entered."""
    authorizer = Authorizer(
        store=store, authenticator=authenticator, settings=settings, for_visitors=for_visitors, viewable=viewable
    )
    connections: set[_Connection] = set()
    following = [
        asyncio.create_task(_follow_changes(store, authorizer, connections), name="forward auth: changes"),
        asyncio.create_task(_follow_revocations(store, authorizer, connections), name="forward auth: revocations"),
    ]
    path = settings.socket_dir / FORWARD_AUTH_SOCKET
    fresh = path.with_name(f".{FORWARD_AUTH_SOCKET}")
    fresh.unlink(missing_ok=True)
    server = await asyncio.get_running_loop().create_unix_server(lambda: _Connection(authorizer, connections), str(fresh))
    fresh.replace(path)  # the edge finds the old one or this one, and never none
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)
        for connection in list(connections):
            connection.close()
        for task in following:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _follow_changes(store: Store, authorizer: Authorizer, connections: "set[_Connection]") -> None:
    async for session_id in store.notifier.subscribe("forward-auth", about={"changed"}):
        authorizer.forget_session(session_id)
        for connection in connections:
            connection.forget(session_id)


async def _follow_revocations(store: Store, authorizer: Authorizer, connections: "set[_Connection]") -> None:
    async for key in revocations(store.notifier, "forward-auth-revocations"):
        authorizer.recheck()
        for connection in connections:
            connection.recheck(key)


def read_question(line: bytes, authorizer: Authorizer) -> tuple[int, ForwardAuthRequest]:
    """Return the id and the request of a question.

    Raises
    ------
    UnreadableQuestion
        When it is none.
    """
    try:
        fields: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableQuestion("not JSON") from error
    if not isinstance(fields, dict):
        raise UnreadableQuestion("not an object")
    number, html, recheck = fields.pop("id", None), fields.pop("html", False), fields.pop("recheck", False)
    if type(number) is not int or type(html) is not bool or type(recheck) is not bool or not fields.keys() >= _REQUIRED:
        raise UnreadableQuestion("an id, a method, a host or a URI is missing")
    texts = {name: value for name, value in fields.items() if name in _TEXTS}  # a newer edge may say more
    if not all(isinstance(value, str) for value in texts.values()):
        raise UnreadableQuestion("a field is no text")
    return number, authorizer.request(html=html, recheck=recheck, **texts)


class _Connection(asyncio.Protocol):
    """One connection of the edge's. Each question gets one answer with its id."""

    def __init__(self, authorizer: Authorizer, all_open: "set[_Connection]") -> None:
        self._authorizer = authorizer
        self._all_open = all_open
        self._unread = b""
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are such, without being of that class
        self._all_open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._all_open.discard(self)
        for task in self._tasks:
            task.cancel()

    def close(self) -> None:
        """Hang up; the edge asks again, on another connection, what was not answered."""
        self._transport.close()

    def forget(self, session_id: str) -> None:
        """Say that nothing may be repeated that was granted of this session before."""
        self._write({"forget": session_id})

    def recheck(self, key: str) -> None:
        """Say that it is to be asked again about what goes on under a key."""
        self._write({"recheck": key})

    def data_received(self, data: bytes) -> None:
        *lines, self._unread = (self._unread + data).split(b"\n")
        try:
            if len(self._unread) > LONGEST_LINE:
                raise UnreadableQuestion("a line is too long")
            for line in lines:
                number, request = read_question(line, self._authorizer)
                self._answer(number, request)
        except UnreadableQuestion as error:
            log.warning("Somebody who is not the edge spoke on %s: %s", FORWARD_AUTH_SOCKET, error)
            self._transport.close()

    def _answer(self, number: int, request: ForwardAuthRequest) -> None:
        decision = self._authorizer.decide_now(request)
        if decision is not None:
            self._reply(number, request, decision)
            return
        task = asyncio.get_running_loop().create_task(self._answer_later(number, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_later(self, number: int, request: ForwardAuthRequest) -> None:
        try:
            decision = await self._authorizer.decide(request)
        except RsparkhubError as error:
            log.warning("The edge was not answered: %s", error)
            decision = _UNAVAILABLE
        except Exception:
            log.exception("The edge was not answered")
            decision = _UNAVAILABLE
        self._reply(number, request, decision)

    def _reply(self, number: int, request: ForwardAuthRequest, decision: Decision) -> None:
        hub = request.came_in.hub_url("/hub/")
        said = reply(decision.answer, keep=decision.keep, page=request.is_navigation, hub=hub)
        self._write({"id": number, **said})

    def _write(self, message: dict[str, object]) -> None:
        if not self._transport.is_closing():
            self._transport.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
