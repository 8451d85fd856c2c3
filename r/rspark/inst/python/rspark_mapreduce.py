"""Has Spark run the maps and reduces of a job of R: each on the lines of a part, in an R where that part is."""

import base64
from math import ceil

import pyarrow as pa
import rspark_apply
import rspark_part
from rspark_driver import Work

_SCHEMA = pa.schema([("key", pa.string()), ("value", pa.string())])
_COLUMNS = "key string, value string"
#: Bytes of input that one map gets: an R has all of them in its memory.
_PART = 16 * 2**20

ship = rspark_apply.ship


def run(session, inputs, output, map_task, reduce_task):
    """Return the work of a job; its result is nothing.

    Parameters
    ----------
    session
        Spark.
    inputs, output
        Paths of text, and of a folder that isn't there yet.
    map_task, reduce_task
        R's bytes of functions of a data frame; without a reduce, what the maps make is the result.
    """
    own = session.newSession()  # with settings of its own
    own.conf.set("spark.sql.files.maxPartitionBytes", str(_PART))
    zone = session.conf.get("spark.sql.session.timeZone")

    def task(function, names):
        return rspark_part.on_parts(base64.b64encode(bytes(function)).decode(), names, _SCHEMA, zone)

    def do():
        lines = own.read.text(list(inputs))
        made = lines.mapInArrow(task(map_task, lines.columns), _COLUMNS)
        if reduce_task is not None:
            parts = max(own.sparkContext.defaultParallelism, ceil(lines.rdd.getNumPartitions() / 4))
            pairs = made.repartition(parts, "key").sortWithinPartitions("key")
            made = pairs.mapInArrow(task(reduce_task, pairs.columns), _COLUMNS)
        made.select("value").write.text(output)

    return Work(session, "MapReduce", do)
