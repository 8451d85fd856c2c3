"""What R needs of Spark and can't do well from outside: columns as plain values with a mask of what is missing."""

import logging

import numpy as np
import pyarrow as pa
import pyarrow.types as kinds

# PySpark writes each error as a page of JSON as well; the person gets it once, as R's error.
logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)


def view(session, name, options):
    """Make a table of a database known to Spark under a name."""
    reader = session.read.format("jdbc")
    for key in options:
        reader = reader.option(key, options[key])
    reader.load().createOrReplaceTempView(name)


def columns(session, sql):
    """Give the columns of a query's result: name, kind of R vector, values, and where they are missing."""
    context = session.sparkContext
    context.setJobDescription(" ".join(sql.split())[:500])  # by which a person knows it on Spark's pages
    try:
        table = session.sql(sql).toArrow()
    finally:
        context.setJobDescription(None)
    return [column(name, table.column(at).combine_chunks()) for at, name in enumerate(table.column_names)]


def column(name, values):
    if isinstance(values, pa.ChunkedArray):  # of no chunks, or too large for one
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    kind, plain = as_r(values)
    if isinstance(plain, np.ndarray):  # as bytes: R reads them itself, whichever numpy its reticulate knows
        plain = bytearray(plain.tobytes())
    missing = bytearray(np.asarray(values.is_null()).tobytes())
    return {"name": name, "kind": kind, "length": len(values), "values": plain, "missing": missing}


def as_r(values):  # noqa: PLR0911  (a line for each kind)
    """Give the kind of R vector for Arrow values, and the values with something harmless where they are missing."""
    kind = values.type
    if kinds.is_boolean(kind):
        return "logical", np.asarray(values.fill_null(False)).astype(np.int32)
    if kinds.is_int8(kind) or kinds.is_int16(kind) or kinds.is_int32(kind):
        whole = np.asarray(values.fill_null(0))
        # The smallest of 32 bits is what R writes for a missing integer.
        if whole.size and whole.min() == np.iinfo(np.int32).min:
            return "double", whole.astype(np.float64)
        return "integer", whole.astype(np.int32)
    if kinds.is_integer(kind) or kinds.is_floating(kind):
        return "double", np.asarray(values.fill_null(0)).astype(np.float64)
    if kinds.is_decimal(kind):
        return "double", np.asarray(values.cast(pa.float64()).fill_null(0))
    if kinds.is_string(kind) or kinds.is_large_string(kind):
        return "character", values.fill_null("").to_pylist()
    if kinds.is_date(kind):
        days = values.cast(pa.date32()).cast(pa.int32()).fill_null(0)
        return "Date", np.asarray(days).astype(np.float64)
    if kinds.is_timestamp(kind):
        micros = values.cast(pa.timestamp("us", tz=kind.tz)).cast(pa.int64()).fill_null(0)
        return "POSIXct", np.asarray(micros).astype(np.float64) / 1e6
    if kinds.is_null(kind):
        return "logical", np.zeros(len(values), dtype=np.int32)
    return "list", values.to_pylist()
