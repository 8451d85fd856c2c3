"""What becomes of the data of a person or a group that is removed: the options of both, and what is printed."""

from pathlib import Path
from typing import Annotated

import typer

from rsparkhub.domain.user import Data

BECOMES = {Data.KEEP: "kept", Data.ARCHIVE: "being archived", Data.DELETE: "being deleted"}

DataOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="keep|archive|delete",
        help="What becomes of their data: kept, written into the folder `archive`, or deleted. Another word is the data folder, "
        "as for every command.",
        show_default="keep",
    ),
]

ArchiveOption = Annotated[
    bool | None,
    typer.Option("--archive/--delete", help="Write it into the folder `archive` first, or only delete it.", show_default=False),
]


def read_data(words: list[str] | None) -> Data:
    """Return what `--data` says becomes of the data; its other words are the data folder of the command."""
    from rsparkhub.cli.options import use_data

    becomes = Data.KEEP
    for word in words or ():
        if word in list(Data):
            becomes = Data(word)
        else:
            use_data(Path(word))
    return becomes


def read_archive(archive: bool | None) -> Data:
    """Return what is to be done with what was kept.

    Raises
    ------
    typer.BadParameter
        When it isn't said.
    """
    if archive is None:
        raise typer.BadParameter("Say whether it is archived first (--archive) or only deleted (--delete).")
    return Data.ARCHIVE if archive else Data.DELETE
