"""Read and run inside Python's kernels: what is in memory, for a person to look at. It needs nothing but Python itself.

Nothing of a person's is called that may run code of theirs: no property is read, and no object's own `__repr__`.
"""

import importlib
import inspect
import json
import math
import os
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_SUMMARY, _TEXT, _SOURCE = 200, 2000, 2**17
_SIMPLE = (bool, int, float, complex, str, bytes, type(None))
_LISTS = (list, tuple, set, frozenset, dict)
_BINS, _LEVELS = 20, 200
_SAMPLED = 1000  # values of an array by which a change of it is seen

_before: dict[str, object] = {}  # a fingerprint of each variable at the last look
_changed: set[str] = set()  # the variables that had changed then
_looked: list[bool] = []
_scope: list[Mapping[str, Any]] = []  # the variables of the call that is looked at
_views: dict[str, Any] = {}  # the last table that was sorted or filtered, by what was asked


def answer(file: str, asked: str, frame: types.FrameType | None = None, seen: Mapping[str, Any] | None = None) -> None:
    """Write the answer to a question, as JSON: about a call that waits, where the innermost `frame` is given.

    `seen` is what code can name there, also of what is global.
    """
    question = json.loads(asked)
    try:
        if frame is not None:
            waiting = _waiting(frame, question["at"])
            _scope.append(waiting.f_locals if waiting is not None else _left_by_error(seen or {}))
        found = _ANSWERS[question["ask"]](question)
    except _Problem as problem:
        found = {"problem": str(problem)}
    except Exception as problem:
        found = {"problem": f"It can't be shown: {type(problem).__name__}: {str(problem)[:_SUMMARY]}"}
    _scope.clear()
    whole = f"{file}.new"
    with open(whole, "w", encoding="utf-8") as writing:  # noqa: PTH123  (as little as possible is loaded here)
        json.dump(found, writing)
    os.replace(whole, file)  # noqa: PTH105


class _Problem(Exception):
    """The question can't be answered. The message is a sentence."""


def _namespace() -> Mapping[str, Any]:
    if _scope:
        return _scope[0]
    ipython = sys.modules["IPython"].get_ipython()
    found: Mapping[str, Any] = ipython.user_ns
    return found


def _own_names() -> list[str]:
    ipython = sys.modules["IPython"].get_ipython()
    hidden = ipython.user_ns_hidden
    return [
        name
        for name, value in ipython.user_ns.items()
        if not name.startswith("_") and not (name in hidden and hidden[name] is value)
    ]


# Variables


def _variables(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has changed since the last look, and what changed then and not now; all where it is the first."""
    values, names = _namespace(), sorted(_own_names())
    fresh = question["fresh"] or not _looked
    if fresh:
        _before.clear()
        _changed.clear()
        _looked.append(True)
    shown = names[: question["most"]]
    found, changed = [], set()
    for name in shown:
        variable = _variable(name, values[name])
        fingerprint = (id(values[name]), _contents(values[name]), variable["summary"])
        if _before.get(name) != fingerprint:
            if not fresh:
                changed.add(name)
        elif name not in _changed:
            continue
        _before[name] = fingerprint
        found.append({**variable, "changed": name in changed})
    removed = [name for name in _before if name not in values or name not in shown]
    for name in removed:
        del _before[name]
    _changed.clear()
    _changed.update(changed)
    return {"all": fresh, "set": found, "removed": removed, "more": len(names) - len(shown)}


def _variable(name: str, value: Any) -> dict[str, Any]:
    kind = type(value)
    found: dict[str, Any] = {
        "name": name,
        "kind": "object",
        "type": kind.__name__,
        "classes": [each.__name__ for each in kind.__mro__[:-1]][:10],
        "size": None,
        "summary": "",
        "children": False,
    }
    if isinstance(value, _SIMPLE):
        found |= {"kind": "vector", "summary": _short(value)}
        if isinstance(value, str | bytes):
            found |= {"length": len(value), "size": sys.getsizeof(value)}
    elif kind in _LISTS:
        found |= {"kind": "list", "length": len(value), "summary": _short(value), "children": bool(value)}
    elif _is(value, "pandas.DataFrame", "polars.DataFrame"):
        rows, columns = value.shape
        found |= {
            "kind": "table",
            "dimensions": [rows, columns],
            "summary": f"{rows} rows, {columns} columns",
            "size": _bytes(value),
        }
        found["children"] = True
    elif _is(value, "pandas.Series", "polars.Series"):
        found |= {
            "kind": "vector",
            "length": len(value),
            "summary": f"{value.dtype} {_short(list(value[:5]))}",
            "size": _bytes(value),
        }
    elif _is(value, "numpy.ndarray"):
        table = value.ndim in (1, 2)
        found |= {"kind": "table" if table else "vector", "dimensions": list(value.shape), "size": value.nbytes}
        found["summary"] = f"{value.dtype} {_short(value.ravel()[:5].tolist())}"
    elif _is(value, "datetime.date", "datetime.datetime", "datetime.timedelta", "pandas.Timestamp"):
        found |= {"kind": "date", "summary": str(value)}
    elif isinstance(value, types.ModuleType):
        found |= {"kind": "environment", "summary": value.__name__, "children": True}
    elif isinstance(value, types.FunctionType | types.BuiltinFunctionType | types.MethodType | type):
        found |= {"kind": "function", "summary": _signature(value), "children": False}
    else:
        found |= {"summary": f"{kind.__module__}.{kind.__qualname__}", "children": bool(_attributes(value))}
    found["summary"] = found["summary"][:_SUMMARY]
    return found


def _contents(value: Any) -> object:
    """Return something cheap that is another one when a value was changed in place."""
    if type(value) in _LISTS:
        return len(value)
    if _is(value, "numpy.ndarray") and value.size and value.dtype.kind in "biufc":
        return float(value.ravel()[:: max(1, value.size // _SAMPLED)].sum().real)
    if _is(value, "pandas.DataFrame"):
        return (value.shape, tuple(map(str, value.columns)), *(id(block.values) for block in _blocks(value)))
    return None


def _blocks(frame: Any) -> Iterable[Any]:
    return getattr(getattr(frame, "_mgr", None), "blocks", ())[:100]


def _short(value: Any, depth: int = 0) -> str:
    """Return a value in one short line, without running code of a class that is not Python's own."""
    if isinstance(value, str | bytes):
        text = repr(value[:_SUMMARY])
        return text if len(value) <= _SUMMARY else f"{text}…"
    if isinstance(value, int) and type(value) in (int, bool):
        return str(value) if value.bit_length() < 1000 else "a large int"
    if type(value) in _SIMPLE:
        return repr(value)
    if type(value) in _LISTS and depth < 2:
        opening, closing = "[]" if type(value) is list else "()" if type(value) is tuple else "{}"
        parts: list[str] = []
        for place, element in enumerate(value):
            if place == 8 or sum(map(len, parts)) > _SUMMARY:
                parts.append("…")
                break
            part = _short(element, depth + 1)
            parts.append(f"{part}: {_short(value[element], depth + 1)}" if type(value) is dict else part)
        return f"{opening}{', '.join(parts)}{closing}"
    return f"<{type(value).__name__}>"


def _is(value: Any, *names: str) -> bool:
    """Return whether a value is of one of these classes, without loading their packages."""
    for name in names:
        package, _, kind = name.rpartition(".")
        loaded = sys.modules.get(package)
        if loaded is not None and isinstance(value, getattr(loaded, kind, ())):
            return True
    return False


def _bytes(value: Any) -> int | None:
    if _is(value, "pandas.DataFrame"):
        return int(value.memory_usage(index=False).sum())
    if _is(value, "pandas.Series"):
        return int(value.memory_usage(index=False))
    return int(value.estimated_size())


def _signature(value: Any) -> str:
    try:
        return f"{value.__name__}{inspect.signature(value)}"
    except (TypeError, ValueError, AttributeError):
        return str(getattr(value, "__name__", ""))


def _attributes(value: Any) -> dict[str, Any]:
    """Return what an object has itself, without reading a property."""
    own = getattr(type(value), "__dict__", {}).get("__dict__")
    if not isinstance(own, types.GetSetDescriptorType):
        own = next((each.__dict__["__dict__"] for each in type(value).__mro__ if "__dict__" in each.__dict__), None)
    found = own.__get__(value) if isinstance(own, types.GetSetDescriptorType) else {}
    return dict(found) if isinstance(found, dict) else {}


# What is inside


def _value(question: Mapping[str, Any]) -> Any:
    values = _namespace()
    if question["name"] not in values:
        raise _Problem(f"There is no {question['name']} any more.")
    value = values[question["name"]]
    for step in question["path"]:
        value = _element(value, step)
        if value is _MISSING:
            raise _Problem(f"There is no {step} in it any more.")
    return value


_MISSING = object()


def _element(value: Any, step: str | int) -> Any:
    """Return what is inside of a value by its name, or by its place among what is shown of it."""
    listed = isinstance(value, list | tuple)
    if listed and isinstance(step, str) and step.isdecimal():
        step = int(step)
    if isinstance(step, str):
        return _MISSING if listed else dict(_inside(value)).get(step, _MISSING)
    elements = value if listed else [element for _, element in _inside(value)]
    return elements[step] if 0 <= step < len(elements) else _MISSING


def _inside(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return [(key if isinstance(key, str) else _short(key), element) for key, element in value.items()]
    if isinstance(value, list | tuple | set | frozenset):
        return list(enumerate(value))
    if _is(value, "pandas.DataFrame"):
        return [(str(name), value.iloc[:, place]) for place, name in enumerate(value.columns)]
    if isinstance(value, types.ModuleType):
        return [(name, element) for name, element in vars(value).items() if not name.startswith("_")]
    return list(_attributes(value).items())


def _children(question: Mapping[str, Any]) -> dict[str, Any]:
    return _parts(_value(question), question)


def _call(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of a call, or what is inside of one of them."""
    if "name" in question:
        return _children(question)
    values = _namespace()
    of_module = values is sys.modules["IPython"].get_ipython().user_ns
    names = _own_names() if of_module else [name for name in values if not name.startswith(("__", "."))]
    return _parts({name: values[name] for name in sorted(names) if name in values}, question)


def _waiting(frame: types.FrameType | None, at: Mapping[str, Any]) -> types.FrameType | None:
    """Return the call that waits at a line: one of several there by its number from the innermost, from 0."""
    left = at["nth"]
    while frame is not None:
        if (frame.f_code.co_name, frame.f_lineno) == (at["name"], at["line"]):
            if left == 0:
                return frame
            left -= 1
        frame = frame.f_back
    return None


def _left_by_error(seen: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the variables of a call that an error has ended, of all that it could name."""
    everywhere = _namespace()
    return {name: value for name, value in seen.items() if name not in everywhere or everywhere[name] is not value}


def _parts(value: Any, question: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(value, types.FunctionType | type | types.MethodType):
        try:
            return {"total": 0, "children": [], "source": inspect.getsource(value)[:_SOURCE]}
        except (OSError, TypeError):
            return {"total": 0, "children": [], "source": _signature(value)}
    inside = _inside(value)
    part = inside[question["first"] : question["first"] + question["count"]]
    return {"total": len(inside), "children": [_variable(str(name), element) for name, element in part]}


# Pages of tables


def _frame(value: Any) -> Any:
    if _is(value, "polars.DataFrame"):
        value = value.to_pandas()
    pandas: Any = importlib.import_module("pandas")  # only where a table is opened
    if _is(value, "pandas.DataFrame"):
        return value
    if _is(value, "pandas.Series"):
        return value.to_frame()
    if _is(value, "numpy.ndarray") and value.ndim in (1, 2):
        return pandas.DataFrame(value)
    raise _Problem("This is no table.")


def _page(question: Mapping[str, Any]) -> dict[str, Any]:
    frame = _frame(_value(question))
    view = _view(frame, question)
    first, last = question["first_column"], question["first_column"] + question["columns"]
    begin = question["first_row"]
    part = view.iloc[begin : begin + question["rows"], first:last]
    columns = [frame.iloc[:, place] for place in range(first, min(last, frame.shape[1]))]
    return {
        "rows": len(frame),
        "matching": len(view),
        "all_columns": frame.shape[1],
        "first_row": begin,
        "first_column": first,
        "columns": [_column(column, question["summarize"]) for column in columns],
        "row_names": [str(name)[:_TEXT] for name in part.index],
        "cells": [_cells(part.iloc[:, place]) for place in range(part.shape[1])],
    }


def _view(frame: Any, question: Mapping[str, Any]) -> Any:
    """Return the rows that pass filters and search, in order. The last such view is kept: it is read page by page."""
    wanted = {name: question[name] for name in ("sort", "filters", "search")}
    if not any(wanted.values()):
        return frame
    key = json.dumps([question["name"], question["path"], wanted])
    kept = _views.get(key)
    if kept is not None and kept[0] is frame and kept[1] == _contents(frame):
        return kept[2]
    mask = None
    for condition in question["filters"]:
        passes = _passes(frame.iloc[:, _place(frame, condition)], condition["operator"], condition["values"])
        mask = passes if mask is None else mask & passes
    if question["search"]:
        found = _matches(frame, question["search"])
        mask = found if mask is None else mask & found
    view = frame if mask is None else frame[mask.to_numpy()]
    for order in reversed(question["sort"]):
        column = view.iloc[:, _place(frame, order)]
        places = column.reset_index(drop=True).sort_values(ascending=not order["descending"], kind="stable").index
        view = view.iloc[places]
    _views.clear()
    _views[key] = (frame, _contents(frame), view)
    return view


def _place(frame: Any, of: Mapping[str, Any]) -> int:
    if of["column"] >= frame.shape[1]:
        raise _Problem("There is no such column.")
    return int(of["column"])


def _matches(frame: Any, search: str) -> Any:
    found = None
    for place in range(frame.shape[1]):
        passes = frame.iloc[:, place].astype(str).str.contains(search, case=False, regex=False, na=False)
        found = passes if found is None else found | passes
    if found is None:
        raise _Problem("This table has no columns.")
    return found


def _passes(column: Any, operator: str, values: list[Any]) -> Any:
    if operator in ("is_missing", "is_present"):
        return column.isna() if operator == "is_missing" else column.notna()
    if not values or (operator == "between" and len(values) != 2):
        raise _Problem("This condition has no value.")
    if operator in ("contains", "starts"):
        text = column.astype(str).str
        return (
            text.contains(str(values[0]), case=False, regex=False) if operator == "contains" else text.startswith(str(values[0]))
        )
    number = column.dtype.kind in "biuf"
    typed = values if number else [str(value) for value in values]
    compared = column if number or column.dtype.kind in "mM" else column.astype(str)
    return _COMPARED[operator](compared, typed)


_COMPARED: Mapping[str, Callable[[Any, list[Any]], Any]] = {
    "=": lambda column, values: column == values[0],
    "!=": lambda column, values: column != values[0],
    "<": lambda column, values: column < values[0],
    "<=": lambda column, values: column <= values[0],
    ">": lambda column, values: column > values[0],
    ">=": lambda column, values: column >= values[0],
    "in": lambda column, values: column.isin(values),
    "between": lambda column, values: (column >= values[0]) & (column <= values[1]),
}


def _column(column: Any, summarize: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"name": str(column.name)[:_TEXT], "type": str(column.dtype)}
    if not summarize:
        return found
    found["missing"] = int(column.isna().sum())
    if column.dtype.kind in "iuf":
        present = column.dropna()
        if len(present):
            low, high = float(present.min()), float(present.max())
            if math.isfinite(low) and math.isfinite(high):
                numpy = sys.modules["numpy"]
                counts = numpy.histogram(present.to_numpy(dtype=float), bins=_BINS, range=(low, high) if high > low else None)[0]
                found |= {"minimum": low, "maximum": high, "histogram": [int(count) for count in counts]}
    elif _is(column.dtype, "pandas.CategoricalDtype"):
        found["levels"] = [str(level)[:_TEXT] for level in column.dtype.categories[:_LEVELS]]
    elif column.dtype.kind in "mM" and column.notna().any():
        found |= {"minimum": str(column.min()), "maximum": str(column.max())}
    return found


def _cells(column: Any) -> list[str | None]:
    missing = column.isna().tolist()
    return [None if gone else _cell(value) for value, gone in zip(column.tolist(), missing, strict=True)]


def _cell(value: Any) -> str:
    if type(value) in _LISTS:
        return _short(value)
    return str(value)[:_TEXT]


# Help


def _help(question: Mapping[str, Any]) -> dict[str, Any]:
    topic = question["topic"]
    import io  # noqa: PLC0415
    import pydoc  # noqa: PLC0415

    values = _namespace()
    name, _, rest = topic.partition(".")
    target: Any = values.get(name, _MISSING)
    for step in rest.split(".") if rest else ():
        target = inspect.getattr_static(target, step, _MISSING) if target is not _MISSING else target
    try:
        text = pydoc.plain(pydoc.render_doc(topic if target is _MISSING else target, title="%s"))
    except ImportError:
        written = io.StringIO()
        pydoc.Helper(output=written).help(topic)
        text = written.getvalue()
        if text.startswith("No Python documentation"):
            return {"missing": True}
    return {"topic": topic, "title": topic, "text": text[:_SOURCE]}


def _libraries(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return the folders with Python's own modules, and with those that were installed."""
    installed = [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")]  # noqa: PTH119
    return {"libraries": [os.path.dirname(os.__file__), *installed]}  # noqa: PTH120


def _plot(question: Mapping[str, Any]) -> dict[str, Any]:
    raise _Problem("Plots of Python can't be drawn again. Run the code once more.")


# Spark


def _spark(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the driver holds that this process has; nothing here starts one."""
    remote: Any = sys.modules.get("pyspark.sql.connect.session")
    if remote is not None and remote.SparkSession.getActiveSession() is not None:
        raise _Problem("Python speaks to Spark by Spark Connect here: spark.catalog.listTables() lists its tables.")
    spark: Any = sys.modules.get("pyspark")
    if getattr(getattr(spark, "SparkContext", None), "_active_spark_context", None) is None:
        return {"started": False}
    catalog = importlib.import_module("rspark_session.services.spark.catalog")
    found: dict[str, Any] = json.loads(catalog.answer(json.dumps(question)))
    return found


_ANSWERS = {
    "spark": _spark,
    "variables": _variables,
    "children": _children,
    "frame": _call,
    "page": _page,
    "help": _help,
    "libraries": _libraries,
    "plot": _plot,
}
