"""`rsparkhub down`: ends everything of a data folder, in order, and says what it ended."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rsparkhub.cli.options import Data
from rsparkhub.cli.output import AsJson

if TYPE_CHECKING:
    from rsparkhub.backends.base import Backend
    from rsparkhub.controller.app import Controller
    from rsparkhub.domain.session import Session, Wanted
    from rsparkhub.installation.data_folder import Held
    from rsparkhub.settings import Settings
    from rsparkhub.store import Store

_REASON = "RSparkHub was ended on this machine."
_LOOK_EVERY = 0.2  # seconds; the store's rows are read, since a notification is only a hint


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="This machine")(down)


def down(
    data: Data = None,
    timeout: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long sessions may take to save.")] = 180,
    as_json: AsJson = False,
) -> None:
    """End hub, controller and edge, put every session to sleep, and end the shared services.

    What sessions have in memory is saved, as by `rsparkhub session suspend`.
    """
    from rsparkhub.cli.output import print_json
    from rsparkhub.installed.settings import load_settings

    ended = asyncio.run(_down(load_settings(data=data), timeout))
    if as_json:
        print_json(ended)
        return
    processes, sessions, services, killed = ended["processes"], ended["sessions"], ended["services"], ended["killed"]
    if processes:
        print(f"Ended: {', '.join(processes)}.")
    if sessions:
        print(f"Asleep, with the work kept: {', '.join(sessions)}.")
    if services:
        print(f"Ended shared services: {', '.join(services)}.")
    if killed:
        print(f"Ended by force, since nobody wanted them: {', '.join(killed)}.")
    if not any(ended.values()):
        print("Nothing was running.")


async def _down(settings: "Settings", timeout: float) -> dict[str, list[str]]:  # noqa: ASYNC109  told in a sentence
    from rsparkhub.installation.data_folder import check_backend, held, is_held, lock_file, prepare, read_holder

    nothing: dict[str, list[str]] = {"processes": [], "sessions": [], "services": [], "killed": []}
    if not lock_file(settings).exists():
        if settings.store_url is None:  # nothing was ever here, and nothing is made
            return nothing
        prepare(settings)  # sessions are in a database elsewhere, as in a deployment
    check_backend(settings)
    before = read_holder(settings)
    processes = await _end_up(before) if is_held(settings) else []
    with held(settings):
        ended = await _end_ensembles(settings, timeout)
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


async def _end_ensembles(settings: "Settings", timeout: float) -> dict[str, list[str]]:  # noqa: ASYNC109
    """Want every session asleep and every service ended, and let a controller make it so; then see that nothing is left."""
    from rsparkhub.domain.session import Wanted
    from rsparkhub.factory import Factory

    deadline = time.monotonic() + timeout
    async with Factory(settings) as factory:
        async with _at_work(factory.controller):
            sessions = await _until_rest(factory.store, "session", Wanted.SUSPENDED, deadline)
            services = await _until_rest(factory.store, "service", Wanted.STOPPED, deadline)
        killed = await _kill_the_rest(factory.backend)
    return {"sessions": [f"{s.name} ({s.id})" for s in sessions], "services": [s.id for s in services], "killed": killed}


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
    store: "Store", kind: "Literal['session', 'service']", wanted: "Wanted", deadline: float
) -> "list[Session]":
    """Want what runs to be something else, and wait until nothing of that kind runs; give what ran.

    Raises
    ------
    TookTooLong
        When the time is over; what was asked for stays asked for.
    """
    from rsparkhub.domain.errors import TookTooLong
    from rsparkhub.domain.session import LIVE, State, Wanted

    ran = await store.sessions.list(kind=kind, states=[*LIVE, State.QUEUED], with_deleted=True)
    for session in ran:
        if session.wanted is Wanted.RUNNING:
            await store.sessions.set_wanted(session.id, wanted, by=None, reason=_REASON, now=datetime.now(UTC))
    if ran:
        print(f"Ending {len(ran)} {kind}{'s' if len(ran) > 1 else ''} …", file=sys.stderr, flush=True)
    while left := await store.sessions.list(kind=kind, states=[*LIVE, State.QUEUED], with_deleted=True):
        if time.monotonic() > deadline:
            names = ", ".join(f"{session.id} is {session.state}" for session in left)
            raise TookTooLong(f"Not everything has ended in time: {names}. Call it again, or with a longer --timeout.")
        await asyncio.sleep(_LOOK_EVERY)
    return ran


async def _kill_the_rest(backend: "Backend") -> list[str]:
    """End what still runs though no row knows of it, and name it."""
    killed = []
    for ref in await backend.list():
        if (await backend.observe(ref)).phase in {"starting", "up", "ending"}:
            await backend.kill(ref)
            killed.append(f"{ref.id}, generation {ref.generation}")
    return killed
