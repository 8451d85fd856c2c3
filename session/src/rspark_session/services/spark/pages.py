"""The pages of Spark under `/s/<id>/spark/`: those of the drivers that run in this ensemble, and of no other.

A driver takes any free port for its pages, and writes which one (`session/driver/Announcement.scala`). Nobody knocks at its other
ports: there are servers that speak no HTTP, and a gateway of sparklyr takes the first who comes for its client.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote

from rspark_contract import reading
from rspark_contract.reading import Fields, Unreadable
from rspark_session.processes import ports
from rspark_session.processes.tree import Process, command_line
from rspark_session.proxy import head, page
from rspark_session.proxy.fetch import fetch
from rspark_session.proxy.server import Reply, Request
from rspark_session.services.spark.showing import ShownServer

_MOST_BYTES = 2**22
_MOST_JOBS = 1000
_DESCRIPTION = 100  # letters of it that a person is shown
_GATEWAYS = frozenset({"pyspark-shell", "sparkr-shell"})  # what a driver is started with by Python, or by R
_CHOICE = "rspark-spark"  # the cookie that says which of several applications is shown

#: What the forms on Spark's pages carry from 4.3 on, without which nothing is ended.
_TOKEN = re.compile(rb'name="csrfToken" value="([^"]{1,200})"')
_NOTHING = page.html(
    "No Spark application is running",
    "<p>Spark's pages are here while a session uses Spark. Start it in R with <code>rspark::spark()</code>, or in Python "
    "with <code>SparkSession.builder.getOrCreate()</code>; then this page shows its jobs.</p>"
    '<p>The jobs of before are among <a href="past/">those of the past</a>.</p>',
    refresh=5,
)


@dataclass(frozen=True, kw_only=True)
class Application:
    """A running driver and where its pages are."""

    id: str
    name: str
    port: int
    is_served: bool  # whether it runs what a kernel or another program asks of it, and nothing of its own


class SparkPages:
    """Finds the drivers of the ensemble, names what they compute, and shows their pages under the path `base`.

    `drivers` is the folder where they write where their pages are.
    """

    def __init__(self, *, base: str, drivers: Path, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        self._base = base
        self._shown = ShownServer(base=base, headers=headers)
        self._headers = headers  # with which drivers let us see their pages
        self._drivers = drivers
        self._known: dict[tuple[int, int], Application] = {}

    def find(self, processes: Iterable[Process]) -> list[Application]:
        """Return the applications that run now."""
        java = {(process.pid, process.started): process.pid for process in processes if process.name == "java"}
        self._known = {process: found for process, found in self._known.items() if process in java}
        unknown = {process: pid for process, pid in java.items() if process not in self._known}
        announced = {process: found for process, pid in unknown.items() if (found := self._announced(pid))}
        if announced:  # a file may be left of another process of this number, or say what it likes
            listening = ports.listening([pid for pid, _ in announced])
            self._known |= {process: found for process, found in announced.items() if found.port in listening[process[0]]}
        return list(self._known.values())

    def serving(self, processes: Iterable[Process]) -> list[int]:
        """Return the pids of the drivers that run what somebody else asks of them."""
        self.find(processes)
        return [pid for (pid, _), application in self._known.items() if application.is_served]

    async def busy_with(self, processes: Iterable[Process]) -> list[str]:
        """Return the applications that have running jobs, each with what the first of them that has a name is called."""
        busy = []
        for application in self.find(processes):
            answer = await fetch(
                "127.0.0.1",
                application.port,
                f"/api/v1/applications/{quote(application.id)}/jobs?status=running",
                headers=self._headers,
            )
            if answer and answer[0] == HTTPStatus.OK and (jobs := _jobs(answer[1])):
                name = next(filter(None, jobs), "")
                busy.append(f"Spark, {application.name}" + (f": {name}" if name else ""))
        return busy

    async def answer(self, request: Request, reply: Reply, path: str, processes: Iterable[Process]) -> None:
        """Answer a request below the base; `path` is what follows it."""
        applications = self.find(processes)
        if path == "":
            self._shown.redirect(reply, "/")
            return
        if not applications:
            page.send(reply, HTTPStatus.NOT_FOUND, _NOTHING)
            return
        if path == "/" and (asked := parse_qs(request.query).get("application")):
            self._shown.redirect(reply, "/jobs/", (b"set-cookie", self._cookie(asked[0])))
            return
        application = _chosen(request, applications)
        if _kills(path) and request.method != b"POST":
            page.send(reply, HTTPStatus.OK, await self._end(application or applications[-1]))
            return
        if application is None and path == "/":
            page.send(reply, HTTPStatus.OK, self._choice(applications))
            return
        await self._shown.show(request, reply, port=(application or applications[-1]).port, path=path)

    async def _end(self, application: Application) -> bytes:
        """Return the page that asks whether to end a job, with what the driver wants to be sent back."""
        jobs = await fetch("127.0.0.1", application.port, "/jobs/", headers=self._headers)
        token = _TOKEN.search(jobs[1]) if jobs else None
        sent = f'<input type="hidden" name="csrfToken" value="{escape(token[1].decode("latin-1"))}">' if token else ""
        return page.html(
            "This ends what computes",
            "<p>A job that is ended has no result, and what waits for it gets an error.</p>"
            f'<form method="post">{sent}<button>End it</button></form>',
        )

    def _cookie(self, application: str) -> bytes:
        return f"{_CHOICE}={quote(application)}; Path={self._base}; HttpOnly; SameSite=Lax".encode()

    def _choice(self, applications: list[Application]) -> bytes:
        links = "".join(
            f'<li><a href="{self._base}/?application={quote(application.id)}">{escape(application.name)}</a> '
            f"<code>{escape(application.id)}</code></li>"
            for application in applications
        )
        past = f'<p>Those that have ended are among <a href="{self._base}/past/">those of the past</a>.</p>'
        return page.html("Spark applications of this session", f"<ul>{links}</ul>{past}")

    def _announced(self, pid: int) -> Application | None:
        """Return the application of which a process wrote; None where it wrote nothing, or nothing that can be read."""
        try:
            fields = Fields(reading.decode((self._drivers / f"{pid}.json").read_bytes(), most=_MOST_BYTES))
            return Application(
                id=fields.required("id", reading.text(200)),
                name=fields.required("name", reading.text(200)),
                port=fields.required("port", reading.integer(1, 65535)),
                is_served=not _GATEWAYS.isdisjoint(command_line(pid)),
            )
        except (OSError, Unreadable):
            return None


def _kills(path: str) -> bool:
    """Return whether Spark would end a job or a stage at this path, also where it is only read: its own links do so.

    Who may only look at the session can read, so here it takes a POST. Spark reads a path without escapes and parameters.
    """
    return any(segment.partition(";")[0] == "kill" for segment in unquote(path).split("/"))


def _jobs(answer: bytes) -> list[str]:
    """Return what the running jobs are called, the one that began first before all; empty for one that has no description."""
    try:
        jobs = reading.items(_description, most=_MOST_JOBS)(reading.decode(answer, most=_MOST_BYTES))
    except Unreadable:
        return []
    return list(reversed(jobs))


def _description(job: object) -> str:
    return Fields(job).get("description", reading.text(_DESCRIPTION), "")


def _chosen(request: Request, applications: list[Application]) -> Application | None:
    if len(applications) == 1:
        return applications[0]
    for cookie in (head.get(request.headers, b"cookie") or b"").decode("latin-1").split(";"):
        name, _, value = cookie.strip().partition("=")
        if name == _CHOICE:
            return next((found for found in applications if found.id == unquote(value)), None)
    return None
