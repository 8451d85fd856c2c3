"""A list of people from a file, and what came of it: what `user import` and `group import` share."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rsparkhub.cli.output import say
from rsparkhub.domain.errors import InvalidInput

if TYPE_CHECKING:
    from rsparkhub.wire.users import RosterResult

LinksOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Where sign-in links are written as CSV; else they are printed.")
]
CheckOption = Annotated[bool, typer.Option("--check", help="Only check the list, and add nobody.")]


def read_list(file: str) -> str:
    """Return the text of a list, of `-` what is read here; raise `InvalidInput` where there is none."""
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} can't be read: {error}. It is text in UTF-8, a line for each person.") from error


def tell_result(result: "RosterResult", file: str, *, links: Path | None, check: bool, as_json: bool) -> None:
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
