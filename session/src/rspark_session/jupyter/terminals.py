"""Terminals: shells that keep what they showed for whoever comes back, and tell what is typed."""

import json
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from jupyter_server_terminals import api_handlers
from jupyter_server_terminals.app import TerminalsExtensionApp
from jupyter_server_terminals.handlers import TermSocket
from jupyter_server_terminals.terminalmanager import TerminalManager
from traitlets import default

from rspark_session.jupyter.activity import is_typed
from rspark_session.jupyter.presence import Presence

if TYPE_CHECKING:
    from rspark_session.jupyter.server import Server

_SCROLLBACK = 2**19  # characters kept of each terminal


class Scrollback(deque[str]):
    """What a terminal showed last, as much as fits. terminado keeps a number of pieces, however large."""

    def __init__(self, pieces: Iterable[str] = ()) -> None:
        super().__init__(pieces)
        self._size = sum(map(len, self))

    def append(self, piece: str) -> None:
        super().append(piece)
        self._size += len(piece)
        while self._size > _SCROLLBACK and len(self) > 1:
            self._size -= len(self.popleft())


class Terminals(TerminalManager):
    """Shells by their names."""

    presence: Presence

    def new_terminal(self, **options: Any) -> Any:
        """Start a shell."""
        terminal = super().new_terminal(**options)
        terminal.read_buffer = Scrollback()
        self.presence.changed()
        return terminal

    def on_eof(self, ptywclients: Any) -> None:
        super().on_eof(ptywclients)
        self.presence.changed()


class TerminalSocket(TermSocket):
    """A websocket to a shell."""

    term_manager: Terminals

    async def on_message(self, message: Any) -> None:  # type: ignore[override]  # as jupyter_server_terminals has it
        """Hand it on; what was typed is a person's doing."""
        await super().on_message(message)
        match json.loads(message):
            case ["stdin", str(text), *_] if is_typed(text):
                self.term_manager.presence.activity()


class TerminalsExtension(TerminalsExtensionApp):
    """jupyter_server_terminals with our terminals in place of its own."""

    @default("terminal_manager_class")
    def _default_terminal_manager_class(self) -> type[TerminalManager]:
        return Terminals

    def initialize_configurables(self) -> None:
        super().initialize_configurables()
        cast(Terminals, self.terminal_manager).presence = cast("Server", self.serverapp).presence

    def initialize_handlers(self) -> None:
        self.handlers.append((r"/terminals/websocket/(\w+)", TerminalSocket, {"term_manager": self.terminal_manager}))
        self.handlers.extend(api_handlers.default_handlers)
        settings = cast("Server", self.serverapp).web_app.settings
        settings["terminal_manager"] = self.terminal_manager
        settings["terminals_available"] = self.settings["terminals_available"]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": __name__, "app": TerminalsExtension}]
