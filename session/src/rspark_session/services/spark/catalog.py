"""What a driver of Spark holds, for a person to look at: databases, tables, views, columns, and the first rows of a table.

It is called in a kernel of Python, or of R by way of its Python, where a driver runs already, and imported by who has PySpark.
All is done in a thread of its own and within a time, so that the kernel is free again whatever a view computes.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import functions
from pyspark.sql.session import SparkSession

from rspark_session.services.spark import driver

#: Rows of a table that are read, and entries of one answer.
MOST_ROWS, MOST = 1000, 10_000
_PATIENCE = 20.0  # seconds
_MOST_CHARACTERS = 2**24  # of the rows that are kept: they are in the person's memory
_TEXT = 2000  # characters of a cell
_NO_METASTORE = "Could not connect to meta store"  # what Hive's client says
_GROUP = "rspark-look-"
_numbers = itertools.count(1)
_read: dict[str, tuple[list[str], list[str], list[list[str | None]], bool]] = {}  # the last rows that were read

Json = dict[str, Any]


def answer(asked: str) -> str:
    """Return the answer to a question, both as JSON: `problem` is a sentence where there is none."""
    look = Look(asked)
    try:
        look.wait(_PATIENCE)
    except KeyboardInterrupt:
        look.cancel()
        return json.dumps({"problem": "This look at Spark was interrupted. Try again."})
    return look.result


class Look:
    """A question that is answered in a thread of its own; R waits for it as for other work of its driver (`finish` there).

    After `wait` returned True, `result` is the answer as JSON.
    """

    error = None

    def __init__(self, asked: str) -> None:
        self._group = f"{_GROUP}{next(_numbers)}"
        self._deadline = time.monotonic() + _PATIENCE
        self._answer: Json = {}
        self._thread = threading.Thread(target=self._run, args=(json.loads(asked),), daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, and return whether it came: an answer, or the end of patience."""
        self._thread.join(min(seconds, max(0.0, self._deadline - time.monotonic())))
        if not self._thread.is_alive():
            return True
        if time.monotonic() < self._deadline:
            return False
        self.cancel()
        return True

    def cancel(self) -> None:
        """Cancel its jobs, and those that it would begin next."""
        driver.cancel_group(self._group)

    @property
    def result(self) -> str:
        """The answer."""
        if not self._thread.is_alive():
            return json.dumps(self._answer)
        late = f"Spark took longer than {_PATIENCE:.0f} s for this. Query it in the console, where it can take its time."
        return json.dumps({"problem": late})

    def _run(self, question: Mapping[str, Any]) -> None:
        try:
            session: Any = SparkSession._instantiatedSession
            if session is None or driver.has_ended():
                self._answer = {"started": False}
                return
            driver.name_jobs(self._group, "Tables and first rows, for Rc²")
            self._answer = _page(session, question) if question["what"] == "page" else _catalog(session, question)
        except Exception as problem:
            self._answer = {"problem": _sentence(problem)}


def _catalog(session: Any, question: Mapping[str, Any]) -> Json:
    path = question["path"]
    if not path:
        databases = [row[0] for row in session.sql("SHOW DATABASES").take(MOST + 1)]
        found = [{"name": name, "kind": "database"} for name in databases]
        if any(row.isTemporary for row in _tables(session, session.catalog.currentDatabase())):
            found.insert(0, {"name": "", "kind": "database"})
    elif len(path) == 1:
        found = _tables_of(session, path[0])
    else:
        fields = session.table(_named(path)).schema.fields
        found = [{"name": field.name, "kind": "column", "detail": field.dataType.simpleString()[:_TEXT]} for field in fields]
    return {"entries": found[:MOST], "more": len(found) > MOST}


def _tables(session: Any, database: str) -> list[Any]:
    return list(session.sql(f"SHOW TABLES IN {_quoted(database)}").take(MOST + 1))


def _tables_of(session: Any, database: str) -> list[Json]:
    if not database:
        rows = _tables(session, session.catalog.currentDatabase())
        return [{"name": row.tableName, "kind": "view"} for row in rows if row.isTemporary]
    views = {row.viewName for row in session.sql(f"SHOW VIEWS IN {_quoted(database)}").take(MOST + 1)}
    return [
        {"name": row.tableName, "kind": "view" if row.tableName in views else "table"}
        for row in _tables(session, database)
        if not row.isTemporary
    ]


def _page(session: Any, question: Mapping[str, Any]) -> Json:
    columns, types, rows, more = _first_rows(session, question)
    first, last = question["first_column"], question["first_column"] + question["columns"]
    begin = question["first_row"]
    part = rows[begin : begin + question["rows"]]
    return {
        "rows": len(rows),
        "matching": len(rows),
        "all_columns": len(columns),
        "first_row": begin,
        "first_column": first,
        "columns": [{"name": name, "type": kind} for name, kind in zip(columns[first:last], types[first:last], strict=True)],
        "row_names": [str(begin + place + 1) for place in range(len(part))],
        "cells": [[row[place] for row in part] for place in range(first, min(last, len(columns)))],
        "more": more,
    }


def _first_rows(session: Any, question: Mapping[str, Any]) -> tuple[list[str], list[str], list[list[str | None]], bool]:
    """Return names and types of the columns, the first rows that pass as text, and whether there are more."""
    asked = [question[name] for name in ("path", "sort", "filters", "search")]
    key = json.dumps([session.sparkContext.applicationId, *asked])
    if key in _read and (question["first_row"] or question["first_column"]):  # what begins anew is read anew
        return _read[key]
    table = session.table(_named(question["path"]))
    fields = table.schema.fields
    frame = table.toDF(*[f"c{place}" for place in range(len(fields))])  # names may be twice, or hold dots
    for condition in question["filters"]:
        frame = frame.filter(_condition(_column(frame, fields, condition["column"]), condition["operator"], condition["values"]))
    if question["search"]:
        texts = [functions.lower(_text(frame[f"c{place}"], field)) for place, field in enumerate(fields)]
        wanted = functions.lit(question["search"].lower())
        frame = frame.filter(functions.concat_ws("\n", *texts).contains(wanted))
    for order in question["sort"][:1]:
        column = _column(frame, fields, order["column"])
        frame = frame.orderBy(column.desc_nulls_last() if order["descending"] else column.asc_nulls_last())
    texts = [functions.substring(_text(frame[f"c{place}"], field), 1, _TEXT) for place, field in enumerate(fields)]
    found = [list(row) for row in frame.select(*texts).take(MOST_ROWS + 1)] if fields else []
    ends = itertools.accumulate(sum(len(cell or "") for cell in row) for row in found[:MOST_ROWS])
    rows = found[: sum(end <= _MOST_CHARACTERS for end in ends)]
    named = ([field.name for field in fields], [field.dataType.simpleString()[:_TEXT] for field in fields])
    _read.clear()
    _read[key] = (*named, rows, len(found) > len(rows))
    return _read[key]


def _column(frame: Any, fields: list[Any], place: int) -> Any:
    if place >= len(fields):
        raise _NotAskable("There is no such column any more. Close the sheet, and open it again.")
    return frame[f"c{place}"]


class _NotAskable(Exception):
    """It can't be asked so. The message is a sentence."""


def _text(column: Any, field: Any) -> Any:
    return functions.hex(column) if field.dataType.typeName() == "binary" else column.cast("string")


_PASSES: Mapping[str, Callable[[Any, list[Any]], Any]] = {
    "contains": lambda column, values: functions.lower(column.cast("string")).contains(str(values[0]).lower()),
    "starts": lambda column, values: column.cast("string").startswith(str(values[0])),
    "in": lambda column, values: column.isin(values),
    "between": lambda column, values: column.between(values[0], values[-1]),
    "=": lambda column, values: column == values[0],
    "!=": lambda column, values: column != values[0],
    "<": lambda column, values: column < values[0],
    "<=": lambda column, values: column <= values[0],
    ">": lambda column, values: column > values[0],
    ">=": lambda column, values: column >= values[0],
}


def _condition(column: Any, operator: str, values: list[Any]) -> Any:
    if operator in ("is_missing", "is_present"):
        return column.isNull() if operator == "is_missing" else column.isNotNull()
    if not values:
        raise _NotAskable("This condition has no value.")
    return _PASSES[operator](column, values)


def _named(path: list[str]) -> str:
    return ".".join(_quoted(name) for name in path if name)


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _sentence(problem: Exception) -> str:
    if isinstance(problem, _NotAskable):
        return str(problem)
    if isinstance(problem, PySparkException) and problem.getCondition() in ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND"):
        return "It is not there any more. Refresh the list."
    if _NO_METASTORE in str(problem):
        return "Hive does not answer. Refresh the list in a moment: its tables are there again when it is."
    first = next(filter(None, (line.strip() for line in str(problem).splitlines())), type(problem).__name__)
    return f"Spark says: {first[:500]}"
