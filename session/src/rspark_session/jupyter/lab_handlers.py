"""What JupyterLab's own handlers say where Jupyter says "500: Internal Server Error": one sentence, and what to do."""

from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import path_regex
from jupyter_server.nbconvert import handlers as nbconvert
from jupyterlab_server.settings_handler import SettingsHandler
from jupyterlab_server.workspaces_handler import WorkspacesHandler
from tornado.web import HTTPError

from rspark_session import home_space
from rspark_session.jupyter import exports
from rspark_session.proxy.page import html

_LONGEST = 300  # characters


class _NeedsRoom:
    """Refuses to save in a full home, before the file that is there is emptied."""

    async def put(self, *places: str, **named: str) -> None:
        home = Path.home()
        if home_space.is_full(home):
            raise HTTPError(HTTPStatus.INSUFFICIENT_STORAGE, home_space.sentence(home))
        try:
            await ensure_async(super().put(*places, **named))  # type: ignore[misc]  # of the class that this is mixed into
        except (HTTPError, OSError) as problem:
            if not home_space.is_full(home, problem):
                raise
            raise HTTPError(HTTPStatus.INSUFFICIENT_STORAGE, home_space.sentence(home)) from problem


class Settings(_NeedsRoom, SettingsHandler):
    """Settings of a person."""


class Workspaces(_NeedsRoom, WorkspacesHandler):
    """Which tabs are open."""


class Export(nbconvert.NbconvertFileHandler):
    """A notebook in another format. What is not offered may be typed by hand."""

    async def get(self, format: str, path: str) -> None:  # noqa: A002  (the name in the address)
        if refusal := exports.refusal(format):
            raise HTTPError(HTTPStatus.NOT_IMPLEMENTED, refusal)
        await ensure_async(super().get(format, path))

    def write_error(self, status_code: int, **more: Any) -> None:
        """Write a page with one sentence."""
        problem = more.get("exc_info", (None, None))[1]
        said = str(getattr(problem, "log_message", None) or problem).strip().partition("\n")[0][:_LONGEST]
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(html("This notebook can't be exported", f"<p>{escape(said)}</p>"))


REPLACED = {SettingsHandler: Settings, WorkspacesHandler: Workspaces}
EXPORT = (rf"/nbconvert/{nbconvert._format_regex}{path_regex}", Export)
