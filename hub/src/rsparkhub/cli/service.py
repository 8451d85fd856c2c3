"""`rsparkhub service …`: what shared services hold, backed up and restored."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rsparkhub.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from rspark_contract.reading import JsonObject
    from rsparkhub.factory import Factory
    from rsparkhub.services.base import AnyService

app = typer.Typer(
    name="service",
    help="Shared services: back up and restore their data.",
    no_args_is_help=True,
    rich_help_panel="This machine",
)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="The service, such as postgres.", show_default=False)]


@app.command()
def backup(
    name: _Name,
    file: Annotated[Path, typer.Argument(help="The file to write; one that is there is replaced.", show_default=False)],
) -> None:
    """Write all that a shared service holds, of all people, into one file.

    People may work meanwhile. A service that does not run is started first, for which RSparkHub must run.
    """
    from rsparkhub.controller.backup import back_up

    async def work(factory: "Factory", service: "AnyService", endpoint: "JsonObject") -> None:
        await back_up(service, endpoint, file.absolute(), now=_now())

    service = _with_service(name, work)
    say(f"{service.title} is backed up in {file} ({_size(file)}).")


@app.command()
def restore(
    name: _Name,
    file: Annotated[Path, typer.Argument(help="What `backup` wrote.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Restore a backup into a shared service: it replaces what is there now.

    Who may use it is what RSparkHub says now: people who were removed or disabled since stay so.
    """
    from rsparkhub.controller.backup import restore as restore_file
    from rsparkhub.installed.extensions import configured_services

    if not yes:
        typer.confirm(f"What {name} holds now is replaced. Restore {file}?", abort=True)

    async def work(factory: "Factory", service: "AnyService", endpoint: "JsonObject") -> None:
        await restore_file(factory.store, service, endpoint, file.absolute(), services=configured_services(factory.settings))

    service = _with_service(name, work)
    say(f"{service.title} holds what {file} has.")


def _with_service(name: str, work: "Callable[[Factory, AnyService, JsonObject], Awaitable[None]]") -> "AnyService":
    """Call `work` with a service that runs, and return the service."""
    from datetime import timedelta

    from rsparkhub.controller.backup import started_endpoint
    from rsparkhub.domain.errors import NotFound
    from rsparkhub.factory import Factory
    from rsparkhub.installed.extensions import configured_services
    from rsparkhub.installed.settings import load_settings

    settings = load_settings()
    services = configured_services(settings)
    if name not in services:
        raise NotFound(f"There is no service {name} in this version; choose one of {', '.join(services)}.")
    service = services[name]

    async def run() -> None:
        async with Factory(settings) as factory:
            endpoint = await started_endpoint(factory.store, service, clock=_now, within=timedelta(minutes=4))
            await work(factory, service, endpoint)

    asyncio.run(run())
    return service


def _now() -> "datetime":
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _size(file: Path) -> str:
    from rsparkhub.domain.quantity import ByteSize

    return str(ByteSize(file.stat().st_size))
