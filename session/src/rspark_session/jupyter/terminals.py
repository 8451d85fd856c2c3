"""Terminals: shells whose last output is shown to whoever opens them again, and that report what is typed."""

import json
from collections import deque
from collections.abc import Iterable
from typing import Any, cast

from jupyter_server.serverapp import ServerApp
from jupyter_server_terminals import api_handlers
from jupyter_server_terminals.app import TerminalsExtensionApp
from jupyter_server_terminals.handlers import TermSocket
from jupyter_server_terminals.terminalmanager import TerminalManager

from rspark_session.jupyter.activity import is_typed
from rspark_session.jupyter.exec_socket import ExecSocket
from rspark_session.jupyter.reporter import ActivityReporter
from rspark_session.processes import memory_order

_SCROLLBACK = 2**19  # characters kept of each terminal


class Scrollback(deque[str]):
    """The last output of a terminal, up to a size. terminado keeps a number of pieces, however large."""

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

    reporter: ActivityReporter

    def new_terminal(self, **options: Any) -> Any:
        """Start a shell."""
        terminal = super().new_terminal(**options)
        terminal.read_buffer = Scrollback()
        memory_order.take_before_agent(terminal.ptyproc.pid, memory_order.WORKS)
        self.reporter.changed()
        return terminal

    def on_eof(self, ptywclients: Any) -> None:
        super().on_eof(ptywclients)
        self.reporter.changed()


class TerminalSocket(TermSocket):
    """A websocket to a shell."""

    term_manager: Terminals

    async def on_message(self, message: Any) -> None:  # type: ignore[override]  # as jupyter_server_terminals has it
        """Pass a message on to the shell, and report typing as activity."""
        await super().on_message(message)
        match json.loads(message):
            case ["stdin", str(text), *_] if is_typed(text):
                self.term_manager.reporter.activity()


class TerminalsExtension(TerminalsExtensionApp):
    """jupyter_server_terminals with `TerminalSocket`. The server's configuration names the class of its terminals."""

    serverapp: ServerApp

    def initialize_handlers(self) -> None:
        self.handlers.append((r"/terminals/websocket/(\w+)", TerminalSocket, {"term_manager": self.terminal_manager}))
        self.handlers.extend(api_handlers.default_handlers)
        terminals = cast(Terminals, self.terminal_manager)
        self.handlers.append((r"/api/exec", ExecSocket, {"reporter": terminals.reporter, "shell": terminals.shell_command}))
        settings = self.serverapp.web_app.settings
        settings["terminal_manager"] = self.terminal_manager
        settings["terminals_available"] = self.settings["terminals_available"]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": __name__, "app": TerminalsExtension}]
