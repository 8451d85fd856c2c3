"""`rsparkhub group`: groups of people, which say who may start what."""

from typing import Annotated

import typer

from rsparkhub.cli.output import AsJson, say

app = typer.Typer(name="group", help="Groups of people, which say who may start what.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The group's name.", show_default=False)]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List all groups and who is in them."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json, print_table

    found = ask(lambda hub: hub.groups.list())
    if as_json:
        print_json({"groups": [group.model_dump(mode="json") for group in found]})
        return
    rows = ([group.name, ", ".join(group.members)] for group in found)
    print_table(["NAME", "MEMBERS"], rows, empty="There is no group. Everybody is in `everyone`, which needs no list.")


@app.command()
def add(
    name: Name, people: Annotated[list[str] | None, typer.Argument(help="Who is in it.")] = None, as_json: AsJson = False
) -> None:
    """Add a group."""
    from rsparkhub.cli.access import ask

    group = ask(lambda hub: hub.groups.add(name, people or ()))
    _tell(group.name, group.members, as_json)


@app.command("set")
def set_(
    name: Name,
    people: Annotated[list[str] | None, typer.Argument(help="Who is in it, and nobody else.")] = None,
    as_json: AsJson = False,
) -> None:
    """Set the members of a group."""
    from rsparkhub.cli.access import ask

    group = ask(lambda hub: hub.groups.set_members(name, people or ()))
    _tell(group.name, group.members, as_json)


@app.command()
def remove(name: Name, as_json: AsJson = False) -> None:
    """Remove a group; its members stay."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    ask(lambda hub: hub.groups.remove(name))
    if as_json:
        print_json({"removed": name})
    else:
        say(f"The group {name} is removed.")


def _tell(name: str, members: list[str], as_json: bool) -> None:
    from rsparkhub.cli.output import print_json

    if as_json:
        print_json({"name": name, "members": members})
    else:
        say(f"In {name}: {', '.join(members) or 'nobody'}.")
