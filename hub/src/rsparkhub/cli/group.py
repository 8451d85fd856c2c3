"""`rsparkhub group`: groups of people, which say who may start what."""

from typing import Annotated

import typer

from rsparkhub.cli.leaving import BECOMES, ArchiveOption, DataOption, read_archive, read_data
from rsparkhub.cli.output import AsJson, say
from rsparkhub.cli.people_list import CheckOption, LinksOption, add_list
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
    rows = ([group.name, ", ".join(group.members), ", ".join(group.instructors)] for group in found)
    print_table(
        ["NAME", "MEMBERS", "INSTRUCTORS"], rows, empty="There is no group. Everybody is in `everyone`, which needs no list."
    )


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
def instructors(
    name: Name,
    people: Annotated[list[str] | None, typer.Argument(help="Its instructors, and nobody else; they are in it too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Set the instructors of a group; without anybody it has none."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    group = ask(lambda hub: hub.groups.set_instructors(name, people or ()))
    if as_json:
        print_json(group.model_dump(mode="json"))
    else:
        say(f"Instructors of {name}: {', '.join(group.instructors) or 'nobody'}.")


@app.command()
def rule(
    name: Name,
    view: Annotated[
        bool | None,
        typer.Option(
            "--view/--no-view", help="Whether its instructors look into the sessions of the others.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set the rule of a group, or show it: whether its instructors look into sessions, read-only. Its people are told."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    if view is None:
        look = ask(lambda hub: hub.groups.get(name)).instructors_view
    else:
        look = ask(lambda hub: hub.groups.set_rule(name, instructors_view=view)).instructors_view
    if as_json:
        print_json({"name": name, "instructors_view": look})
    else:
        say(f"Instructors of {name} {'look' if look else 'do not look'} into the sessions of the others in it.")


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show who is in a group of yours, and their sessions; for its instructors."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import ago, print_json, print_table

    group = ask(lambda hub: hub.groups.get(name))
    sessions = ask(lambda hub: hub.groups.sessions(name))
    if as_json:
        print_json(group.model_dump(mode="json") | {"sessions": [each.model_dump(mode="json") for each in sessions]})
        return
    print_table(
        ["NAME", "FULL NAME", "ROLE", "LAST SEEN", "HAND-INS"],
        (
            [p.name, p.full_name or "", "instructor" if p.instructor else "", ago(p.last_seen), str(p.hand_ins or "")]
            for p in group.people
        ),
        empty="Nobody is in it.",
    )
    say("")
    print_table(
        ["SESSION", "PERSON", "NAME", "STATE", "WHY"],
        ([each.id, each.owner, each.name, each.state, each.reason or ""] for each in sessions),
        empty="Nobody in it has a session.",
    )


@app.command()
def join(
    name: Name,
    people: Annotated[list[str], typer.Argument(help="Who is to come into it; they are here already.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Put people who are here into a group; instructors may where the setting `instructors_add` says so."""
    from rsparkhub.cli.access import ask

    group = ask(lambda hub: hub.groups.join(name, people))
    _tell(group.name, [each.name for each in group.people], as_json)


@app.command("import")
def import_(
    name: Name,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The list: name, full name, e-mail. `-` reads it here.", show_default=False)
    ],
    links: LinksOption = None,
    check: CheckOption = False,
    as_json: AsJson = False,
) -> None:
    """Add new people to a group at once; its instructors may. Where a line is wrong, nobody is added."""
    add_list(file, lambda hub, text: hub.groups.add_all(name, text, check=check), links=links, check=check, as_json=as_json)


@app.command()
def announce(
    name: Name,
    text: Annotated[str | None, typer.Argument(help="What it is told; without it, nothing any more.")] = None,
    environment: Annotated[
        str | None, typer.Option(metavar="NAME", help="Hands out work: the environment that it starts.", show_default=False)
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="SOURCE", help="A Git address, or a template.", show_default=False),
    ] = None,
    document: Annotated[str | None, typer.Option("--open", metavar="PATH", help="What opens.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Tell a group something, and hand out work with it."""
    from pydantic import ValidationError

    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json
    from rsparkhub.domain.errors import InvalidInput
    from rsparkhub.wire.handout import NewLink

    if (environment is None) != (source is None):
        raise typer.BadParameter("Work is handed out with both --environment and --from.", param_hint="--from")
    try:
        work = None if environment is None else NewLink(environment=environment, source=source or "", document=document)
    except ValidationError as error:
        raise InvalidInput(f"This work can't be handed out: {error.errors()[0]['msg']}.") from None
    group = ask(lambda hub: hub.groups.announce(name, text, work=work))
    if as_json:
        print_json(group.model_dump(mode="json"))
    else:
        say(f"{name} is told: {group.announcement.text}" if group.announcement else f"{name} is told nothing.")


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
