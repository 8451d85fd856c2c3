"""Rows of a table of PostgreSQL, sorted, filtered and searched by the server, a page at a time."""

from typing import Any

import psycopg
from psycopg import sql

from rspark_session.rc2 import protocol
from rspark_session.rc2.connections.postgres import connected, named
from rspark_session.rc2.refusal import Refusal

#: Rows that can be paged through: each page counts its way there.
MOST_ROWS = 100_000
_TEXT = 2000  # characters of a cell
#: What a row is called in a query: a name that no column has by chance.
_ROW = sql.Identifier("rspark row")
#: Without a sort, the rows of a table come as they are stored, whichever columns and however many of them are read.
_AS_STORED = "SET enable_indexscan = off; SET enable_indexonlyscan = off"
_COMPARED = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


async def page(request: protocol.RowsRequest) -> protocol.Page:
    """Return rows of a table; raise `Refusal` when there are none to read."""
    database, schema, table = request.path
    async with connected(database) as server:
        empty = await server.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(named(schema, table)), [])
        columns = [column.name for column in empty.description or ()]
        types = await _types(server, empty)
        where, values = _where(request, columns)
        source = sql.SQL("FROM {} AS {} {}").format(named(schema, table), _ROW, where)
        rows = await _count(server, sql.SQL("FROM {}").format(named(schema, table)), [])
        matching = rows if not values and not request.filters else await _count(server, source, values)
        last = min(request.first_column + request.columns, len(columns))
        shown = columns[request.first_column : last]
        begin = min(request.first_row, MOST_ROWS)
        cells: list[list[str | None]] = [[] for _ in shown]
        if shown:
            stored = await _is_stored(server, schema, table)
            if not request.sort:
                await server.execute(_AS_STORED)
            query = sql.SQL("SELECT {} {} {} OFFSET {} LIMIT {}").format(
                sql.SQL(", ").join(sql.SQL("left({}::text, {})").format(named(name), _TEXT) for name in shown),
                source,
                _order(request, columns, stored=stored, many=matching > MOST_ROWS),
                begin,
                min(request.rows, MOST_ROWS - begin),
            )
            for row in await (await server.execute(query, values)).fetchall():
                for column, cell in zip(cells, row, strict=True):
                    column.append(cell)
    return protocol.Page(
        rows=min(rows, MOST_ROWS),
        matching=min(matching, MOST_ROWS),
        all_columns=len(columns),
        first_row=begin,
        first_column=request.first_column,
        columns=tuple(
            protocol.Column(name=name, type=kind) for name, kind in zip(shown, types[request.first_column : last], strict=True)
        ),
        row_names=tuple(str(begin + place + 1) for place in range(len(cells[0]) if cells else 0)),
        cells=tuple(tuple(column) for column in cells),
        more=matching > MOST_ROWS,
    )


async def _types(server: psycopg.AsyncConnection[Any], empty: psycopg.AsyncCursor[Any]) -> list[str]:
    """Return the types of a query's columns, as SQL names them."""
    codes = [column.type_code for column in empty.description or ()]
    named = await server.execute("SELECT oid::int8, format_type(oid, NULL) FROM pg_type WHERE oid = ANY (%s::oid[])", [codes])
    by_code = dict(await named.fetchall())
    return [str(by_code.get(code, "")) for code in codes]


async def _count(server: psycopg.AsyncConnection[Any], source: sql.Composable, values: list[Any]) -> int:
    """Return how many rows there are, up to one more than can be read."""
    counted = sql.SQL("SELECT count(*) FROM (SELECT 1 {} LIMIT {}) AS counted").format(source, MOST_ROWS + 1)
    found = await (await server.execute(counted, values)).fetchone()
    return int(found[0]) if found else 0


def _where(request: protocol.TablePart, columns: list[str]) -> tuple[sql.Composable, list[Any]]:
    conditions: list[sql.Composable] = []
    values: list[Any] = []
    for condition in request.filters:
        made, needed = _condition(condition, named(_at(columns, condition.column)))
        conditions.append(made)
        values += needed
    if request.search:
        each = sql.SQL(" OR ").join(sql.SQL("{}::text ILIKE %s").format(named(name)) for name in columns)
        conditions.append(sql.SQL("({})").format(each))
        values += [f"%{_literal(request.search)}%"] * len(columns)
    if not conditions:
        return sql.SQL(""), []
    return sql.SQL("WHERE {}").format(sql.SQL(" AND ").join(conditions)), values


def _condition(condition: protocol.Filter, column: sql.Composable) -> tuple[sql.Composable, list[Any]]:
    """Return a condition with its values, which PostgreSQL reads as the column's own type."""
    given = [_text(value) for value in condition.values]
    operator = condition.operator
    if operator in ("is_missing", "is_present"):
        return sql.SQL("{} IS {}NULL").format(column, sql.SQL("" if operator == "is_missing" else "NOT ")), []
    if not given or (operator == "between" and len(given) != 2):
        raise Refusal("This condition has no value.")
    if operator == "contains":
        return sql.SQL("{}::text ILIKE %s").format(column), [f"%{_literal(given[0])}%"]
    if operator == "starts":
        return sql.SQL("{}::text LIKE %s").format(column), [f"{_literal(given[0])}%"]
    if operator == "in":
        return sql.SQL("{} IN ({})").format(column, sql.SQL(", ").join(sql.SQL("%s") for _ in given)), given
    if operator == "between":
        return sql.SQL("{} BETWEEN %s AND %s").format(column), given
    return sql.SQL("{} {} %s").format(column, sql.SQL(_COMPARED[operator])), given[:1]


def _order(request: protocol.TablePart, columns: list[str], *, stored: bool, many: bool) -> sql.Composable:
    """Return the order, in which no two rows are alike: the server may order these anew for each page.

    The rows of what is `stored` are told apart by their places, others by all they hold. `many` of those are not ordered where
    nobody asks for it, as that would compute them all for each page.
    """
    each: list[sql.Composable] = [
        sql.SQL("{} {} NULLS LAST").format(named(_at(columns, by.column)), sql.SQL("DESC" if by.descending else "ASC"))
        for by in request.sort
    ]
    if each or not (stored or many):
        each.append(sql.SQL("{}.tableoid, {}.ctid").format(_ROW, _ROW) if stored else sql.SQL("{}::text").format(_ROW))
    return sql.SQL("ORDER BY {}").format(sql.SQL(", ").join(each)) if each else sql.SQL("")


async def _is_stored(server: psycopg.AsyncConnection[Any], schema: str, table: str) -> bool:
    """Return whether it is a table of this server's or a materialized view, whose rows have places."""
    query = (
        "SELECT c.relkind IN ('r', 'p', 'm') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relname = %s"
    )
    found = await (await server.execute(query, [schema, table])).fetchone()
    return bool(found and found[0])


def _at(columns: list[str], place: int) -> str:
    if place >= len(columns):
        raise Refusal("There is no such column.")
    return columns[place]


def _literal(text: str) -> str:
    """Return a text of which LIKE takes no sign for a pattern."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _text(value: float | str | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
