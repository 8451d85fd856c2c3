"""Arrow tables of the columns of an R data frame, which arrive as plain bytes; and both as one file, for an R in another process.

A described vector is what `rspark_frames` makes: its kind, its length, and its content as bytes or parts. Here is the way back.
"""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

_NUMBERS = {
    "logical": (np.int32, pa.bool_()),
    "integer": (np.int32, pa.int32()),
    "double": (np.float64, pa.float64()),
    "integer64": (np.int64, pa.int64()),
}


def table(columns):
    """Return an Arrow table of named, described vectors."""
    return pa.table({column["name"]: array(column["vector"]) for column in columns})


def array(vector):  # noqa: PLR0911  (a line or two for each kind)
    """Return an Arrow array of a described vector. A missing value is null; NaN stays a number."""
    kind, missing = vector["kind"], None
    if vector.get("missing") is not None:
        missing = np.frombuffer(bytes(vector["missing"]), np.uint8).astype(bool)
    if kind in _NUMBERS:
        written, arrow = _NUMBERS[kind]
        return pa.array(np.frombuffer(bytes(vector["values"]), written), mask=missing).cast(arrow)
    if kind == "character":
        text = bytes(vector["values"]).split(b"\0")[:-1]
        return pa.array(text, pa.binary(), mask=missing).cast(pa.string())
    if kind == "Date":
        days = _whole(vector, 1)
        return pa.array(days.astype(np.int32), pa.int32(), mask=missing).cast(pa.date32())
    if kind == "POSIXct":
        return pa.array(_whole(vector, 1_000_000), pa.int64(), mask=missing).cast(pa.timestamp("us", tz="UTC"))
    if kind == "difftime":
        return pa.array(_whole(vector, 1_000_000), pa.int64(), mask=missing).cast(pa.duration("us"))
    sizes = np.frombuffer(bytes(vector["sizes"]), np.float64).astype(np.int32)
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    if kind == "raw":
        content = bytes(vector["values"])
        return pa.array([content[ends[at] : ends[at + 1]] for at in range(len(sizes))], pa.binary(), mask=missing)
    offsets = pa.array(ends, pa.int32(), mask=None if missing is None else np.append(missing, [False]))
    return pa.ListArray.from_arrays(offsets, array(vector["parts"][0]))


def _whole(vector, factor):
    """Return numbers in a smaller unit, as whole ones; 0 where there is none."""
    numbers = np.frombuffer(bytes(vector["values"]), np.float64)
    return np.where(np.isfinite(numbers), np.floor(numbers * factor + (0.5 if factor > 1 else 0)), 0).astype(np.int64)


def write(path, described):
    """Write something described into two files: its form as JSON, and beside it all its bytes."""
    blobs = []
    place = Path(path)
    place.with_suffix(".json").write_text(json.dumps(_without_bytes(described, blobs, [0])), encoding="utf-8")
    place.write_bytes(b"".join(blobs))


def read(path):
    """Return what R wrote in the same way."""
    place = Path(path)
    return _with_bytes(json.loads(place.with_suffix(".json").read_text(encoding="utf-8")), place.read_bytes())


def _without_bytes(value, blobs, end):
    if isinstance(value, (bytes, bytearray)):
        blobs.append(bytes(value))
        at, end[0] = end[0], end[0] + len(value)
        return {"at": at, "bytes": len(value)}
    if isinstance(value, dict):
        return {name: _without_bytes(item, blobs, end) for name, item in value.items()}
    return [_without_bytes(item, blobs, end) for item in value] if isinstance(value, list) else value


def _with_bytes(value, content):
    if isinstance(value, dict):
        if value.keys() == {"at", "bytes"}:
            return content[value["at"] : value["at"] + value["bytes"]]
        return {name: _with_bytes(item, content) for name, item in value.items()}
    return [_with_bytes(item, content) for item in value] if isinstance(value, list) else value
