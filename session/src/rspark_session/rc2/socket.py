"""The websocket of a client: what it asks for is done in order, and what is recorded is sent to it as fast as it reads."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from pydantic import ValidationError
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from rspark_session.rc2 import protocol
from rspark_session.rc2.event_log import number_of
from rspark_session.rc2.refusal import Refusal
from rspark_session.rc2.room import Room
from rspark_session.rc2.variables import Subscription

_log = logging.getLogger(__name__)
_PIECE = 2**18  # bytes of events that are read from the log at a time
_MOST_NOTICES = 1000
#: What goes on when its client is gone.
_tasks: set[asyncio.Task[None]] = set()


class Socket(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """A client."""

    def initialize(self, *, room: Room) -> None:
        """Set what it works with."""
        self._room = room
        self._since: int | None = None  # the last event that was sent; None before hello
        self._notices: list[protocol.Notice] = []
        self._news = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None
        self._unlisten = lambda: None
        self._leave_spark = lambda: None
        self._leave_debugger = lambda: None
        self._subscriptions: dict[str, Subscription] = {}

    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Open it for who may run something here."""
        user = self.current_user
        if not user or not await ensure_async(self.authorizer.is_authorized(self, user, "execute", "kernels")):
            raise HTTPError(403)
        await super().get(*args, **kwargs)

    def get_compression_options(self) -> dict[str, Any] | None:
        """Let nothing be compressed: it is a short way, and costs more time than it saves."""
        return None

    @property
    def max_message_size(self) -> int:
        return protocol.MOST_BYTES

    async def on_message(self, message: str | bytes) -> None:
        """Serve a message; one that can't be served is refused, by its name."""
        name, fields = _read(message)
        await self._try(self._serve(name, fields), name, fields)

    async def _try(self, work: Awaitable[None], name: str, fields: dict[str, Any]) -> None:
        try:
            await work
        except ValidationError as problem:
            self._refuse(name, _sentence(problem), fields)
        except Refusal as refusal:
            self._refuse(name, str(refusal), fields)
        except Exception:  # a defect of the server's must not end the page's connection
            _log.exception("%s could not be served", name)
            self._refuse(name, "Something went wrong in the session. The log of the session says what.", fields)

    def on_close(self) -> None:
        """Forget the client; what it asked for goes on."""
        self._unlisten()
        self._leave_spark()
        self._leave_debugger()
        for subscription in self._subscriptions.values():
            subscription.end()
        if self._sending is not None:
            self._sending.cancel()

    async def _go_on(self, work: Awaitable[None], request: protocol.Request) -> None:
        """Begin what takes time, and do it while further messages are served, which find what it has done at once."""
        task = asyncio.ensure_future(self._try(work, request.type, request.model_dump(mode="json")))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
        await asyncio.sleep(0)

    async def _start(self, request: protocol.StartConsole) -> None:
        console = await self._room.consoles.start(request.kernelspec, request.project)
        opened = protocol.ConsoleOpened(console=console.identity.id, kernelspec=request.kernelspec, project=request.project)
        self._notify(opened)

    async def _serve(self, name: str, fields: dict[str, Any]) -> None:  # noqa: PLR0912, PLR0915  (one line for each message)
        if name not in protocol.REQUEST_TYPES:
            raise Refusal(f"This server knows no message {name[:100]!r}. Reload the page, so that both are of one version.")
        request = protocol.REQUEST.validate_python(fields)
        if not isinstance(request, protocol.Hello) and self._since is None:
            raise Refusal("The first message is hello.")
        consoles = self._room.consoles
        match request:
            case protocol.Hello():
                self._greet(request)
            case protocol.Ping():
                self._notify(protocol.Pong())
            case protocol.StartConsole():
                self._room.activity()
                await self._go_on(self._start(request), request)
            case protocol.Execute():
                self._room.activity()
                console = consoles.get(request.console)
                if self._room.is_new(request.id):
                    console.execute(request, who=self._room.who)
                    self._room.remember(request.id)
            case protocol.InputReply():
                self._room.activity()
                consoles.get(request.console).reply(request.value)
            case protocol.Interrupt():
                self._room.activity()
                await self._go_on(self._room.debugger.interrupt(consoles.get(request.console)), request)
            case protocol.Cancel():
                await self._go_on(self._room.debugger.cancel(consoles.get(request.console), request.execution), request)
            case protocol.Restart():
                self._room.activity()
                await self._go_on(consoles.get(request.console).restart(), request)
            case protocol.CloseConsole():
                await self._go_on(consoles.end(consoles.get(request.console)), request)
            case protocol.StartJob():
                self._room.activity()
                if self._room.is_new(request.id):
                    self._room.jobs.start(request, who=self._room.who)
                    self._room.remember(request.id)
            case protocol.CancelJob():
                self._room.activity()
                self._room.jobs.cancel(request.job)
            case protocol.CancelSpark():
                self._room.activity()
                await self._room.spark.cancel(request.application, request.job)
            case protocol.SetBreakpoints():
                self._room.activity()
                self._room.debugger.set_breakpoints(request)
            case protocol.BreakOnError():
                self._room.activity()
                self._room.debugger.break_on_error(request.on)
            case protocol.Step():
                self._room.activity()
                await self._go_on(self._room.debugger.step(consoles.get(request.console), request), request)
            case protocol.SubscribeVariables():
                self._subscribe(request.console)
            case protocol.UnsubscribeVariables():
                if subscription := self._subscriptions.pop(request.console, None):
                    subscription.end()

    def _greet(self, hello: protocol.Hello) -> None:
        if self._since is not None:
            raise Refusal("This connection has said hello already.")
        if hello.version > protocol.VERSION:
            raise Refusal(f"This session speaks version {protocol.VERSION} of the protocol. Reload the page.")
        log = self._room.recorder.log
        known = hello.epoch in (None, log.epoch) and hello.since <= log.last
        running = tuple(console.info for console in self._room.consoles)
        jobs = tuple(self._room.jobs)
        self._notify(protocol.Welcome(epoch=log.epoch, oldest=log.oldest, last=log.last, consoles=running, jobs=jobs))
        self._since = hello.since if known else 0
        self._unlisten = log.listen(self._news.set)
        self._leave_spark = self._room.spark.subscribe(self._notify)
        self._leave_debugger = self._room.debugger.subscribe(self._notify)
        self._sending = asyncio.ensure_future(self._send())

    def _subscribe(self, console: str) -> None:
        self._room.consoles.get(console)
        if previous := self._subscriptions.pop(console, None):
            previous.end()
        self._subscriptions[console] = self._room.variables.subscribe(console, self._notify)

    async def _send(self) -> None:
        """Send notices and events while the client reads; it waits for a slow one, and nothing piles up."""
        log = self._room.recorder.log
        with contextlib.suppress(WebSocketClosedError):
            while True:
                self._news.clear()
                notices, self._notices = self._notices, []
                for notice in notices:
                    await self.write_message(notice.model_dump_json())
                events = log.after(self._since or 0, most_bytes=_PIECE)
                for event in events:
                    await self.write_message(event)
                    self._since = number_of(event)
                if not events and not self._notices:
                    await self._news.wait()

    def _notify(self, notice: protocol.Notice) -> None:
        if len(self._notices) >= _MOST_NOTICES:  # who reads so slowly is better off with a new connection
            self.close(1013, "too slow")
            return
        self._notices.append(notice)
        self._news.set()

    def _refuse(self, name: str, why: str, fields: dict[str, Any]) -> None:
        execution = fields.get("id" if name in {"execute", "start_job"} else "execution")
        refused = protocol.Refused(
            request=name[:100],
            why=why,
            console=_short(fields.get("console")),
            execution=_short(execution),
        )
        if self._since is None:  # nothing is sent before hello but this
            with contextlib.suppress(WebSocketClosedError):
                self.write_message(refused.model_dump_json())
            return
        self._notify(refused)


def _read(message: str | bytes) -> tuple[str, dict[str, Any]]:
    """Return the name and the fields of a message; an empty name when it is none."""
    try:
        fields = json.loads(message)
    except ValueError:
        return "", {}
    if not isinstance(fields, dict) or not isinstance(fields.get("type"), str):
        return "", {}
    return fields["type"], fields


def _sentence(problem: ValidationError) -> str:
    first = problem.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    return f"{place or 'The message'}: {first['msg']}."


def _short(value: object) -> str | None:
    return value[:64] if isinstance(value, str) else None
