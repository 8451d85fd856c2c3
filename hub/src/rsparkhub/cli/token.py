"""`rsparkhub token`: what lets programs in."""

from typing import Annotated

import typer

from rsparkhub.cli.output import AsJson, say
from rsparkhub.domain.scope import Scope

app = typer.Typer(name="token", help="API tokens: for your programs.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.", show_default=False)],
    days: Annotated[int | None, typer.Option(help="How many days it works; the hub's setting by default.", min=1)] = None,
    scopes: Annotated[
        list[Scope] | None,
        typer.Option(
            "--scope",
            help="What it may do; give it for each. "
            + " ".join(f"{scope}: {scope.in_words}." for scope in Scope)
            + " By default as much as you may.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API token of yours. It is shown this once."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    token = ask(lambda hub: hub.tokens.create(name, days=days, scopes=scopes))
    if as_json:
        print_json(token.model_dump(mode="json"))
    else:
        print(token.token)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List your tokens, without what makes them work."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import ago, print_json, print_table

    found = ask(lambda hub: hub.tokens.list())
    if as_json:
        print_json({"tokens": [token.model_dump(mode="json") for token in found]})
        return
    print_table(
        ["ID", "NAME", "SCOPES", "EXPIRES", "LAST USED"],
        ([t.id, t.name, ", ".join(t.scopes), f"{t.expires:%Y-%m-%d}" if t.expires else "", ago(t.last_used)] for t in found),
        empty="You have no token.",
    )


@app.command()
def remove(
    token: Annotated[str, typer.Argument(metavar="ID", help="The token's id.", show_default=False)], as_json: AsJson = False
) -> None:
    """Revoke a token: programs that use it are refused from now on."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    ask(lambda hub: hub.tokens.remove(token))
    if as_json:
        print_json({"removed": token})
    else:
        say(f"The token {token} no longer works.")
