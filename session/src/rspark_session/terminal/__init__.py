"""The interface `terminal`: a page with a shell in the whole window, over Jupyter's terminals.

The page is built from `web/terminal` into `static/`. Shells, and the websockets to them, are `rspark_session.jupyter.terminals`.
"""

import os
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp

from rspark_session.jupyter.built_page import BuiltPage, PageConfig

_STATIC = Path(__file__).parent / "static"

# xterm.js sets colours and sizes by style elements of its own.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class Page(BuiltPage):
    policy = _POLICY


class TerminalPage(ExtensionApp):
    """The page at `/terminal/`."""

    name = "terminal"
    default_url = "/terminal/"
    load_other_extensions = False

    def initialize_handlers(self) -> None:
        config = {"hub": os.environ.get("RSPARK_HUB_URL", "/hub/")}
        self.handlers.append((r"/terminal/config\.json", PageConfig, {"config": config}))
        self.handlers.append((r"/terminal/(.*)", Page, {"path": str(_STATIC), "default_filename": "index.html"}))


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": __name__, "app": TerminalPage}]
