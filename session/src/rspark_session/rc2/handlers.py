"""What is asked of the room over HTTP: pages of tables, completion, help, history and plots, each typed and bounded."""

import json
from asyncio import to_thread
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from jupyter_server.base.handlers import APIHandler
from pydantic import BaseModel, TypeAdapter, ValidationError
from tornado import web

from rspark_session.rc2 import history, language, protocol
from rspark_session.rc2.console import Console
from rspark_session.rc2.html_page import page_of
from rspark_session.rc2.preferences import PreferenceStore
from rspark_session.rc2.refusal import Busy, Outdated, Refusal, Unfit
from rspark_session.rc2.room import Room

_M = TypeVar("_M", bound=BaseModel)
_CONSOLE = r"/rc2/api/consoles/([A-Za-z0-9_-]{1,64})"
#: Pages of HTML that a kernel shows have an origin of their own, and reach no server.
_FRAME_POLICY = (
    "sandbox allow-scripts allow-popups allow-downloads; default-src data: blob: 'unsafe-inline' 'unsafe-eval'; "
    "connect-src 'none'; form-action 'none'; frame-ancestors 'self'"
)
#: Pixels of a plot: R takes four bytes of the session's memory for each.
_MOST_PIXELS = 10**8
_PDF_POLICY = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'"
_VIGNETTES = {"html": "text/html; charset=utf-8", "pdf": "application/pdf"}
_IMAGES = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}


class RoomHandler(APIHandler):
    """A handler that knows the room, and says in a sentence what can't be done."""

    def initialize(self, *, room: Room) -> None:
        """Set what it works with."""
        self.room = room

    def console(self, identity: str) -> Console:
        """Return a console that runs; raise `Refusal` when it doesn't."""
        return self.room.consoles.get(identity)

    def body(self, model: type[_M]) -> _M:
        """Return the request's JSON; raise `ValidationError` when it is of another form."""
        return model.model_validate_json(self.request.body or b"{}")

    def answer(self, model: BaseModel) -> None:
        """Answer with JSON."""
        self.finish(model.model_dump_json())

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        """Return a number of the query between bounds; raise `Refusal` when it is none."""
        try:
            return min(most, max(least, float(self.get_query_argument(name, str(default)))))
        except ValueError as problem:
            raise Refusal(f"{name} is no number.") from problem

    def write_error(self, status_code: int, **more: Any) -> None:
        """Answer with a `Problem`."""
        problem = more.get("exc_info", (None, None, None))[1]
        match problem:
            case Busy():
                status, title = HTTPStatus.SERVICE_UNAVAILABLE, str(problem)
            case Unfit():
                status, title = HTTPStatus.UNPROCESSABLE_ENTITY, str(problem)
            case Outdated():
                status, title = HTTPStatus.CONFLICT, str(problem)
            case Refusal():
                status, title = HTTPStatus.NOT_FOUND, str(problem)
            case ValidationError():
                first = problem.errors(include_url=False, include_input=False)[0]
                status, title = HTTPStatus.UNPROCESSABLE_ENTITY, f"{'.'.join(map(str, first['loc']))}: {first['msg']}."
            case web.HTTPError():
                status, title = HTTPStatus(status_code), problem.log_message or HTTPStatus(status_code).phrase
            case _:
                status, title = HTTPStatus(status_code), "Something went wrong in the session. Its log says what."
        self.set_status(status)
        self.answer(protocol.Problem(title=title, status=status))

    def log_exception(self, kind: Any, value: Any, traceback: Any) -> None:
        """Log what is not a refusal."""
        if not isinstance(value, Refusal | ValidationError):
            super().log_exception(kind, value, traceback)


class ConsoleList(RoomHandler):
    """The consoles that run."""

    @web.authenticated
    def get(self) -> None:
        """Answer with them."""
        self.finish(TypeAdapter(list[protocol.ConsoleInfo]).dump_json([console.info for console in self.room.consoles]))


class PageOfTable(RoomHandler):
    """Rows of a table."""

    @web.authenticated
    async def post(self, identity: str) -> None:
        """Answer with them."""
        request = self.body(protocol.PageRequest)
        self.room.activity()
        question = {"ask": "page", **request.model_dump(mode="json")}
        answer = await self.room.introspection.ask(self.console(identity), question)
        self.answer(protocol.Page.model_validate(answer))


class ChildrenOfVariable(RoomHandler):
    """What is inside a variable."""

    @web.authenticated
    async def post(self, identity: str) -> None:
        """Answer with it."""
        request = self.body(protocol.ChildrenRequest)
        self.room.activity()
        question = {"ask": "children", **request.model_dump(mode="json")}
        answer = await self.room.introspection.ask(self.console(identity), question)
        self.answer(protocol.Children.model_validate(answer))


class FrameOfStack(RoomHandler):
    """The variables of a call in which a console waits."""

    @web.authenticated
    async def post(self, identity: str) -> None:
        """Answer with them."""
        request = self.body(protocol.FrameRequest)
        self.room.activity()
        self.answer(await self.room.debugger.look(self.console(identity), request))


class Complete(RoomHandler):
    """How code may go on."""

    @web.authenticated
    async def post(self, identity: str) -> None:
        """Answer with it."""
        self.room.activity()
        self.answer(await language.complete(self.room, self.console(identity), self.body(protocol.CompletionRequest)))


class Inspect(RoomHandler):
    """What stands at a position of code."""

    @web.authenticated
    async def post(self, identity: str) -> None:
        """Answer with it."""
        self.room.activity()
        self.answer(await language.inspect(self.room, self.console(identity), self.body(protocol.InspectRequest)))


class HelpPage(RoomHandler):
    """Help on a topic, a vignette, or topics and vignettes that have a text."""

    @web.authenticated
    async def post(self, identity: str) -> None:
        """Answer with it."""
        request = self.body(protocol.HelpRequest)
        if not request.again:
            self.room.activity()
        self.answer(await self.room.help.find(self.console(identity), request))


class VignettePage(RoomHandler):
    """A vignette that help has answered with."""

    @web.authenticated
    def get(self, form: str, sha256: str) -> None:
        """Answer with it as a page."""
        path = self.room.recorder.blobs.path(sha256)
        if path is None:
            raise Refusal("This vignette is not kept any more. Open it again from Help.")
        # Browsers show no PDF in a sandbox, and one runs nothing in this origin.
        self.set_header("Content-Security-Policy", _FRAME_POLICY if form == "html" else _PDF_POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "private, max-age=3600")
        self.finish(path.read_bytes(), set_content_type=_VIGNETTES[form])


class HistoryOfConsole(RoomHandler):
    """Code that was executed."""

    @web.authenticated
    def get(self, identity: str) -> None:
        """Answer with it."""
        found = history.executed(
            self.room.recorder.log,
            identity,
            search=self.get_query_argument("search", "")[:1000],
            before=int(self.number("before", 2**53, least=1, most=2**53)),
            count=int(self.number("count", 100, least=1, most=1000)),
        )
        self.answer(found)


class PlotList(RoomHandler):
    """The plots of a console."""

    @web.authenticated
    def get(self, identity: str) -> None:
        """Answer with them."""
        self.answer(history.plots(self.room.recorder.log, identity))


class DrawnPlot(RoomHandler):
    """A plot, drawn at a size."""

    @web.authenticated
    async def get(self, identity: str, plot: str) -> None:
        """Answer with it; `width` and `height` are inches."""
        form = self.get_query_argument("format", "svg")
        if form not in _IMAGES:
            raise Refusal(f"Plots are drawn as {', '.join(_IMAGES)}.")
        width = self.number("width", 7, least=0.5, most=100)
        height = self.number("height", 5, least=0.5, most=100)
        density = self.number("density", 96, least=20, most=1000)
        if form == "png" and width * height * density**2 > _MOST_PIXELS:
            raise Refusal("This picture would be too large. Draw it smaller, or as svg or pdf.")
        question: dict[str, object] = {
            "ask": "plot",
            "plot": plot,
            "format": form,
            "width": width,
            "height": height,
            "density": density,
        }
        content = await self.room.introspection.draw(self.console(identity), question, form)
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:")
        self.finish(content, set_content_type=_IMAGES[form])


class PreferencesOfPerson(RoomHandler):
    """What the person prefers in all of their sessions."""

    @property
    def _store(self) -> PreferenceStore:
        return PreferenceStore(self.room.home)

    @web.authenticated
    async def get(self) -> None:
        """Answer with it."""
        self.answer(await to_thread(self._store.read))

    @web.authenticated
    async def post(self) -> None:
        """Change it, and answer with it."""
        self.answer(await to_thread(self._store.change, self.body(protocol.PreferencesChange)))


class BlobContent(RoomHandler):
    """A blob."""

    @web.authenticated
    def get(self, sha256: str) -> None:
        """Answer with it."""
        path = self.room.recorder.blobs.path(sha256)
        if path is None:
            raise Refusal("This is not kept any more. Run its code again.")
        kind = self.get_query_argument("type", "application/octet-stream")
        shown = kind if kind.startswith(("image/", "text/plain", "application/json")) else "text/plain"
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "max-age=31536000, immutable")
        self.finish(path.read_bytes(), set_content_type=shown)


class Frame(RoomHandler):
    """The HTML of an event."""

    @web.authenticated
    def get(self, seq: str) -> None:
        """Answer with it as a page."""
        line = self.room.recorder.log.event(int(seq))
        html = _html(json.loads(line), self.room) if line else None
        if html is None:
            raise Refusal("This is not kept any more. Run its code again.")
        self.set_header("Content-Security-Policy", _FRAME_POLICY)
        self.set_header("Cache-Control", "private, no-cache")  # the number is another event's in another log
        self.finish(page_of(html), set_content_type="text/html; charset=utf-8")


class BlobFrame(RoomHandler):
    """HTML that is kept as a blob."""

    @web.authenticated
    def get(self, sha256: str) -> None:
        """Answer with it as a page."""
        path = self.room.recorder.blobs.path(sha256)
        if path is None:
            raise Refusal("This is not kept any more. Open its document again.")
        self.set_header("Content-Security-Policy", _FRAME_POLICY)
        self.set_header("Cache-Control", "private, max-age=31536000, immutable")
        self.finish(page_of(path.read_bytes()), set_content_type="text/html; charset=utf-8")


def _html(event: Mapping[str, Any], room: Room) -> bytes | None:
    data = event.get("data", {})
    if isinstance(html := data.get("text/html"), str):
        return html.encode()
    blob = event.get("blobs", {}).get("text/html")
    path = room.recorder.blobs.path(blob["sha256"]) if blob else None
    return path.read_bytes() if path else None


def handlers(room: Room) -> list[tuple[str, type[RoomHandler], dict[str, Any]]]:
    """Return the handlers by their addresses."""
    found: dict[str, type[RoomHandler]] = {
        r"/rc2/api/consoles": ConsoleList,
        rf"{_CONSOLE}/page": PageOfTable,
        rf"{_CONSOLE}/children": ChildrenOfVariable,
        rf"{_CONSOLE}/frame": FrameOfStack,
        rf"{_CONSOLE}/complete": Complete,
        rf"{_CONSOLE}/inspect": Inspect,
        rf"{_CONSOLE}/help": HelpPage,
        rf"{_CONSOLE}/history": HistoryOfConsole,
        rf"{_CONSOLE}/plots": PlotList,
        rf"{_CONSOLE}/plots/([0-9]{{1,15}})": DrawnPlot,
        r"/rc2/api/preferences": PreferencesOfPerson,
        r"/rc2/api/blob/([0-9a-f]{64})": BlobContent,
        r"/rc2/api/frame/([0-9]{1,15})": Frame,
        r"/rc2/api/frame/([0-9a-f]{64})": BlobFrame,
        r"/rc2/api/vignette/(html|pdf)/([0-9a-f]{64})": VignettePage,
    }
    return [(path, handler, {"room": room}) for path, handler in found.items()]
