"""`rsparkhub group`: groups of people, which say who may start what."""

from typing import Annotated

import typer

from rsparkhub.cli.leaving import BECOMES, ArchiveOption, DataOption, read_archive, read_data
from rsparkhub.cli.output import AsJson, say
from rsparkhub.domain.user import Data

app = typer.Typer(name="group", help="Groups of people: they decide who may start what.", no_args_is_help=True)

_WHAT_BECOMES = {
    Data.KEEP: "Its database, folder and bucket are kept where they are, and open to nobody.",
    Data.ARCHIVE: "What it has on services is being written into the folder `archive` of the data folder, and then deleted.",
    Data.DELETE: "What it has on services is being deleted.",
}

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
def remove(name: Name, data: DataOption = None, as_json: AsJson = False) -> None:
    """Remove a group; its members stay. A later group of the same name gets nothing of it."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    becomes = read_data(data)
    ask(lambda hub: hub.groups.remove(name, data=becomes))
    if as_json:
        print_json({"removed": name, "data": becomes.value})
    else:
        say(f"The group {name} is removed. {_WHAT_BECOMES[becomes]}")


@app.command()
def removed(as_json: AsJson = False) -> None:
    """List which groups were removed and left something: databases, folders, buckets."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import ago, print_json, print_table

    found = ask(lambda hub: hub.groups.removed())
    if as_json:
        print_json({"removed": [each.model_dump(mode="json") for each in found]})
        return
    print_table(
        ["ID", "GROUP", "REMOVED", "LEFT", "WHAT BECOMES OF IT"],
        ([each.id, each.name, ago(each.removed), ", ".join(each.left), BECOMES[each.data]] for each in found),
        empty="Nothing is left of any group that was removed.",
    )


@app.command()
def discard(
    group: Annotated[str, typer.Argument(metavar="ID", help="Its id, as `removed` lists it.", show_default=False)],
    archive: ArchiveOption = None,
    as_json: AsJson = False,
) -> None:
    """Archive or delete what was kept of a group that was removed."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    becomes = read_archive(archive)
    left = ask(lambda hub: hub.groups.discard(group, data=becomes))
    if as_json:
        print_json(left.model_dump(mode="json"))
    else:
        say(f"{left.name}: {_WHAT_BECOMES[becomes]}")


def _tell(name: str, members: list[str], as_json: bool) -> None:
    from rsparkhub.cli.output import print_json

    if as_json:
        print_json({"name": name, "members": members})
    else:
        say(f"In {name}: {', '.join(members) or 'nobody'}.")
