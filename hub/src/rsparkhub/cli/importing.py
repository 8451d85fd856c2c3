"""`rsparkhub import`: people and groups of another system."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from rsparkhub.cli.output import AsJson, say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rsparkhub.client import AsyncHub
    from rsparkhub.domain.newcomers import Newcomers, Outsider

    People = tuple[list[Outsider], frozenset[str]]

app = typer.Typer(name="import", help="Take people and groups over from elsewhere.", no_args_is_help=True)

_TOKEN = "JUPYTERHUB_API_TOKEN"  # noqa: S105  the name of a variable
_LONGEST_TOKEN = 4096
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
_TELLS_EACH = 100  # people; a line for each would hide what is said else


@app.command()
def jupyterhub(
    source: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS|FILE",
            help="Where JupyterHub is, such as https://jupyter.example.org; or a file with what its /hub/api/users answered. "
            "`-` reads that here.",
            show_default=False,
        ),
    ],
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"A file with an API token of JupyterHub; ${_TOKEN} by default.", show_default=False),
    ] = None,
    administrators: Annotated[
        bool, typer.Option("--administrators", help="Give JupyterHub's administrators the rights of an administrator here too.")
    ] = False,
    links: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a link that signs in once, for each who is added, into this file as CSV.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add the people and groups of a JupyterHub.

    Who is there already stays as they are. Each person is added as a whole, with their groups: after an interruption, run it
    again for the rest.
    """
    from rsparkhub.cli.access import ask

    read = _reader(source, token_file)
    added = list[str]()

    async def work(hub: "AsyncHub") -> "Newcomers":
        from rsparkhub.domain.newcomers import choose_newcomers

        people, groups = await read()
        found = choose_newcomers(
            people,
            groups,
            groups_of={user.name: frozenset(user.groups) for user in await hub.users.list()},
            known_groups=frozenset(group.name for group in await hub.groups.list()),
            administrators=administrators,
        )
        if not dry_run:
            await _add(hub, found, links, added)
        return found

    with _saying_how_far(added):
        found = ask(work)
    _report(found, added=added, dry_run=dry_run, links=links if added else None, as_json=as_json)


def _reader(source: str, token_file: Path | None) -> "Callable[[], Awaitable[People]]":
    """Return what reads people and groups; a file, and a token, is read at once."""
    from rsparkhub.jupyterhub import JupyterHub, read_export

    if "://" not in source:
        people = read_export(_read_file(source))

        async def there() -> "People":
            return people

        return there
    other = JupyterHub(source, token=_read_token(token_file))
    if urlsplit(other.url).scheme == "http" and urlsplit(other.url).hostname not in _THIS_MACHINE:
        say(f"Over http, whoever listens on the way to {other.url} reads the token. Use https where there is.", error=True)

    async def ask_it() -> "People":
        async with other:
            return await other.people()

    return ask_it


def _read_file(file: str) -> bytes:
    from rsparkhub.domain.errors import InvalidInput
    from rsparkhub.jupyterhub import MOST_BYTES

    try:
        if file == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        with Path(file).open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise InvalidInput(
            f"{file} can't be read: {error.strerror}. Name a file, or an address that begins with https://."
        ) from error


def _read_token(file: Path | None) -> str:
    from rsparkhub.domain.errors import InvalidInput

    if file is None:
        token = os.environ.get(_TOKEN, "").strip()
        if not token:
            raise InvalidInput(
                f"JupyterHub wants a token. Make one on its page Token. Name a file with it by --token-file, or set {_TOKEN}."
            )
        return token
    try:
        with file.open(encoding="ascii") as opened:
            return opened.read(_LONGEST_TOKEN).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it has other letters than a token"
        raise InvalidInput(f"{file} can't be read: {why}. It is a file with nothing but an API token of JupyterHub.") from error


async def _add(hub: "AsyncHub", found: "Newcomers", links: Path | None, added: list[str]) -> None:
    """Add everybody, one after another, and append each name to `added`."""
    from rsparkhub.cli.links import append_link, begin_links
    from rsparkhub.cli.output import progress
    from rsparkhub.domain.errors import Conflict

    if links is not None and found.people:  # a file of an earlier time stays where nobody is added
        begin_links(links)
    with progress(f"Adding people: {len(found.people)}") as shown:
        for number, person in enumerate(found.people, 1):
            try:
                await hub.users.add(person.name, admin=person.admin, groups=sorted(person.groups))
            except Conflict:  # somebody else has added them meanwhile, so they stay as they are
                found.there[person.name] = []
                continue
            added.append(person.name)
            if links is not None:
                append_link(links, person.name, await hub.users.link(person.name))
            if number % _TELLS_EACH == 0:
                shown.say(f"Added {number} of {len(found.people)}")
        for group in found.groups:
            with suppress(Conflict):
                await hub.groups.add(group)


@contextmanager
def _saying_how_far(added: list[str]) -> Iterator[None]:
    """Say on stderr who was added before something came between."""
    try:
        yield
    except BaseException:
        if added:
            say(f"{len(added)} were added, as whole people, before this stopped. Run it again for the rest.", error=True)
        raise


def _report(found: "Newcomers", *, added: list[str], dry_run: bool, links: Path | None, as_json: bool) -> None:
    """Print what was done, or would be."""
    from rsparkhub.cli.output import print_json, print_table

    people = [person for person in found.people if dry_run or person.name in set(added)]
    if as_json:
        print_json({
            "dry_run": dry_run,
            "added": [{"name": each.name, "admin": each.admin, "groups": sorted(each.groups)} for each in people],
            "groups": found.groups,
            "there": [{"name": name, "not_in": missing} for name, missing in sorted(found.there.items())],
            "without_rights": found.lose_rights,
            "refused": [asdict(each) for each in found.refused],
        })  # fmt: skip
        return
    if people:
        rows = ([p.name, "administrator" if p.admin else "", ", ".join(sorted(p.groups))] for p in people)
        print_table(["NAME", "RIGHTS", "GROUPS"], rows, empty="")
        say()
    would = "would be " if dry_run else ""
    say(
        f"{len(people)} {would}added; {len(found.there)} there already, who stay as they are; {len(found.refused)} names refused."
    )
    if found.groups:
        say(f"Groups {would}made in which nobody new is: {', '.join(found.groups)}.")
    if found.lose_rights:
        hint = " --administrators makes them administrators here too." if dry_run else ""
        say(f"Administrators there, and not here: {', '.join(found.lose_rights)}.{hint}")
    for name, missing in sorted(found.there.items()):
        if missing:
            say(f"  {name} stays as they are, and is not in {', '.join(missing)}.")
    for each in found.refused:
        say(f"  The {each.kind} {each.name} is refused: {each.why}.")
    if links is not None:
        say(f"Sign-in links are in {links}.")
