"""Rc² as an extension of Jupyter Server: its page, and the room with all that is asked of it."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from pydantic import ValidationError
from traitlets import Dict

from rspark_session.jupyter.built_page import BuiltPage, PageConfig
from rspark_session.jupyter.kernels import Kernels
from rspark_session.jupyter.lab import Lab
from rspark_session.jupyter.server import Server
from rspark_session.rc2 import place
from rspark_session.rc2.archives import handlers as archives
from rspark_session.rc2.blobs import BlobStore
from rspark_session.rc2.connections import handlers as connections
from rspark_session.rc2.consoles import Consoles
from rspark_session.rc2.debugger.debugger import Debugger
from rspark_session.rc2.event_log import EventLog
from rspark_session.rc2.git import handlers as git
from rspark_session.rc2.handlers import handlers
from rspark_session.rc2.help.help import Help
from rspark_session.rc2.introspection import Introspection
from rspark_session.rc2.jobs import Jobs
from rspark_session.rc2.language_servers import handlers as language_servers
from rspark_session.rc2.language_servers.servers import DECLARED, LanguageServer, servers
from rspark_session.rc2.notebooks import handlers as notebooks
from rspark_session.rc2.profiler.profiler import Profiler
from rspark_session.rc2.recorder import Recorder
from rspark_session.rc2.room import Room
from rspark_session.rc2.search import handlers as search
from rspark_session.rc2.search.replacing import Replacements
from rspark_session.rc2.socket import Socket
from rspark_session.rc2.spark.drivers import Drivers
from rspark_session.rc2.spark.feed import SparkFeed
from rspark_session.rc2.variables import VariablesFeed

_STATIC = Path(__file__).parent / "static"
#: The index of help, which all sessions of a home share: it can be made anew.
_HELP = Path(".cache/rspark/rc2-help.sqlite")

# CodeMirror and xterm.js set colours and sizes by style elements of their own; what kernels show is framed.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data: blob:; "
    "connect-src 'self'; frame-src 'self' blob: data:; worker-src 'self'; manifest-src 'self'; child-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# Hunspell is WebAssembly. The worker that has it may compile it; the page may not.
_WORKER_POLICY = _POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")


class Page(BuiltPage):
    policy = _POLICY

    def set_headers(self) -> None:
        super().set_headers()
        if self.path.startswith("assets/spelling-worker-"):
            self.set_header("Content-Security-Policy", _WORKER_POLICY)


class Rc2(ExtensionApp):
    """The room at `/rc2/`."""

    name = "rc2"
    default_url = "/rc2/"
    load_other_extensions = False

    language_servers = Dict(
        help="Language servers beside those of R and Python: {name: {argv: [program, …], languages: [language, …]}}.",
    ).tag(config=True)

    def initialize_handlers(self) -> None:
        server = cast(ServerApp, self.serverapp)
        self._room = _room(server)
        self.handlers.append((r"/rc2/api/socket", Socket, {"room": self._room}))
        self.handlers.extend(handlers(self._room))
        self.handlers.extend(git.handlers(self._room, git.Git(self._room.home, Path(server.runtime_dir) / "rc2-git")))
        replacements = Replacements(self._room.home, _folder(self._room.home) / "replaced")
        self.handlers.extend(search.handlers(self._room, replacements))
        self.handlers.extend(archives.handlers(self._room, _folder(self._room.home) / "unpacking"))
        self.handlers.extend(connections.handlers(self._room))
        self.handlers.extend(notebooks.handlers(self._room))
        self._language_servers = language_servers.Servers(
            self._known_language_servers(), home=self._room.home, on_programs=self._room.reporter.changed
        )
        self.handlers.extend(language_servers.handlers(self._room, self._language_servers))
        options = cast(Server, server).options
        config = {
            "hub": os.environ.get("RSPARK_HUB_URL", "/hub/"),
            "home": str(Path.home()),
            "user": os.environ.get("RSPARK_USER", ""),
            "session": os.environ.get("RSPARK_SESSION", ""),
            "languages": options.kernels,
            "documents": options.first_documents,
        }
        self.handlers.append((r"/rc2/config\.json", PageConfig, {"config": config}))
        self.handlers.append((r"/rc2/(.*)", Page, {"path": str(_STATIC), "default_filename": "index.html"}))

    def _known_language_servers(self) -> list[LanguageServer]:
        """Return the language servers; a setting that is wrong is said in the log, since without it all else works."""
        try:
            return servers(DECLARED.validate_python(self.language_servers))
        except ValidationError as problem:
            first = problem.errors(include_url=False, include_input=False)[0]
            self.log.warning("The setting Rc2.language_servers: %s: %s.", ".".join(map(str, first["loc"])), first["msg"])
            return servers({})

    async def kernels_restored(self) -> None:
        """Find the consoles again that a sleep saved; nothing of a client is served before."""
        await self._room.reopen()

    @property
    def computing(self) -> Mapping[int, str]:
        """The titles of the jobs that run, by their pids."""
        return self._room.jobs.titles

    @property
    def helpers(self) -> Iterable[int]:
        """The pids of language servers, and of what reads the help that is installed."""
        return [*self._language_servers.programs, *self._room.help.programs]

    async def stop_extension(self) -> None:
        """End the jobs, let go of the kernels, and close the log."""
        self._language_servers.close()
        self._room.spark.close()
        self._room.jobs.close()
        self._room.help.close()
        self._room.consoles.detach()
        self._room.recorder.log.close()


def _folder(home: Path) -> Path:
    return place.folder(home, os.environ.get("RSPARK_SESSION", "session"))


def _room(server: ServerApp) -> Room:
    home = Path(server.root_dir)
    folder = _folder(home)
    recorder = Recorder(EventLog(folder / "events"), BlobStore(folder / "blobs"))
    kernels = cast(Kernels, server.kernel_manager)
    specs = cast(KernelSpecManager, server.kernel_spec_manager)
    introspection = Introspection(Path(server.runtime_dir) / "rc2")
    debugger = Debugger(folder / "breakpoints.json", introspection)
    sessions = server.session_manager
    profiler = Profiler(Path(server.runtime_dir) / "rc2-profiles", recorder.blobs, home=home)
    consoles = Consoles(kernels=kernels, sessions=sessions, home=home, recorder=recorder, debugging=debugger, profiler=profiler)
    return Room(
        who=os.environ.get("RSPARK_USER", "") or "you",
        home=home,
        recorder=recorder,
        consoles=consoles,
        jobs=Jobs(home=home, recorder=recorder, reporter=kernels.reporter, kernels=specs.kernel_dirs),
        introspection=introspection,
        variables=VariablesFeed(consoles, introspection),
        spark=SparkFeed(consoles, recorder, Drivers()),
        debugger=debugger,
        help=Help(home / _HELP, introspection, recorder.blobs, on_programs=kernels.reporter.changed),
        reporter=kernels.reporter,
    )


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": __name__, "app": Rc2}, {"module": __name__, "app": Lab}]  # JupyterLab sees the same kernels
