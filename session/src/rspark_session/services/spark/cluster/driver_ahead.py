"""A driver that starts with the session, so that the first call has it at once, and that may serve clients of Spark Connect."""

from collections.abc import Mapping
from pathlib import Path

from rspark_session.services.spark.cluster.daemon import Daemon
from rspark_session.services.spark.standalone import DriverAhead

_SERVES = ("--conf", "spark.plugins=org.apache.spark.sql.connect.SparkConnectPlugin")
#: What PySpark gives to each driver that it starts.
_OF_PYSPARK = ("--conf", "spark.rdd.compress=true", "--conf", "spark.serializer.objectStreamReset=100")


def daemon(asked: DriverAhead, *, file: Path, environ: Mapping[str, str]) -> Daemon:
    """Return it, not started yet. It writes into `file` how it is reached; the first that takes the file has it."""
    file.unlink(missing_ok=True)
    arguments = ["--class", "org.apache.spark.rspark.Ahead", "--name", "Session", *_OF_PYSPARK]
    arguments += [*(_SERVES if asked.connect else ()), "spark-internal", str(file)]
    own = {name: value for name, value in environ.items() if name not in {"SPARK_REMOTE", "PYSPARK_SUBMIT_ARGS"}}
    # One that nobody shares has done its work when it ends in order.
    return Daemon("Spark's driver", "spark-submit", arguments, environ=own, again=asked.connect)
