"""A list of people from a file, and what came of it: what `user import` and `group import` share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rsparkhub.cli.output import say
from rsparkhub.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rsparkhub.client import AsyncHub
    from rsparkhub.wire.users import RosterResult

LinksOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Where sign-in links are written as CSV; else they are printed.")
]
CheckOption = Annotated[bool, typer.Option("--check", help="Only check the list, and add nobody.")]


def add_list(
    file: str,
    add: "Callable[[AsyncHub, str], Awaitable[RosterResult]]",
    *,
    links: Path | None,
    check: bool,
    as_json: bool,
) -> None:
    """Add the people of a list, by a call of the hub, and tell what came of it; raise `InvalidInput` where lines are wrong."""
    from rsparkhub.cli.access import ask
    from rsparkhub.cli.links import make_private

    text = _read(file)
    if links is not None and not check:
        make_private(links)  # before anybody is added, whose link would be lost
    _tell(ask(lambda hub: add(hub, text)), file, links=links, check=check, as_json=as_json)


def _read(file: str) -> str:
    """Return the text of a list, of `-` what is read here; raise `InvalidInput` where there is none."""
    from rsparkhub.cli import standard_input

    if file == "-":
        return standard_input.read_text()
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} can't be read: {error}. It is text in UTF-8, a line for each person.") from error


def _tell(result: "RosterResult", file: str, *, links: Path | None, check: bool, as_json: bool) -> None:
    """Print what came of a list, and write its links; raise `InvalidInput` where lines are wrong."""
    from rsparkhub.cli.output import print_json

    if links is not None and result.links:
        links.write_text(result.links, encoding="utf-8")
    if as_json:
        print_json(result.model_dump(mode="json"))
    elif not result.problems:
        say(f"{len(result.added)} added, {len(result.there)} there already." if not check else "The list is good.")
        if result.links:
            say(f"Their sign-in links are in {links}." if links else f"\n{result.links}", end="\n" if links else "")
    if result.problems:
        lines = "\n".join(f"  line {each.line}: {each.text}" for each in result.problems)
        raise InvalidInput(f"Nobody was added; {file} has lines to correct:\n{lines}")
