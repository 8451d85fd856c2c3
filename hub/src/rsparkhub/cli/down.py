"""`rsparkhub down`: ends everything of a data folder, in order, and says what it ended.

A session that would lose something goes on, as it would if the hub were killed; then the shared services go on with it.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rsparkhub.cli.output import AsJson, say

if TYPE_CHECKING:
    from rsparkhub.backends.base import Backend
    from rsparkhub.controller.app import Controller
    from rsparkhub.domain.session import Session, Sleep, Wanted
    from rsparkhub.installation.data_folder import Held
    from rsparkhub.settings import Settings
    from rsparkhub.store import Store

_REASON = "RSparkHub was ended on this machine."
_LOOK_EVERY = 0.2  # seconds; the store's rows are read, since a notification is only a hint


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="This machine")(down)


def down(
    timeout: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long sessions may take to save.")] = 180,
    force: Annotated[bool, typer.Option("--force", help="End sessions also where something can't be kept; it is lost.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="End what computes, without asking; so it is where there is no terminal.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """End hub, controller and edge, put every session to sleep, and end the shared services.

    What sessions have in memory is saved, as by `rsparkhub session suspend --yes`. One that can't keep what it has goes on, with
    the shared services, and the exit code is 1.
    """
    import sys

    from rsparkhub.cli.output import print_json
    from rsparkhub.domain.session import Sleep
    from rsparkhub.installed.settings import load_settings

    settings = load_settings()
    if not (yes or force) and sys.stdin.isatty() and (computing := asyncio.run(_computing(settings))):
        typer.confirm(f"This ends what computes: {'; '.join(computing)}. Go on?", abort=True, err=True)
    ended = asyncio.run(_down(settings, timeout, Sleep.FORCED if force else Sleep.KEPT))
    if as_json:
        print_json(ended)
        raise typer.Exit(1 if ended["awake"] else 0)
    processes, sessions, services, killed = ended["processes"], ended["sessions"], ended["services"], ended["killed"]
    if processes:
        say(f"Ended: {', '.join(processes)}.")
    if sessions:
        say(f"Asleep, with the work kept: {', '.join(sessions)}.")
    for line in ended["computed"]:
        say(f"Ended with it: {line}.")
    if services:
        say(f"Ended shared services: {', '.join(services)}.")
    if killed:
        say(f"Ended by force, since nobody wanted them: {', '.join(killed)}.")
    for line in ended["awake"]:
        say(line)
    if ended["awake"]:
        say("It goes on running, with the shared services. `rsparkhub down --force` ends it all the same.")
        raise typer.Exit(1)
    if not any(ended.values()):
        say("Nothing was running.")


async def _computing(settings: "Settings") -> list[str]:
    """Return what computes now, session by session."""
    from rsparkhub.agents import AgentClient
    from rsparkhub.domain.session import State
    from rsparkhub.factory import Factory
    from rsparkhub.installation.data_folder import lock_file

    if settings.store_url is None and not lock_file(settings).exists():
        return []
    async with Factory(settings) as factory, contextlib.aclosing(AgentClient()) as agents:
        sessions = await factory.store.sessions.list(states=[State.RUNNING])
        found = await asyncio.gather(*(agents.computing(session) for session in sessions))
    return [
        f"{session.name} ({', '.join(busy_with) or 'something'})"
        for session, busy_with in zip(sessions, found, strict=True)
        if busy_with is not None
    ]


async def _down(settings: "Settings", timeout: float, sleep: "Sleep") -> dict[str, list[str]]:  # noqa: ASYNC109  told in a sentence
    from rsparkhub.installation.data_folder import check_backend, held, is_held, lock_file, prepare, read_holder

    nothing: dict[str, list[str]] = {
        "processes": [], "sessions": [], "computed": [], "awake": [], "services": [], "killed": [],
    }  # fmt: skip
    if not lock_file(settings).exists():
        if settings.store_url is None:  # nothing was ever here, and nothing is made
            return nothing
        prepare(settings)  # sessions are in a database elsewhere, as in a deployment
    check_backend(settings)
    before = read_holder(settings)
    processes = await _end_up(before) if is_held(settings) else []
    with held(settings):
        ended = await _end_ensembles(settings, timeout, sleep)
    return {**nothing, "processes": processes, **ended}


async def _end_up(before: "Held | None") -> list[str]:
    """End `rsparkhub up` and wait for it, then whatever it left."""
    from rsparkhub.installation.supervisor import end_processes

    if before is None:
        return []
    running = [name for name, process in before.processes.items() if process.alive()]
    await end_processes({"up": before.processes["up"]})
    await end_processes(before.processes)
    return [name for name in running if name != "up"]


async def _end_ensembles(settings: "Settings", timeout: float, sleep: "Sleep") -> dict[str, list[str]]:  # noqa: ASYNC109
    """Want every session asleep and every service ended, and let a controller make it so; then see that nothing is left."""
    from rsparkhub.domain.session import Wanted
    from rsparkhub.factory import Factory

    deadline = time.monotonic() + timeout
    async with Factory(settings) as factory:
        async with _at_work(factory.controller):
            sessions, awake = await _until_rest(factory.store, "session", Wanted.SUSPENDED, sleep, deadline)
            services = [] if awake else (await _until_rest(factory.store, "service", Wanted.STOPPED, sleep, deadline))[0]
        killed = [] if awake else await _kill_the_rest(factory.backend)
    return {
        "sessions": [f"{s.name} ({s.id})" for s in sessions],
        "computed": [f"{s.name}: {', '.join(s.last_exit.ended)}" for s in sessions if s.last_exit and s.last_exit.ended],
        "awake": [f"{s.name} ({s.id}) was {_lowered(s.reason)}" for s in awake],
        "services": [s.id for s in services],
        "killed": killed,
    }


@contextlib.asynccontextmanager
async def _at_work(controller: "Controller") -> AsyncIterator[None]:
    """Run a controller for a while."""
    stop = asyncio.Event()
    task = asyncio.create_task(controller.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def _until_rest(
    store: "Store", kind: "Literal['session', 'service']", wanted: "Wanted", sleep: "Sleep", deadline: float
) -> "tuple[list[Session], list[Session]]":
    """Want what runs to be something else, and wait until nothing of that kind runs, or refuses to sleep.

    Return what ended, and what stays awake, both as they are now.

    Raises
    ------
    TookTooLong
        When the time is over; what was asked for stays asked for.
    """
    from rsparkhub.domain.errors import TookTooLong
    from rsparkhub.domain.session import LIVE, State, Wanted

    def stays(session: "Session") -> bool:
        return kind == "session" and session.wanted is Wanted.RUNNING and session.state is State.RUNNING

    ran = await store.sessions.list(kind=kind, states=[*LIVE, State.QUEUED], with_deleted=True)
    for session in ran:
        if session.wanted is Wanted.RUNNING or (session.wanted is wanted and sleep.allows_more(session.sleep)):
            await store.sessions.set_wanted(session.id, wanted, by=None, sleep=sleep, reason=_REASON, now=datetime.now(UTC))
    if ran:
        say(f"Ending {len(ran)} {kind}{'s' if len(ran) > 1 else ''} …", error=True, flush=True)
    while True:
        there = await store.sessions.list(kind=kind, states=[*LIVE, State.QUEUED], with_deleted=True)
        left = [session for session in there if not stays(session)]
        if not left:
            break
        if time.monotonic() > deadline:
            names = ", ".join(f"{session.id} {session.state.in_words}" for session in left)
            raise TookTooLong(f"Not everything has ended in time: {names}. Call it again, or with a longer --timeout.")
        await asyncio.sleep(_LOOK_EVERY)
    awake = [session for session in there if stays(session)]
    kept = {session.id for session in awake}
    now = {session.id: session for session in await store.sessions.list(kind=kind, with_deleted=True)}
    return [now.get(session.id, session) for session in ran if session.id not in kept], awake


def _lowered(reason: str | None) -> str:
    return f"{reason[0].lower()}{reason[1:]}" if reason else "not put to sleep."


async def _kill_the_rest(backend: "Backend") -> list[str]:
    """End what still runs though no row knows of it, and name it."""
    killed = []
    for ref in await backend.list():
        if (await backend.observe(ref)).phase in {"starting", "up", "ending"}:
            await backend.kill(ref)
            killed.append(f"{ref.id}, generation {ref.generation}")
    return killed
