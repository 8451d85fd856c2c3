"""`rsparkhub hub`, `controller` and `edge`: the processes of `up`, one by one, for deployments.

Their settings come from `RSPARKHUB_…` variables and `settings.yaml`.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rsparkhub.factory import Factory
    from rsparkhub.settings import Settings


def add_to(app: typer.Typer) -> None:
    for command in (hub, controller, edge):
        app.command(rich_help_panel="The parts of `up`, for deployments")(command)


def hub() -> None:
    """Run the hub: the API, the pages, and the edge's forward auth."""
    import uvloop

    _run(_hub, loop_factory=uvloop.new_event_loop)  # the edge asks it on many requests


def controller() -> None:
    """Run the controller: it makes what runs equal what is wanted."""
    import uvloop

    _run(_controller, loop_factory=uvloop.new_event_loop)


def edge() -> None:
    """Run the edge: Caddy, the one way in to the hub and to sessions."""
    _run(_edge, names_left_out=False)  # it uses none of what can be left out, and to know would load the database's client


def _run(
    part: "Callable[[Settings, asyncio.Event], Awaitable[None]]",
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    names_left_out: bool = True,
) -> None:
    from rsparkhub.installation.supervised import end_with_parent

    end_with_parent()
    from rsparkhub import log_context
    from rsparkhub.file_limit import raise_file_limit

    raise_file_limit()
    from rsparkhub.installation.data_folder import prepare
    from rsparkhub.installed.settings import load_settings

    settings = load_settings()
    prepare(settings)
    log_context.configure(level=settings.log_level, form=settings.log_format)
    if names_left_out:
        from rsparkhub.installed.left_out import problems

        for sentence in problems():
            logging.getLogger(__name__).error("%s", sentence)
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(_until_told(part, settings))


async def _until_told(part: "Callable[[Settings, asyncio.Event], Awaitable[None]]", settings: "Settings") -> None:
    """Run a part until SIGTERM or SIGINT asks it to stop."""
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    await part(settings, stop)


async def opened(stack: contextlib.AsyncExitStack, settings: "Settings", *, seconds: float = 60, pause: float = 1) -> "Factory":
    """Open the store; one that doesn't answer yet is waited for, since in a deployment it may start with us.

    Raises
    ------
    Unavailable
        When it doesn't answer within the time.
    """
    from rsparkhub.domain.errors import Unavailable
    from rsparkhub.factory import Factory

    deadline = time.monotonic() + seconds
    while True:
        try:
            return await stack.enter_async_context(Factory(settings))
        except Unavailable as error:
            if time.monotonic() > deadline:
                raise
            logging.getLogger(__name__).warning("Waiting for the database: %s", error)
        await asyncio.sleep(pause)  # a condition with a deadline: the database is asked


async def _hub(settings: "Settings", stop: asyncio.Event) -> None:
    from rsparkhub.api import Server
    from rsparkhub.auth.forward_auth_server import serving_forward_auth
    from rsparkhub.domain.errors import InstallationProblem
    from rsparkhub.installation.supervised import say_ready

    class TellingServer(Server):
        """Says that the hub is ready when it is."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                say_ready()

    async with contextlib.AsyncExitStack() as stack:
        factory = await opened(stack, settings)
        server = TellingServer(factory.app, log_level=settings.log_level, largest_file=settings.course_room.file)
        with contextlib.closing(_bound(settings.socket_dir / "hub.sock")) as listening:
            async with serving_forward_auth(
                store=factory.store,
                authenticator=factory.authenticator,
                settings=settings,
                for_visitors=factory.catalog.is_for_visitors,
                viewable=factory.catalog.is_viewable,
            ):
                serving = asyncio.create_task(server.serve(sockets=[listening]))
                await asyncio.wait((serving, asyncio.create_task(stop.wait())), return_when=asyncio.FIRST_COMPLETED)
                server.should_exit = True
                await serving
        if not server.started:
            raise InstallationProblem("The hub could not start: what it said before this line tells why.")


def _bound(path: Path) -> socket.socket:
    """Listen on a Unix socket; who connects finds the old one or the new one, and never none."""
    fresh = path.with_name(f".{path.name}")
    fresh.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(fresh))
    listening.listen(1024)
    fresh.replace(path)
    return listening


async def _controller(settings: "Settings", stop: asyncio.Event) -> None:
    from rsparkhub.installation.supervised import say_ready

    async with contextlib.AsyncExitStack() as stack:
        factory = await opened(stack, settings)
        say_ready()
        await factory.controller.run(stop)


async def _edge(settings: "Settings", stop: asyncio.Event) -> None:
    from rsparkhub.edge.process import running_edge
    from rsparkhub.installation.supervised import say_ready

    async with running_edge(settings):
        say_ready()
        await stop.wait()
