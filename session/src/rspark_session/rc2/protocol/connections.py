"""What the session's data services hold, under `rc2/api/connections`, and the rows of their tables, read where they are."""

from typing import Annotated, Literal

from pydantic import Field

from rspark_session.rc2.protocol.answers import TablePart
from rspark_session.rc2.protocol.model import Identifier, Model, ShortText

Service = Literal["postgres", "spark", "hdfs", "s3"]
_Name = Annotated[str, Field(max_length=10_000)]


class Connection(Model):
    """A data service that the session has. `account` is the person's own database, folder or bucket on it.

    Spark has one for each console of R and Python, since each has a driver of its own; `console` is null where none runs. `hive`
    says whether Spark's tables are those of Hive.
    """

    service: Service
    title: ShortText
    address: str
    account: str
    console: Identifier | None = None
    language: str | None = None
    hive: bool = False


class Connections(Model):
    """`GET connections`: the data services of the session."""

    connections: tuple[Connection, ...]


class CatalogPlace(Model):
    """A place in a service's catalog, by names from the outside in.

    In PostgreSQL: database, schema, table. In Spark: database, table; the database of temporary views has the name "".
    """

    service: Literal["postgres", "spark"]
    console: Identifier | None = None
    path: Annotated[tuple[_Name, ...], Field(max_length=3)] = ()


class CatalogRequest(CatalogPlace):
    """`POST connections/catalog`: what is at a place. It never starts Spark."""


CatalogKind = Literal["database", "schema", "table", "view", "column"]


class CatalogEntry(Model):
    """Something in a catalog. `detail` is a column's type, or how many tables a schema has; `key` is of a primary key."""

    name: str
    kind: CatalogKind
    detail: str = ""
    key: bool = False


class Catalog(Model):
    """What is at a place, in order; with `more` there is more, which is not sent.

    `started` is false where Spark has not been started in the console: then nothing is known.
    """

    entries: tuple[CatalogEntry, ...] = ()
    more: bool = False
    started: bool = True


class RowsRequest(CatalogPlace, TablePart):
    """`POST connections/page`: rows of a table, of which the service sorts, filters and searches; the answer is a `Page`."""

    path: Annotated[tuple[_Name, ...], Field(min_length=2, max_length=3)]
