"""`rsparkhub share`: whom your sessions let in, and what others share with you."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rsparkhub.cli.output import AsJson, say
from rsparkhub.domain.share import Role

if TYPE_CHECKING:
    from rsparkhub.wire.share import ShareView

app = typer.Typer(name="share", help="Sharing: whom your sessions let in, and what others share with you.", no_args_is_help=True)

Session = Annotated[str, typer.Argument(metavar="SESSION", help="The session's id.", show_default=False)]


@app.command()
def add(
    session: Session,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="With whom: a person, or with --group a group.", show_default=False)
    ],
    group: Annotated[bool, typer.Option("--group", help="With everybody in a group of yours, or with `everyone`.")] = False,
    role: Annotated[Role, typer.Option(help="A viewer looks; an editor works in it as you do, with your files.")] = Role.VIEWER,
    lasts: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="For how long: `2h`, `7d`.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let somebody into a session; who is in it already gets this role and this end."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json
    from rsparkhub.domain.quantity import parse_duration

    try:
        expires = None if lasts is None else datetime.now(UTC) + parse_duration(lasts)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error), param_hint="--for") from error
    kind: Literal["person", "group"] = "group" if group else "person"
    made = ask(lambda hub: hub.sessions.share(session, name, kind=kind, role=role, expires=expires))
    if as_json:
        print_json(made.model_dump(mode="json"))
        return
    until = f", until {made.expires:%Y-%m-%d %H:%M} UTC" if made.expires else ""
    say(f"{session} is shared with {_whom(made)}, as {made.role.in_words}{until}.")


@app.command("list")
def list_(
    session: Annotated[
        str | None, typer.Argument(metavar="SESSION", help="A session of yours; else what others share with you.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List whom a session lets in, or without one the sessions that others share with you."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json, print_table

    if session is None:
        shared = ask(lambda hub: hub.sessions.shared())
        if as_json:
            print_json({"sessions": [each.model_dump(mode="json") for each in shared]})
            return
        print_table(
            ["SESSION", "PERSON", "NAME", "STATE", "YOU ARE", "UNTIL"],
            ([s.session.id, s.session.owner, s.session.name, s.session.state, s.role, _until(s.expires)] for s in shared),
            empty="Nobody shares a session with you.",
        )
        return
    shares = ask(lambda hub: hub.sessions.shares(session))
    if as_json:
        print_json({"shares": [each.model_dump(mode="json") for each in shares]})
        return
    print_table(
        ["ID", "WITH", "ROLE", "UNTIL"],
        ([each.id, _whom(each), each.role, _until(each.expires)] for each in shares),
        empty=f"{session} is shared with nobody. `rsparkhub share add {session} NAME` lets somebody in.",
    )


@app.command()
def remove(
    session: Session,
    share: Annotated[str, typer.Argument(metavar="ID", help="The share's id.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Let somebody in no longer; what they have open ends."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    ask(lambda hub: hub.sessions.unshare(session, share))
    if as_json:
        print_json({"removed": share})
    else:
        say(f"The share {share} has ended.")


def _whom(share: "ShareView") -> str:
    return f"the group {share.name}" if share.kind == "group" else share.name


def _until(expires: datetime | None) -> str:
    return f"{expires:%Y-%m-%d %H:%M} UTC" if expires else ""
