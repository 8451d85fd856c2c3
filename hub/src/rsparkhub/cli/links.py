"""Files of sign-in links, as CSV: to print, or to mail."""

import csv
from pathlib import Path

from rsparkhub.domain.errors import InvalidInput
from rsparkhub.wire.users import SignInLink

_COLUMNS = ("name", "full name", "e-mail", "link", "until")  # as the hub writes the links of a list


def make_private(file: Path) -> None:
    """Make a file that can be written, and that nobody else reads, since who reads it signs in as others.

    Raises
    ------
    InvalidInput
        When it can't be made.
    """
    try:
        with file.open("a"):
            file.chmod(0o600)  # also one that was there
    except OSError as error:
        raise InvalidInput(f"{file} can't be written: {error.strerror}. Nobody was added. Choose another file.") from error


def begin_links(file: Path) -> None:
    """Write the columns into a file that nobody else reads, or leave those of an earlier run; raise as `make_private` does."""
    make_private(file)
    with file.open("a", encoding="utf-8", newline="") as opened:
        if opened.tell() == 0:
            csv.writer(opened).writerow(_COLUMNS)


def append_link(file: Path, name: str, link: SignInLink) -> None:
    """Write a person's link, so that it is there whatever happens next."""
    with file.open("a", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerow((name, "", "", link.url, f"{link.expires:%Y-%m-%d %H:%M} UTC"))
