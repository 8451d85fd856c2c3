"""`rsparkhub user`: people."""

import asyncio
import sys
from typing import Annotated

import typer

from rsparkhub.cli.options import Data
from rsparkhub.cli.output import AsJson, say

app = typer.Typer(name="user", help="People: add, list, remove, sign in.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The person's name.", show_default=False)]


@app.command()
def add(
    name: Name,
    admin: Annotated[bool, typer.Option("--admin", help="Give them the rights of an administrator.")] = False,
    password: Annotated[bool, typer.Option("--password", help="Ask for a password (or read it from standard input).")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a person, and print a link that signs them in once."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json
    from rsparkhub.client import AsyncHub
    from rsparkhub.wire.users import SignInLink, UserView

    secret = _ask_password() if password else None

    async def work(hub: AsyncHub) -> tuple[UserView, SignInLink]:
        return await hub.users.add(name, admin=admin, password=secret), await hub.users.link(name)

    user, link = ask(work)
    if as_json:
        print_json({**user.model_dump(mode="json"), "link": link.url})
    else:
        say(f"{user.name} was added. This link signs them in once, until {link.expires:%Y-%m-%d %H:%M} UTC:\n\n  {link.url}\n")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List everybody."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import ago, print_json, print_table

    found = ask(lambda hub: hub.users.list())
    if as_json:
        print_json({"users": [user.model_dump(mode="json") for user in found]})
        return
    print_table(
        ["NAME", "RIGHTS", "GROUPS", "LAST SEEN", "PASSWORD"],
        (
            [u.name, "administrator" if u.admin else "", ", ".join(u.groups), ago(u.last_seen), "yes" if u.has_password else "no"]
            for u in found
        ),
        empty="There is nobody yet.",
    )


@app.command()
def remove(name: Name, as_json: AsJson = False) -> None:
    """Remove a person and their sessions; their home stays."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    ask(lambda hub: hub.users.remove(name))
    if as_json:
        print_json({"removed": name})
    else:
        say(f"{name} was removed. Their files were left where they are.")


@app.command()
def password(name: Name) -> None:
    """Set a person's password; it is asked for, or read from standard input."""
    from rsparkhub.cli.access import ask

    secret = _ask_password()
    ask(lambda hub: hub.users.set_password(name, secret))
    say(f"{name} has a new password.")


@app.command()
def link(
    name: Annotated[str | None, typer.Argument(help="The person's name; by default an administrator.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a link that signs a person in once.

    It works on the data folder itself, also while no hub runs and for who is locked out. Where there is no administrator
    yet, the first one is made.
    """
    from rsparkhub.cli.first_sign_in import make_link
    from rsparkhub.cli.output import print_json
    from rsparkhub.factory import Factory
    from rsparkhub.installation.data_folder import prepare
    from rsparkhub.installed.settings import load_settings

    settings = load_settings(data=data)
    prepare(settings)

    async def work() -> str:
        async with Factory(settings) as factory:
            return await make_link(factory, name)

    url = asyncio.run(work())
    if as_json:
        print_json({"url": url})
    else:
        print(url)


def _ask_password() -> str:
    """Ask twice on a terminal, else read one line."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\n")
