"""The slower looks of `rsparkhub doctor`: each starts what it asks about, or asks what runs."""

import asyncio
import os
import platform
import stat
import time
from collections.abc import Awaitable, Callable
from itertools import chain

import rsparkhub
from rsparkhub.domain.errors import InstallationProblem
from rsparkhub.domain.finding import Finding, ok, problem, warning
from rsparkhub.edge.process import find_caddy
from rsparkhub.installation import start_checks
from rsparkhub.installation.data_folder import is_closed, is_held, read_holder
from rsparkhub.installed.extensions import backend_of
from rsparkhub.installed.left_out import problems
from rsparkhub.installed.sign_in import ways_to_sign_in
from rsparkhub.programs import output_of
from rsparkhub.settings import Settings

_BUILT_AFTER = 1_760_000_000  # October 2025: this software did not exist before


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything that needs neither the store nor the backend."""
    running, definition = is_held(settings), backend_of(settings)
    looks: list[Callable[[], Awaitable[Finding]]] = [
        lambda: _now(python()),
        lambda: _now(clock(time.time())),
        lambda: _now(start_checks.room(settings.data)),
        lambda: _now(permissions(settings)),
        lambda: _now(start_checks.pages()),
        caddy,
        lambda: _now(ok("backend", definition.describe(settings))),
    ]
    looks += [lambda: _now(processes(settings)), lambda: answers(settings)] if running else []
    looks += [] if running else [lambda: _now(start_checks.free_port(settings))]
    found = list(await asyncio.gather(*(look() for look in looks)))
    ways = await asyncio.gather(*(way.examine(settings) for way in ways_to_sign_in().values()))
    return [*found, *extensions(), *await definition.examine(settings, start_checks.needs()), *chain.from_iterable(ways)]


def extensions() -> list[Finding]:
    """Return what of other packages was left out."""
    return [problem("packages", sentence, "") for sentence in problems()]


async def _now(finding: Finding) -> Finding:
    return finding


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
    passed = os.geteuid() == 0 and stat.S_IMODE(data.stat().st_mode) == 0o711  # people's accounts, to their homes
    if not passed and not is_closed(data):
        return warning("data folder", f"Others may look into {data}.", f"Run: chmod 700 {data}.")
    return ok("data folder", f"{data} is yours alone.")


async def caddy() -> Finding:
    if (finding := start_checks.caddy()).level != "ok":
        return finding
    code, said = await output_of(str(find_caddy()), "version")
    if code:
        return problem("caddy", f"Caddy does not run: {said}.", f"Build it again: `scripts/build-go edge {find_caddy()}`.")
    return ok("caddy", f"Caddy {said.split()[0].lstrip('v')}.")


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
        await through_the_edge(running)
    except InstallationProblem as error:
        return problem("edge", str(error), "")
    return ok("edge", f"The hub answers at {held.url if held else settings.url}.")


async def through_the_edge(settings: Settings) -> None:
    """Ask the hub something through the edge, as a browser would.

    Raises
    ------
    InstallationProblem
        When it isn't the hub that answers.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  reached by any of ours
    try:
        async with asyncio.timeout(10):
            status = await _status_of(host, settings.port)
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
