"""Brings a database to this version's tables, and refuses one of a newer version.

All of it is one transaction: a process that is killed in the middle leaves the database as it was, and several that
start at once do it one after another.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from rsparkhub.domain.errors import InstallationProblem

if TYPE_CHECKING:
    from alembic.config import Config

#: The newest revision in `migrations/versions`; a test holds the two together.
HEAD = "0019"
#: A table of our own name, so that a database shared with another program that uses Alembic is not confused.
VERSION_TABLE = "rsparkhub_version"
MIGRATIONS = Path(__file__).parent / "migrations"

_ALL_START_HERE = 0x5253_7061_726B  # the advisory lock's key: "RSpark"


def bring_up_to_date(connection: Connection, *, place: str) -> None:
    """Make or change the tables where they are not of this version.

    Raises
    ------
    InstallationProblem
        When a newer version of RSparkHub made them.
    """
    if revision(connection) == HEAD:  # by far the most common; saves reading Alembic
        return
    sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else "BEGIN")
    try:
        if not sqlite:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ALL_START_HERE})
        _check_known(connection, place)
        upgrade(connection)
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise


def revision(connection: Connection) -> str | None:
    """Return which version of the tables a database has; None when it has none."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return None if found is None else str(found)


def upgrade(connection: Connection, to: str = "head") -> None:
    """Make the tables of revision `to`; the caller has begun a transaction."""
    from alembic import command  # noqa: PLC0415  most starts need no Alembic

    command.upgrade(_config(connection), to)


def downgrade(connection: Connection, to: str) -> None:
    """Go back to the tables of revision `to`; the caller has begun a transaction."""
    from alembic import command  # noqa: PLC0415

    command.downgrade(_config(connection), to)


def _config(connection: Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _check_known(connection: Connection, place: str) -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    found = revision(connection)
    scripts = ScriptDirectory.from_config(_config(connection))
    if found is None or found in {script.revision for script in scripts.walk_revisions()}:
        return
    raise InstallationProblem(
        f"The data in {place} were written by a newer version of RSparkHub (its tables are {found}, this version knows "
        f"{HEAD}). Install that version or a newer one, or start this one with another, empty data folder."
    )
