"""The server that the edge asks: one Unix socket in the hub's process, with little between the socket and the answer.

The edge asks some thousand times a second when people work. That is why this is a protocol of asyncio's on httptools, and
no web framework, and why an answer for which nothing has to be looked up is written before anything else runs.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

import httptools

from rsparkhub.auth.answering import Answering, Asked
from rsparkhub.auth.identity import Authenticator
from rsparkhub.auth.passes import Passes
from rsparkhub.auth.question import Answer, Enter, Question, Refuse
from rsparkhub.auth.reply import reply
from rsparkhub.domain.errors import RsparkhubError
from rsparkhub.settings import Settings
from rsparkhub.store import Store

SOCKET = "question.sock"
log = logging.getLogger(__name__)

#: What the edge tells, and by which name it is known here.
_FIELDS = {
    b"host": "host",
    b"x-forwarded-method": "method",
    b"x-forwarded-uri": "uri",
    b"x-forwarded-upgrade": "upgrade",
    b"accept": "accept",
    b"origin": "origin",
    b"sec-fetch-site": "fetch_site",
    b"sec-fetch-mode": "fetch_mode",
    b"sec-fetch-dest": "fetch_dest",
    b"cookie": "cookie",
    b"authorization": "authorization",
}
_UNAVAILABLE = Refuse(
    status=503, code="unavailable", detail="The hub can't look up who may open this session at the moment. Try again soon."
)
_NONSENSE = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def answering_the_edge(*, store: Store, authenticator: Authenticator, settings: Settings) -> AsyncIterator[None]:
    """Answer the edge, on `question.sock` in the folder of sockets, for as long as this is entered."""
    passes = Passes(settings.passes)
    answering = Answering(store=store, authenticator=authenticator, settings=settings, passes=passes)
    path = settings.socket_dir / SOCKET
    listening = asyncio.create_task(_forget_what_changes(store, answering), name="question: bell")
    fresh = path.with_name(f".{SOCKET}")
    fresh.unlink(missing_ok=True)
    loop = asyncio.get_running_loop()
    connections: set[_Connection] = set()
    server = await loop.create_unix_server(lambda: _Connection(answering, connections), str(fresh))
    fresh.replace(path)  # the edge finds the old one or this one, and never none
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)
        for connection in list(connections):
            connection.close()
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        passes.close()


async def _forget_what_changes(store: Store, answering: Answering) -> None:
    async for session_id in store.notifier.subscribe("question", about={"changed"}):
        answering.forget_session(session_id)


class _Connection(asyncio.Protocol):
    """One connection of the edge's; what is asked on it is answered in the order in which it was asked."""

    def __init__(self, answering: Answering, all_open: "set[_Connection]") -> None:
        self._answering = answering
        self._all_open = all_open
        self._parser = httptools.HttpRequestParser(self)
        self._fields: dict[str, str] = {}
        self._waiting: deque[Asked] = deque()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are such, without being of that class
        self._all_open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._all_open.discard(self)
        if self._task is not None:
            self._task.cancel()

    def close(self) -> None:
        """Hang up; the edge asks again, on another connection, what was not answered."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.write(_NONSENSE)
            self._transport.close()
            return
        if self._task is None:
            self._answer_at_once()

    def on_header(self, name: bytes, value: bytes) -> None:
        field = _FIELDS.get(name.lower())
        if field is not None:
            self._fields[field] = value.decode("latin-1")

    def on_message_complete(self) -> None:
        fields, self._fields = self._fields, {}
        cookie, authorization = fields.pop("cookie", ""), fields.pop("authorization", "")
        self._waiting.append(Asked(question=Question(**fields), cookie=cookie, authorization=authorization))

    def _answer_at_once(self) -> None:
        while self._waiting:
            answer = self._answering.answer_now(self._waiting[0])
            if answer is None:
                self._transport.pause_reading()
                self._task = asyncio.get_running_loop().create_task(self._answer_waiting())
                return
            self._write(self._waiting.popleft(), answer)

    async def _answer_waiting(self) -> None:
        while self._waiting:
            asked = self._waiting.popleft()
            try:
                answer = await self._answering.answer(asked)
            except RsparkhubError as error:
                log.warning("The edge was not answered: %s", error)
                answer = _UNAVAILABLE
            except Exception:
                log.exception("The edge was not answered")
                answer = _UNAVAILABLE
            self._write(asked, answer)
        self._task = None
        self._transport.resume_reading()

    def _write(self, asked: Asked, answer: Answer) -> None:
        assert not isinstance(answer, Enter)  # it has become a redirect
        hub = self._answering.place(asked.question.host).hub_url("/hub/") if isinstance(answer, Refuse) else ""
        self._transport.write(reply(answer, page=asked.question.is_navigation, hub=hub))
