"""What must be there before RSparkHub starts: programs, a free port, room on the disk. Quick enough for every start."""

import errno
import os
import shutil
import socket
from pathlib import Path

import psutil

import rsparkhub
from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.domain.finding import Finding, ok, problem, warning
from rsparkhub.domain.quantity import ByteSize
from rsparkhub.edge.process import find_caddy
from rsparkhub.settings import Settings, checkout

LEAST_ROOM = ByteSize.parse("200Mi")
LITTLE_ROOM = ByteSize.parse("2Gi")
OLDEST_JAVA = 17


def before_a_start(settings: Settings) -> list[Finding]:
    """Look at everything that a start needs, but for the port, which what is left of an earlier start may still hold."""
    findings = [room(settings.data), pages(), caddy(), backend(settings)]
    if settings.backend == "process":
        findings += [r(), java(), session_python(settings)]
    return findings


def again() -> str:
    """Return how what is missing gets installed: in a checkout by make, elsewhere by hand."""
    return "`make up` installs it." if checkout() else "Install it, then try again."


def backend(settings: Settings) -> Finding:
    if settings.backend == "process":
        return ok("backend", "Sessions run as processes of this machine.")
    if settings.backend == "kubernetes":
        return ok("backend", f"Sessions run as pods of a Kubernetes cluster, in {settings.kubernetes.namespace}.")
    return problem("backend", f"The backend {settings.backend} does not exist in this version.", "Use `--backend process`.")


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


def r() -> Finding:
    path = shutil.which("Rscript")
    if path is None:
        return problem("R", "R is missing: there is no Rscript on the path.", again())
    return ok("R", f"R is {path}.")


def java() -> Finding:
    """Find a Java that runs Spark, where a session finds it: by JAVA_HOME, else on the path."""
    home = find_java()
    if home is None:
        return problem("Java", "Java is missing: neither JAVA_HOME nor the path leads to one. Spark needs it.", again())
    version = java_version(home)
    if version is None:
        return ok("Java", f"Java is {home}; its version is not written there.")
    if version < OLDEST_JAVA:
        return problem("Java", f"The Java in {home} is version {version}; Spark needs {OLDEST_JAVA} or newer.", again())
    return ok("Java", f"Java {version} is {home}.")


def find_java() -> Path | None:
    named = os.environ.get("JAVA_HOME")
    if named and (Path(named) / "bin/java").is_file():
        return Path(named)
    on_path = shutil.which("java")
    return Path(on_path).resolve().parent.parent if on_path else None


def java_version(home: Path) -> int | None:
    """Read the version from the `release` file that each Java has."""
    try:
        lines = (home / "release").read_text().splitlines()
    except OSError:
        return None
    versions = [line.split('"')[1] for line in lines if line.startswith("JAVA_VERSION=")]
    numbers = versions[0].split(".") if versions else []
    return int(numbers[1] if numbers[0] == "1" else numbers[0]) if numbers else None


def session_python(settings: Settings) -> Finding:
    python = settings.python_of_sessions
    if not os.access(python, os.X_OK):
        return problem("session Python", f"The Python of sessions is missing: {python}.", again())
    return ok("session Python", f"Sessions run {python}.")
