"""The interface `shiny`: an app of R, a folder with an `app.R`, which any number of visitors use at once.

R runs `shiny.R`, which loads the app anew when its files change, and shows in its place what is wrong with it. Where R ends by
itself, or is ended, it is started again: nothing but the visits is in its memory. What visitors send is activity. R is busy while
it uses the processor, and while it answers nobody, as one that waits for a database does.
"""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rspark_session.interfaces.base import Context, Endpoint, Host, Interface, InterfaceUnavailable, LaunchedProcess
from rspark_session.processes.ports import free_port

_HOST = "127.0.0.1"
#: Seconds without a sign of life after which R counts as computing; it gives one every second.
_SILENT = 4.0


class Shiny(Interface):
    """The app of one folder."""

    restarts = True

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._port = free_port(_HOST)
        self._process: LaunchedProcess | None = None

    def start(self) -> LaunchedProcess:
        """Start R with the app.

        Raises
        ------
        InterfaceUnavailable
            When R is missing.
        OSError
            When it can't be run.
        """
        context = self.context
        program = shutil.which("Rscript", path=context.environ["PATH"])
        if program is None:
            raise InterfaceUnavailable(
                "R is not installed on this machine. Install it (on Debian: apt-get install r-base-core r-cran-shiny), "
                "then start the session again."
            )
        self._beat.unlink(missing_ok=True)
        script = Path(__file__).with_suffix(".R")
        command = [program, "--no-save", "--no-restore", str(script), str(self._folder), str(self._port), str(self._beat)]
        self._process = context.launch(command, environ=context.environ, folder=context.home)
        return self._process

    @property
    def endpoint(self) -> Endpoint:
        """Its port. Shiny knows no path of its own: its pages name all else relative to theirs."""
        return Endpoint(port=self._port, strips_base=True)

    async def until_ready(self, host: Host) -> None:
        """Wait until R listens; whether the app is right or wrong is on its page.

        Raises
        ------
        InterfaceUnavailable
            When another program has the port: its pages must not be taken for the session's.
        """
        await host.until_healthy({"tcp": f"{_HOST}:{self._port}"})
        if not host.has_port(self._port):
            raise InterfaceUnavailable(f"{self.context.spec.title} needs port {self._port}, which another program has.")

    @property
    def busy_with(self) -> Sequence[str]:
        """The app, while R has given no sign of life."""
        try:
            silent = time.time() - self._beat.stat().st_mtime
        except OSError:  # it has only just started
            return ()
        return (self.context.spec.title,) if silent > _SILENT else ()

    @property
    def titles(self) -> Mapping[int, str]:
        """Its own title stands for R and all that the app starts."""
        return {self._process.pid: self.context.spec.title} if self._process else {}

    def end(self) -> bool:
        """Interrupt R, which then ends by itself, with the status 0."""
        if self._process is None:
            return False
        with contextlib.suppress(OSError):  # on a full disk it ends with another status
            self._beat.with_suffix(".end").touch()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGINT)
        return True

    @property
    def _folder(self) -> Path:
        return self.context.home / str(self.context.spec.config.get("app", "."))

    @property
    def _beat(self) -> Path:
        return self.context.run / "shiny"


INTERFACE = Shiny
