"""Options that every command takes, before it, after it, or between its words."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

import rsparkhub

#: A command as Typer makes it, of whose classes only Typer knows where they are.
Command = Any


def use_data(data: Path) -> None:
    """Name the data folder where settings are read, as also the processes do that a command starts."""
    os.environ["RSPARKHUB_DATA"] = str(data)


def _take_data(context: typer.Context, data: Path | None) -> None:
    if data is not None and not context.resilient_parsing:
        use_data(data)


def _print_version(context: typer.Context, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        print(f"rsparkhub {rsparkhub.__version__}")
        raise typer.Exit


def _options(
    data: Annotated[
        Path | None,
        # Eager: it is said before what a command's own options do.
        typer.Option(callback=_take_data, is_eager=True, help="The data folder; $RSPARKHUB_DATA by default.", show_default=False),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Have the options, which are added to every command."""


def add_to_all(command: Command) -> Command:
    """Add the options to a command, and to all commands in it; one that a command has by itself is left as it is."""
    carrier = typer.Typer(add_completion=False)
    carrier.command()(_options)
    own = {word for parameter in command.params for word in parameter.opts}
    for option in typer.main.get_command(carrier).params:
        if own.isdisjoint(option.opts):
            option.expose_value = False
            command.params.append(option)
    for each in getattr(command, "commands", {}).values():
        add_to_all(each)
    return command
