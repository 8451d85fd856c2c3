"""The pages of past applications under `/s/<id>/spark/past/`: Spark's history server, started when somebody looks.

It ends when nobody has looked for a while, and with the session.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from rspark_session.processes import memory_order, ports, tree
from rspark_session.processes.tree import Process
from rspark_session.proxy import page
from rspark_session.proxy.server import Reply, Request
from rspark_session.services.spark import event_logs
from rspark_session.services.spark.showing import ShownServer

_RESTS = 600.0  # seconds after which nobody looks any more
_PATIENCE = 120.0  # seconds in which it should be there
_OPENING = page.html(
    "Spark's past is being opened",
    "<p>The pages of past applications are ready in some seconds; this page then shows them.</p>",
    refresh=2,
)
_FAILED = page.html(
    "Spark's past can't be opened",
    "<p>Its server ended by itself, perhaps since the session has no memory left. Load this page again to try once more.</p>",
)


@dataclass(frozen=True, kw_only=True)
class _Server:
    """A history server that was started: the process, by its number and when it began, and when somebody began to wait."""

    pid: int
    started: int
    since: float


class PastPages:
    """Shows what the drivers of a home did, under the path `base`. `log` is the file into which the server writes."""

    def __init__(
        self,
        *,
        base: str,
        home: Path,
        log: Path,
        headers: tuple[tuple[bytes, bytes], ...],
        environ: Mapping[str, str],
    ) -> None:
        self._shown = ShownServer(base=base, headers=headers)
        self._home = home
        self._log = log
        self._environ = environ
        self._server: _Server | None = None
        self._looked = 0.0

    async def answer(self, request: Request, reply: Reply, path: str, processes: Iterable[Process]) -> None:
        """Answer a request below the base; `path` is what follows it."""
        if path == "":
            self._shown.redirect(reply, "/")
            return
        self._looked = time.monotonic()
        if self._server is None:
            self._server = self._start()
            page.send(reply, HTTPStatus.OK, _OPENING)
        elif not self._runs(processes):
            self._server = None
            page.send(reply, HTTPStatus.BAD_GATEWAY, _FAILED)
        elif port := min(ports.listening([self._server.pid])[self._server.pid], default=0):
            await self._shown.show(request, reply, port=port, path=path)
        elif time.monotonic() - self._server.since > _PATIENCE:
            self._end()
            page.send(reply, HTTPStatus.BAD_GATEWAY, _FAILED)
        else:
            page.send(reply, HTTPStatus.OK, _OPENING)

    def own_processes(self) -> Iterable[int]:
        """Return the process of the server, which computes nothing for a person."""
        return [self._server.pid] if self._server else []

    def rest(self, processes: Iterable[Process]) -> None:
        """End the server where nobody has looked for a while."""
        if self._server and self._runs(processes) and time.monotonic() - self._looked > _RESTS:
            self._end()

    def _runs(self, processes: Iterable[Process]) -> bool:
        server = self._server
        return server is not None and any((process.pid, process.started) == (server.pid, server.started) for process in processes)

    def _end(self) -> None:
        if self._server:
            os.kill(self._server.pid, signal.SIGTERM)
            self._server = None

    def _start(self) -> _Server | None:
        folder = self._home / event_logs.FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = {
            "spark.history.fs.logDirectory": folder.as_uri(),
            "spark.history.fs.update.interval": "5s",
            "spark.history.ui.port": "0",
            "spark.history.ui.maxApplications": str(event_logs.MOST_APPLICATIONS),
            "spark.ui.proxyBase": self._shown.base,
        }
        environ = {
            **self._environ,
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
            "SPARK_HISTORY_OPTS": " ".join(f'"-D{name}={value}"' for name, value in options.items()),
        }
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [str(Path(environ["SPARK_HOME"], "bin/spark-class")), "org.apache.spark.deploy.history.HistoryServer"],
                env=environ,
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        process.returncode = 0  # so that Popen never waits for it: the agent does, for all
        memory_order.take_before_agent(process.pid, memory_order.SERVES)
        began = tree.read(process.pid)
        return _Server(pid=process.pid, started=began.started, since=time.monotonic()) if began else None
