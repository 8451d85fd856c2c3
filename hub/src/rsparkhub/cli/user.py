"""`rsparkhub user`: people."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from rsparkhub.cli.leaving import BECOMES, ArchiveOption, DataOption, read_archive, read_data
from rsparkhub.cli.output import AsJson, say
from rsparkhub.cli.people_list import CheckOption, LinksOption, add_list
from rsparkhub.domain.user import Data

if TYPE_CHECKING:
    from rsparkhub.wire.users import UserView

app = typer.Typer(name="user", help="People: add, list, disable, remove, sign in and out.", no_args_is_help=True)

_WHAT_BECOMES = {
    Data.KEEP: "Their home and databases are kept where they are, and open to nobody.",
    Data.ARCHIVE: "Their home and databases are being written into the folder `archive` of the data folder, and then deleted.",
    Data.DELETE: "Their home and databases are being deleted.",
}

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
        say(f"{user.name} is added. This link signs them in once, until {link.expires:%Y-%m-%d %H:%M} UTC:\n\n  {link.url}\n")
        warn_of_localhost(link.url)


@app.command("import")
def import_(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="The list: name, full name, e-mail, group, role. `-` reads it here.", show_default=False
        ),
    ],
    links: LinksOption = None,
    check: CheckOption = False,
    as_json: AsJson = False,
) -> None:
    """Add a class at once. Where a line is wrong, nobody is added, and the line is named."""
    add_list(file, lambda hub, text: hub.users.add_all(text, check=check), links=links, check=check, as_json=as_json)


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
        ([u.name, _rights(u), ", ".join(u.groups), ago(u.last_seen), "yes" if u.has_password else "no"] for u in found),
        empty="There is nobody yet.",
    )


@app.command()
def remove(
    name: Name,
    data: DataOption = None,
    as_json: AsJson = False,
) -> None:
    """Remove a person and their sessions. A later person of the same name gets nothing of theirs."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    becomes = read_data(data)
    ask(lambda hub: hub.users.remove(name, data=becomes))
    if as_json:
        print_json({"removed": name, "data": becomes.value})
    else:
        say(f"{name} is removed. {_WHAT_BECOMES[becomes]}")


@app.command()
def removed(as_json: AsJson = False) -> None:
    """List who was removed and left something: a home, data on services."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import ago, print_json, print_table

    found = ask(lambda hub: hub.users.removed())
    if as_json:
        print_json({"removed": [each.model_dump(mode="json") for each in found]})
        return
    print_table(
        ["ID", "WHO", "REMOVED", "LEFT", "WHAT BECOMES OF IT"],
        ([each.id, each.name, ago(each.removed), ", ".join(each.left), BECOMES[each.data]] for each in found),
        empty="Nothing is left of anybody who was removed.",
    )


@app.command()
def discard(
    person: Annotated[str, typer.Argument(metavar="ID", help="Their id, as `removed` lists it.", show_default=False)],
    archive: ArchiveOption = None,
    as_json: AsJson = False,
) -> None:
    """Archive or delete what was kept of somebody who was removed."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    becomes = read_archive(archive)
    left = ask(lambda hub: hub.users.discard(person, data=becomes))
    if as_json:
        print_json(left.model_dump(mode="json"))
    else:
        say(f"{left.name}: {_WHAT_BECOMES[becomes]}")


@app.command()
def disable(name: Name, as_json: AsJson = False) -> None:
    """Let a person sign in no more: browsers are signed out, tokens rest, sessions are put to sleep, databases are closed."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    user = ask(lambda hub: hub.users.disable(name))
    if as_json:
        print_json(user.model_dump(mode="json"))
    else:
        say(f"{name} is disabled. Sessions go to sleep, and all is kept until `rsparkhub user enable {name}`.")


@app.command()
def enable(name: Name, as_json: AsJson = False) -> None:
    """Let a person who was disabled sign in again."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json

    user = ask(lambda hub: hub.users.enable(name))
    if as_json:
        print_json(user.model_dump(mode="json"))
    else:
        say(f"{name} may sign in again; tokens and databases work, sessions can be woken.")


@app.command()
def access(name: Name, as_json: AsJson = False) -> None:
    """List the browsers in which a person is signed in, and their tokens."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import ago, print_json, print_table
    from rsparkhub.client import AsyncHub
    from rsparkhub.wire.users import BrowserView, TokenView

    async def work(hub: AsyncHub) -> tuple[list[BrowserView], list[TokenView]]:
        return await hub.users.browsers(name), await hub.users.tokens(name)

    browsers, tokens = ask(work)
    if as_json:
        print_json({
            "browsers": [browser.model_dump(mode="json") for browser in browsers],
            "tokens": [token.model_dump(mode="json") for token in tokens],
        })  # fmt: skip
        return
    print_table(
        ["ID", "WHAT", "SINCE", "LAST USED", "EXPIRES"],
        [
            *([b.id, "browser", ago(b.created), "", f"{b.expires:%Y-%m-%d}"] for b in browsers),
            *(
                [
                    t.id,
                    f"token: {t.name} ({', '.join(t.scopes)})",
                    ago(t.created),
                    ago(t.last_used),
                    f"{t.expires:%Y-%m-%d}" if t.expires else "",
                ]
                for t in tokens
            ),
        ],
        empty=f"{name} is signed in nowhere, and has no token.",
    )


@app.command()
def revoke(
    name: Name,
    which: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Ids, as `access` lists them.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All browsers and all tokens.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sign browsers of a person out, and end tokens of theirs, with what they have open."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.output import print_json
    from rsparkhub.client import AsyncHub

    if bool(which) == everything:
        raise typer.BadParameter("Name the ids that `rsparkhub user access` lists, or say --all.")

    async def work(hub: AsyncHub) -> list[str]:
        ids = list(which or ())
        if everything:
            ids = [*(b.id for b in await hub.users.browsers(name)), *(t.id for t in await hub.users.tokens(name))]
        for one in ids:
            await (hub.users.sign_out(name, one) if one.startswith("l") else hub.users.end_token(name, one))
        return ids

    ended = ask(work)
    if as_json:
        print_json({"revoked": ended})
    else:
        say(f"Ended: {', '.join(ended) or 'nothing, since there was nothing'}.")


@app.command()
def password(
    name: Name,
    end_tokens: Annotated[
        bool | None,
        typer.Option("--end-tokens/--keep-tokens", help="Whether their API tokens end too; asked on a terminal, else kept."),
    ] = None,
) -> None:
    """Set a person's password; it is asked for, or read from standard input. It signs their browsers out."""
    from rsparkhub.cli.access import ask
    from rsparkhub.client import AsyncHub

    secret = _ask_password()
    tokens = ask(lambda hub: hub.users.tokens(name))
    if end_tokens is None:
        end_tokens = bool(tokens) and sys.stdin.isatty() and typer.confirm(f"End the API tokens of {name} too?", err=True)
    ends = end_tokens

    async def work(hub: AsyncHub) -> None:
        await hub.users.set_password(name, secret, end_tokens=ends)

    ask(work)
    kept = "" if ends or not tokens else f" API tokens that still work: {len(tokens)}; `rsparkhub user revoke` ends them."
    say(f"{name} has a new password; browsers are signed out.{kept}")


@app.command()
def link(
    name: Annotated[str | None, typer.Argument(help="The person's name; by default an administrator.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a link that signs a person in once.

    It works on the data folder itself, also while no hub runs and for who is locked out. Where there is no administrator
    yet, the first one is made.
    """
    from rsparkhub.cli.access import hub_url
    from rsparkhub.cli.first_sign_in import make_link
    from rsparkhub.cli.output import print_json
    from rsparkhub.factory import Factory
    from rsparkhub.installation.data_folder import prepare
    from rsparkhub.installed.settings import load_settings

    settings = load_settings()
    prepare(settings)

    async def work() -> str:
        async with Factory(settings) as factory:
            return await make_link(factory, name, at=hub_url(settings))

    url = asyncio.run(work())
    if as_json:
        print_json({"url": url})
    else:
        print(url)
        if name is not None:
            warn_of_localhost(url)


def warn_of_localhost(url: str) -> None:
    """Say on stderr that a link leads nowhere on another computer, where it does."""
    from rsparkhub.cli.output import say

    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1":
        say(
            "This link works on this machine alone: it says localhost. For others, set RSPARKHUB_HOST and RSPARKHUB_PUBLIC_URL; "
            "docs/how-to/a-class-in-one-room.md says how.",
            error=True,
        )


def _rights(user: "UserView") -> str:
    return ", ".join(filter(None, ("administrator" if user.admin else "", "disabled" if user.disabled else "")))


def _ask_password() -> str:
    """Ask twice on a terminal, else read one line."""
    from rsparkhub.cli import standard_input

    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return standard_input.read_line()
