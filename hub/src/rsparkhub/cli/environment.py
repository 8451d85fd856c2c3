"""`rsparkhub environment`: the catalog."""

from pathlib import Path
from typing import Annotated

import typer

from rsparkhub.cli.output import AsJson, say

app = typer.Typer(name="environment", help="The catalog: what may be started.", no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the environments that you may start."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json, print_table, size

    found = ask(lambda hub: hub.environments.list())
    if as_json:
        print_json({"environments": [environment.model_dump(mode="json") for environment in found]})
        return
    print_table(
        ["NAME", "TITLE", "INTERFACE", "KERNELS", "SERVICES", "CPU", "MEMORY"],
        (
            [
                e.name,
                e.title,
                e.interface,
                ", ".join(e.kernels),
                ", ".join(e.services),
                f"{e.resources.cpu:g}",
                size(e.resources.memory),
            ]
            for e in found
        ),
        empty="There is no environment that you may start.",
    )
    for environment in found:
        if environment.unavailable:
            say(f"{environment.name} can't be started: {environment.unavailable}")
        if environment.hidden:
            say(f"{environment.name} is hidden: the page where people start sessions leaves it out.")


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Environment files.", show_default=False)], as_json: AsJson = False
) -> None:
    """Check environment files, without a hub; the exit code is 1 when one is not right."""
    from rsparkhub.catalog import read_environment
    from rsparkhub.cli.exit_codes import ExitCode
    from rsparkhub.cli.output import print_json
    from rsparkhub.domain.errors import EnvironmentInvalid
    from rsparkhub.installed.schema import environment_schema

    schema = environment_schema()
    checked: list[dict[str, object]] = []
    for file in files:
        try:
            name = read_environment(file, schema).name
            checked.append({"file": str(file), "ok": True, "name": name, "problem": None})
        except EnvironmentInvalid as error:
            checked.append({"file": str(file), "ok": False, "name": None, "problem": str(error)})
    if as_json:
        print_json({"files": checked})
    else:
        for one in checked:
            if one["ok"]:
                say(f"{one['file']}: the environment {one['name']} is right.")
            else:
                typer.echo(f"rsparkhub: {one['problem']}", err=True)
    if not all(one["ok"] for one in checked):
        raise typer.Exit(ExitCode.FAILED)


@app.command()
def build(name: Annotated[str, typer.Argument(help="The environment's name.", show_default=False)]) -> None:
    """Build an environment's image: not in this version; `make images` builds those of the project."""
    from rsparkhub.domain.errors import Conflict

    raise Conflict(
        f"The environment {name} has nothing to build an image from: in this version it only names one. "
        "`make images` builds those of the project."
    )
