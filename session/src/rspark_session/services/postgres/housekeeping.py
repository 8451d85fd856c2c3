"""What the server does for the databases that people make by themselves: each is its owner's alone, and nobody has too many.

PostgreSQL opens every new database to everybody, and a role that may make databases may make any number. Neither can be said
beforehand, so both are put right as soon as they are seen.
"""

from typing import Any

import psycopg
from psycopg import sql

#: How many databases one person may have, the one of their own name among them.
MOST_DATABASES = 10
#: Seconds between two looks.
INTERVAL = 2.0

_OPEN = (
    "SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba "
    "WHERE NOT rolsuper AND datacl IS NULL AND datallowconn"
)
#: Who owns databases: people, whose roles don't log in themselves; not groups, which have one each.
_OWNERS = (
    "SELECT rolname, rolcreatedb, count(*) FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba "
    "WHERE NOT rolsuper AND rolname NOT LIKE 'group.%' GROUP BY rolname, rolcreatedb"
)


def tidy(connection: psycopg.Connection[Any]) -> None:
    """Close databases that are open to everybody because they are new, and let people make databases up to the limit."""
    for (name,) in connection.execute(_OPEN).fetchall():
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    for role, may, databases in connection.execute(_OWNERS).fetchall():
        if may != (databases < MOST_DATABASES):
            verb = sql.SQL("NOCREATEDB" if may else "CREATEDB")
            connection.execute(sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(role), verb))
