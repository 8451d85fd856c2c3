"""Runs a function of R on one part of a data frame of Spark, where that part is: in the Python of an executor.

The part and what comes of it are files of `rspark_columns` in a folder that is deleted. What R says when it fails is the error.
"""

import base64
import shutil
import subprocess
import tempfile
from pathlib import Path

import pyarrow as pa
import rspark_columns
import rspark_frames

_PROGRAM = "rspark:::run_part(commandArgs(TRUE)[[1]])"


def on_parts(function, names, schema, zone):
    """Return what Spark runs on the Arrow batches of each part.

    Parameters
    ----------
    function
        R's bytes of it, as text in base 64.
    names, schema
        The names of the part's columns, and the columns that are returned.
    zone
        A time zone.
    """

    def run(batches):
        batches = list(batches)
        if batches:
            yield from _run(pa.Table.from_batches(batches), function, names, schema, zone).to_batches()

    return run


def on_groups(function, names, schema, zone):
    """Return what Spark runs on the Arrow table of each group; `on_parts` tells of what it is given."""
    return lambda table: _run(table, function, names, schema, zone)


def _run(table, function, names, schema, zone):
    """Return what R makes of a table, with the columns of the schema."""
    if shutil.which("Rscript") is None:
        raise RuntimeError("R isn't installed where Spark's executors run")
    with tempfile.TemporaryDirectory(prefix="rspark-part-") as folder:
        found = rspark_frames.Columns("numeric")
        columns = [{"name": name, "vector": found.vector(name, None, _whole(table.column(at)))} for at, name in enumerate(names)]
        rspark_columns.write(Path(folder, "part"), {"columns": columns, "rows": table.num_rows, "inexact": []})
        Path(folder, "function").write_bytes(base64.b64decode(function))
        Path(folder, "zone").write_text(zone, encoding="utf-8")
        ran = subprocess.run(["Rscript", "-e", _PROGRAM, folder], capture_output=True, text=True, check=False)
        result = Path(folder, "result.json")
        if not result.exists():
            problem = Path(folder, "problem")
            said = problem.read_text(encoding="utf-8") if problem.exists() else ran.stderr.strip()[-500:]
            raise RuntimeError(f"R says: {said}")
        made = rspark_columns.table(rspark_columns.read(Path(folder, "result")))
        if made.column_names != schema.names:
            raise RuntimeError(f"the function returned the columns {', '.join(made.column_names)}, not {', '.join(schema.names)}")
        return made.cast(schema)


def _whole(values):
    whole = values.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) and whole.num_chunks else whole
