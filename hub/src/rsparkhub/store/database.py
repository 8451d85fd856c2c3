"""One way to talk to either database.

Every connection is in autocommit: a single statement is a transaction of its own. `write` puts several statements into
one transaction that these modules begin and end themselves. How it is done is in `threaded`, and
what is special to each database in `on_sqlite` and `on_postgres`.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")
AnyRow = sa.Row[*tuple[Any, ...]]  # what a statement returns is known where it is read
Parameters = dict[str, Any] | list[dict[str, Any]] | None


class Connection(Protocol):
    """Executes the statements of a transaction."""

    async def rows(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        """Execute one statement and return its rows; none for one that returns none."""

    def before_commit(self, write: "WriteRows", rows: Iterable[Any]) -> None:
        """Have `write` write these rows when all else of the transaction is done.

        It is called once, with the rows of all who asked for it: so transactions that are written as one share its statements,
        and hold what it locks for no longer than these and the disk take. Nothing in the transaction sees its rows.
        """


class WriteRows(Protocol):
    """Writes rows at the end of a transaction."""

    async def __call__(self, connection: Connection, database: "Database", rows: Sequence[Any], /) -> None: ...


class Database(ABC):
    """Three ways to use a database: `read` and `change` for one statement, `write` for a transaction.

    - A transaction is written as a whole or not at all, also when the disk is full or the process dies.
    - What `write` is given may be called again, after a deadlock, or alone where it was executed together with others; it
      waits for nothing but its statements, and does nothing outside of the transaction.
    - A failure of the database comes out as `Unavailable`, a sentence, never as an error of a driver.
    """

    is_sqlite: bool

    @abstractmethod
    async def prepare(self, work: Callable[[sa.Connection], None]) -> None:
        """Call `work` with a connection, before anything else."""

    @abstractmethod
    async def read(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        """Read by one statement."""

    @abstractmethod
    async def change(self, statement: sa.Executable, parameters: Parameters = None) -> Sequence[AnyRow]:
        """Write by one statement, whose `RETURNING` says what it did."""

    @abstractmethod
    async def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Call `work` in one transaction; an error of it, or a failure, takes all of it back."""

    @abstractmethod
    async def close(self) -> None:
        """Close all connections, after what is under way has ended."""

    @abstractmethod
    def insert(self, table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
        """Return an INSERT that can have ON CONFLICT."""
