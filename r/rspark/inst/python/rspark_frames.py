"""The columns of a query's result in Spark, as plain bytes of which R makes its own vectors.

Spark's rows arrive as Arrow. Text, numbers and times cross to R as one block of bytes a column, and nested values as blocks of
their parts with the number of parts in each row: nothing is made a Python object on the way, which would take most of the time.
"""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
from pyspark.sql import functions
from pyspark.sql import types as spark_types

_CHANGED = {
    "NullType",
    "YearMonthIntervalType",
    "CalendarIntervalType",
    "VariantType",
    "GeometryType",
    "GeographyType",
    "VectorUDT",
}
#: Whole numbers up to here are exact in a double.
EXACT = 2**53
#: Significant digits of a decimal that every double holds.
DIGITS = 15
_MISSING_INTEGER64 = np.iinfo(np.int64).min
_NOTHING, _END = pa.scalar(b"", pa.large_binary()), pa.scalar(b"\0", pa.large_binary())


def columns(frame, bigint):
    """Return the columns of a data frame of Spark, its number of rows, and what R can't hold exactly.

    Parameters
    ----------
    frame
        A `pyspark.sql.DataFrame`.
    bigint
        What whole numbers of 64 bits become: `numeric`, `integer64` or `character`.
    """
    names = frame.columns
    if not names:
        return {"columns": [], "rows": frame.count(), "inexact": []}
    table = _arrow_ready(frame).toArrow()
    found = Columns(bigint)
    fields = frame.schema.fields
    made = [found.vector(field.name, field.dataType, _whole(table.column(at))) for at, field in enumerate(fields)]
    return {
        "columns": [{"name": name, "vector": vector} for name, vector in zip(names, made, strict=True)],
        "rows": table.num_rows,
        "inexact": [{"column": column, "why": why} for column, why in found.inexact.items()],
    }


def _arrow_ready(frame):
    """Return the same rows with names that differ, and with what Arrow has no type for as something that it has."""
    fields = frame.schema.fields
    frame = frame.toDF(*[f"c{at}" for at in range(len(fields))])
    ready = [_ready(functions.col(f"c{at}"), field.dataType) for at, field in enumerate(fields)]
    return frame.select(*[column.alias(f"c{at}") for at, column in enumerate(ready)])


def _ready(column, kind):  # noqa: PLR0911  (a line for each kind)
    if not _needs_change(kind):
        return column
    if isinstance(kind, spark_types.YearMonthIntervalType):
        return column.cast("interval month").cast("int")
    if isinstance(kind, spark_types.NullType):  # which Arrow doesn't take where nothing may be missing, as in array()
        return column.cast("boolean")
    if isinstance(kind, spark_types.CalendarIntervalType):
        return column.cast("string")
    if isinstance(kind, spark_types.VariantType):
        return functions.to_json(column)
    if isinstance(kind, spark_types.ArrayType):
        return functions.transform(column, lambda each: _ready(each, kind.elementType))
    if isinstance(kind, spark_types.MapType):
        values = functions.transform_values(column, lambda _, value: _ready(value, kind.valueType))
        return functions.transform_keys(values, lambda key, _: _ready(key, kind.keyType))
    if isinstance(kind, spark_types.StructType):
        distinct = [spark_types.StructField(f"f{at}", field.dataType) for at, field in enumerate(kind.fields)]
        renamed = column.cast(spark_types.StructType(distinct))
        parts = [_ready(renamed[f"f{at}"], field.dataType).alias(f"f{at}") for at, field in enumerate(kind.fields)]
        return functions.when(column.isNotNull(), functions.struct(*parts))
    if type(kind).__name__ == "VectorUDT":
        from pyspark.ml.functions import vector_to_array  # noqa: PLC0415  (slow, and seldom needed)

        return vector_to_array(column)
    return functions.call_function("st_asbinary", column)  # places


def _needs_change(kind):
    if isinstance(kind, spark_types.ArrayType):
        return _needs_change(kind.elementType)
    if isinstance(kind, spark_types.MapType):
        return _needs_change(kind.keyType) or _needs_change(kind.valueType)
    if isinstance(kind, spark_types.StructType):
        return len(set(kind.names)) < len(kind.names) or any(_needs_change(field.dataType) for field in kind.fields)
    return type(kind).__name__ in _CHANGED


def _whole(values):
    """Return one array of a column's chunks."""
    whole = values.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # of no chunks, or too large for one
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], whole.type)
    return whole


class Columns:
    """Makes descriptions of R vectors, and notes which columns lose something. `inexact` says what, by the column's name."""

    def __init__(self, bigint):
        self.inexact = {}
        self._bigint = bigint

    def vector(self, column, kind, values):
        """Return the kind of R vector for Arrow values of a Spark type, its length, its content, and where it is missing."""
        described = self._describe(column, kind, values)
        described["length"] = len(values)
        if values.null_count:
            described["missing"] = _bytes(values.is_null())
        return described

    def _describe(self, column, kind, values):  # noqa: PLR0911, PLR0912  (a line or two for each kind)
        arrow = values.type
        if kinds.is_boolean(arrow):
            return _numbers("logical", _plain(values, False), np.int32)
        if kinds.is_int8(arrow) or kinds.is_int16(arrow) or kinds.is_int32(arrow):
            whole = _plain(values, 0)
            # The smallest of 32 bits is what R writes for a missing integer.
            least = whole.size and whole.min() == np.iinfo(np.int32).min
            return _numbers("double", whole, np.float64) if least else _numbers("integer", whole, np.int32)
        if kinds.is_integer(arrow):
            return self._long(column, values)
        if kinds.is_floating(arrow):
            return _numbers("double", _plain(values, 0), np.float64)
        if kinds.is_decimal(arrow):
            if arrow.precision > DIGITS and _loses_digits(values):
                self.inexact[column] = "decimal"
            return _numbers("double", _plain(values.cast(pa.float64()), 0), np.float64)
        if kinds.is_string(arrow) or kinds.is_large_string(arrow):
            return self._text(column, values)
        if kinds.is_binary(arrow) or kinds.is_large_binary(arrow):
            sizes = pc.binary_length(values).fill_null(0)
            content = bytearray(b"".join(values.drop_null().to_pylist()))
            return {"kind": "raw", "sizes": _bytes(sizes, np.float64), "values": content}
        if kinds.is_date(arrow):
            return _numbers("Date", _plain(values.cast(pa.int32()), 0), np.float64)
        if kinds.is_timestamp(arrow):
            micros = _plain(values.cast(pa.timestamp("us", tz=arrow.tz)).cast(pa.int64()), 0)
            # Without a zone it is what a clock on a wall shows; R shows the same in UTC.
            return _numbers("POSIXct", micros / 1e6, np.float64) | {"wall": arrow.tz is None}
        if kinds.is_duration(arrow):
            return _numbers("difftime", _plain(values.cast(pa.duration("us")).cast(pa.int64()), 0) / 1e6, np.float64)
        if kinds.is_time(arrow):
            return _numbers("hms", _plain(values.cast(pa.time64("ns")).cast(pa.int64()), 0) / 1e9, np.float64)
        if kinds.is_null(arrow):
            return _numbers("logical", np.zeros(len(values)), np.int32)
        return self._nested(column, kind, values)

    def _long(self, column, values):
        if self._bigint == "character":
            return self._text(column, values.cast(pa.string()))
        whole = _plain(values, 0)
        if self._bigint == "integer64":
            if whole.size and (_plain(values, 1) == _MISSING_INTEGER64).any():  # what bit64 writes for a missing one
                self.inexact[column] = "least"
            return _numbers("integer64", whole, np.int64)
        if whole.size and (whole.max() > EXACT or whole.min() < -EXACT):
            self.inexact[column] = "bigint"
        return _numbers("double", whole, np.float64)

    def _text(self, column, values):
        text = values.fill_null("").cast(pa.large_string())
        joined = pc.binary_join_element_wise(text.cast(pa.large_binary()), _NOTHING, _END)
        content = b"".join(_content(joined))
        if content.count(b"\0") > len(values):  # R's text ends at one
            self.inexact[column] = "nul"
            return self._text(column, pc.replace_substring(values, "\0", ""))
        return {"kind": "character", "values": bytearray(content), "ascii": content.isascii()}

    def _nested(self, column, kind, values):
        if kinds.is_struct(values.type):
            fields = list(kind.fields) if isinstance(kind, spark_types.StructType) else [None] * values.type.num_fields
            names = [field.name if field else values.type.field(at).name for at, field in enumerate(fields)]
            parts = [
                self.vector(f"{column}.{name}", field and field.dataType, part)
                for name, field, part in zip(names, fields, values.flatten(), strict=True)
            ]
            return {"kind": "struct", "names": names, "parts": parts}
        if kinds.is_map(values.type):
            entries = values.cast(pa.list_(values.type.field(0)))
            keys, items = pc.list_flatten(entries).flatten()
            key_kind, item_kind = (kind.keyType, kind.valueType) if isinstance(kind, spark_types.MapType) else (None, None)
            return {
                "kind": "map",
                "sizes": _bytes(pc.list_value_length(entries).fill_null(0), np.float64),
                "parts": [self.vector(f"{column} (keys)", key_kind, keys), self.vector(column, item_kind, items)],
            }
        element = kind.elementType if isinstance(kind, spark_types.ArrayType) else None
        return {
            "kind": "list",
            "sizes": _bytes(pc.list_value_length(values).fill_null(0), np.float64),
            "parts": [self.vector(column, element, pc.list_flatten(values))],
        }


def _plain(values, instead):
    """Return numbers, with `instead` where they are missing."""
    return np.asarray(values.fill_null(instead) if values.null_count else values)


def _numbers(kind, values, written):
    """Return a vector of numbers; as bytes, since R reads them itself, whichever numpy its reticulate knows."""
    return {"kind": kind, "values": _bytes(values, written)}


def _bytes(values, written=np.uint8):
    return bytearray(np.ascontiguousarray(np.asarray(values), dtype=written).view(np.uint8).data)


def _content(joined):
    """Return the bytes of text of which each ends with NUL: those of the array's own part of its buffer."""
    if len(joined):
        offsets = np.frombuffer(joined.buffers()[1], np.int64)[joined.offset : joined.offset + len(joined) + 1]
        yield memoryview(joined.buffers()[2])[offsets[0] : offsets[-1]]


def _loses_digits(values):
    """Return whether a double can't hold one of these decimals: what it shows in its shortest form is another number."""
    digits = pc.utf8_length(pc.utf8_trim(pc.replace_substring_regex(values.cast(pa.string()), r"[-.]", ""), "0"))
    many = values.filter(pc.greater(digits, DIGITS))
    return any(Decimal(repr(float(each))) != each for each in many.to_pylist() if each is not None)
