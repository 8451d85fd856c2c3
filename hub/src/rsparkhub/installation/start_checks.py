"""What must be there before RSparkHub starts: Caddy, its pages, a free port, free disk space. Quick enough for every start."""

import errno
import shutil
import socket
from pathlib import Path

import psutil

import rsparkhub
from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.domain.finding import Finding, ok, problem, warning
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.domain.requirements import Needs, Requirements
from rsparkhub.edge.process import find_caddy
from rsparkhub.installed.extensions import backend_of, interfaces, services
from rsparkhub.settings import Settings, checkout

LEAST_ROOM = ByteSize.parse("200Mi")
LITTLE_ROOM = ByteSize.parse("2Gi")


async def before_a_start(settings: Settings) -> list[Finding]:
    """Return all that a start needs, but for the port, which what is left of an earlier start may still hold."""
    return [room(settings.data), pages(), caddy(), *await backend_of(settings).check_start(settings, needs())]


def needs() -> Needs:
    """Return what interfaces and services need to be installed where sessions run, by their titles."""
    every = {each.title or each.name: each.requires for each in interfaces().values()}
    every |= {each.title: each.requires for each in services().values()}
    return {title: each for title, each in every.items() if each != Requirements()}


def room(data: Path) -> Finding:
    """Look at the room on the disk of the data folder, or of where it will be."""
    place = data.absolute()
    while not place.exists():
        place = place.parent
    free = ByteSize(shutil.disk_usage(place).free)
    text = f"{free / 2**30:.1f} GiB" if free >= 2**30 else f"{free / 2**20:.0f} MiB"
    if free < LEAST_ROOM:
        return problem("disk", f"Only {text} are free where {data} lies; RSparkHub needs {LEAST_ROOM}.", "Make room there.")
    if free < LITTLE_ROOM:
        return warning("disk", f"Only {text} are free where {data} lies.", "Make room before homes and databases fill it.")
    return ok("disk", f"{text} are free where {data} lies.")


def free_port(settings: Settings) -> Finding:
    """See whether the port can be had, by having it for a moment."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return problem("port", _no_port(settings, error), "Choose another one: `make up PORT=8001`, or `--port 8001`.")
    return ok("port", f"Port {settings.port} of {settings.host} is free.")


def _no_port(settings: Settings, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {settings.port} is in use{_by_whom(settings.port)}."
    if error.errno == errno.EACCES:
        return f"You may not use port {settings.port}; ports below 1024 are the system's."
    if isinstance(error, socket.gaierror):
        return f"The setting host is not an address of this machine: {settings.host}."
    return f"RSparkHub can't listen on {settings.host}, port {settings.port}: {error.strerror}."


def _by_whom(port: int) -> str:
    try:
        holders = {
            c.pid for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port
        }
        names = [f"{psutil.Process(pid).name()}, process {pid}" for pid in sorted(pid for pid in holders if pid)]
    except psutil.Error:  # others' connections are not shown to everybody
        return ""
    return f" ({names[0]})" if names else ""


def pages() -> Finding:
    folder = Path(rsparkhub.__file__).parent / "pages"
    if (folder / "index.html").is_file():
        return ok("pages", "The pages are built.")
    mend = "`make web` builds them." if checkout() else "Install the rsparkhub package again."
    return problem("pages", "The hub's pages are not built.", mend)


def caddy() -> Finding:
    try:
        return ok("caddy", f"Caddy is {find_caddy()}.")
    except InstallationProblem as error:
        return problem("caddy", str(error), "")
