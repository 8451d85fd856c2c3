"""`rsparkhub up`: all of RSparkHub on this machine, in one command."""

import asyncio
import os
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rsparkhub.backends.process.proc import Process
    from rsparkhub.installation.data_folder import Holder
    from rsparkhub.settings import Settings


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="This machine")(up)


def up(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port to listen on; 8000 by default.")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on; 127.0.0.1 by default.")] = None,
    backend: Annotated[
        str | None, typer.Option(help="Where sessions run: the name of a backend; process by default.", show_default=False)
    ] = None,
) -> None:
    """Start hub, controller and edge, and print a link that signs you in.

    Ctrl+C ends them and leaves sessions as they are; `rsparkhub down` ends everything.
    """
    _say("Starting RSparkHub; this takes some seconds.")  # before anything is read: what follows may take a while
    from rsparkhub.installed.settings import load_settings

    given = {"port": port, "host": host, "backend": backend}
    settings = load_settings(**given)
    # The children read their settings as they do in a deployment: from the environment.
    os.environ.update({f"RSPARKHUB_{name.upper()}": str(value) for name, value in given.items() if value is not None})
    asyncio.run(_up(settings))


async def _up(settings: "Settings") -> None:
    from rsparkhub.catalog import Catalog
    from rsparkhub.domain.finding import refuse_problems
    from rsparkhub.installation import start_checks
    from rsparkhub.installation.data_folder import check_backend, held, prepare, read_holder, refuse_second
    from rsparkhub.installation.supervisor import end_processes
    from rsparkhub.installed.schema import environment_schema_of

    # All that can be known before anything is written comes first.
    refuse_second(settings)
    check_backend(settings)
    Catalog(settings.environment_folders, environment_schema_of(settings)).check()
    before = read_holder(settings)
    findings = [*await start_checks.before_a_start(settings), *([] if before else [start_checks.free_port(settings)])]
    refuse_problems(findings)
    prepare(settings)
    with held(settings) as holder:
        if before and (left := await end_processes(before.processes)):
            _say(f"Ended what the last run left behind: {', '.join(left)}.")
        refuse_problems([start_checks.free_port(settings)])
        for finding in findings:
            if finding.level == "warning":
                _say(f"Note: {finding.sentence}")
        await _run(settings, holder)


async def _run(settings: "Settings", holder: "Holder") -> None:
    from rsparkhub.cli.first_sign_in import make_link, write_access
    from rsparkhub.domain.errors import InstallationProblem
    from rsparkhub.factory import Factory
    from rsparkhub.installation.checks import through_the_edge
    from rsparkhub.installation.data_folder import how_to_end
    from rsparkhub.installation.supervisor import Supervisor, own_command

    async with Factory(settings) as factory:
        link = await make_link(factory)
        await write_access(factory)

    def changed(marks: "Mapping[str, Process]") -> None:
        holder.tell(**marks)

    supervisor = Supervisor(
        commands={name: own_command(name) for name in ("hub", "controller", "edge")},
        logs=settings.log_dir,
        sockets=settings.socket_dir,
        tell=_say,
        changed=changed,
    )
    end_requested_at = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(sign, end_requested_at.set)
    await supervisor.start()
    try:
        await through_the_edge(settings)
        _say(
            f"RSparkHub runs; its data are in {settings.data.absolute()}. Open this link, which signs you in once:\n\n  {link}\n"
        )
        _say(f"Ctrl+C ends RSparkHub and leaves sessions running; {how_to_end(settings)} ends everything.")
        lost = await _until_asked_or_lost(end_requested_at, holder)
    finally:
        await supervisor.stop()
    if lost:
        raise InstallationProblem(
            f"The data folder {settings.data.absolute()} was removed or replaced while RSparkHub ran on it, so RSparkHub ended. "
            f"Put it back or start anew; {how_to_end(settings)} ends sessions that still run."
        )
    _say("Ended: edge, controller, hub. Sessions were left as they are.")


async def _until_asked_or_lost(asked: asyncio.Event, holder: "Holder") -> bool:
    """Wait for a signal or the loss of the data folder, and return whether it was the loss."""
    ways = [asyncio.create_task(asked.wait()), asyncio.create_task(holder.until_lost())]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
    return not asked.is_set()


def _say(line: str) -> None:
    print(line, flush=True)
