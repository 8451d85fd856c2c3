"""A million rows of Spark into R by `spark_sql()`, beside PySpark's `toPandas()` over Arrow, in one driver and each in turn."""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

from benchmarks.results import spread, table, write_section

TOP = Path(__file__).parents[2]
PYTHON = TOP / ".venv-session/bin/python"
ROWS = 1_000_000
QUERIES = {
    "numbers, text, times": (
        "SELECT cast(id AS int) AS i, id * 1.5D AS d, id AS l, concat('name ', id) AS s, concat('c', id % 20) AS c, "
        "timestamp_seconds(id) AS ts, date_add(date'2000-01-01', cast(id % 9000 AS int)) AS day, "
        f"cast(id AS decimal(12, 2)) AS price, id % 2 = 0 AS b FROM range({ROWS})"
    ),
    "arrays": f"SELECT id, array(id, id + 1) AS a, concat('x', id) AS s FROM range({ROWS})",
}
PREPARE = """
import sys; from pathlib import Path
from rspark_session.services.spark.configuration import SparkConfig, write_configuration
from rspark_session.services.spark.secrets import DriverSecrets
work = Path(sys.argv[1])
places = {'home': work, 'scratch': work / 'scratch'}
write_configuration(work / 'conf', SparkConfig(memory=2**31, cores=2), base_path='/s/x/', **places, secrets=DriverSecrets())
import pyspark; print(Path(pyspark.__file__).parent, pyspark.__version__, sep="\\n")
"""
MEASURE = """
suppressMessages(library(rspark))
asked <- jsonlite::read_json(commandArgs(TRUE)[[1]])
session <- spark()
reticulate::py_run_string("
import time
from pyspark.sql import SparkSession
def to_pandas(sql):
    began = time.perf_counter()
    SparkSession._instantiatedSession.sql(sql).toPandas()
    return time.perf_counter() - began
")
took <- lapply(asked$queries, function(sql) {
  rounds <- lapply(seq_len(asked$rounds + 2), function(i) {
    list(r = system.time(spark_sql(sql))[["elapsed"]], pandas = reticulate::py$to_pandas(sql))
  })
  rounds[-(1:2)]
})
jsonlite::write_json(took, commandArgs(TRUE)[[2]], auto_unbox = TRUE, digits = NA)
"""


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        prepared = subprocess.run([PYTHON, "-c", PREPARE, work], check=True, capture_output=True, text=True)
        home, version = prepared.stdout.splitlines()[-2:]
        (work / "measure.R").write_text(MEASURE)
        (work / "asked.json").write_text(json.dumps({"queries": QUERIES, "rounds": rounds}))
        environ = {
            "SPARK_HOME": home,
            "SPARK_CONF_DIR": str(work / "conf"),
            "R_LIBS": str(TOP / ".r-library"),
            "PATH": f"{PYTHON.parent}:{os.environ['PATH']}",
        }
        command = ["Rscript", str(work / "measure.R"), str(work / "asked.json"), str(work / "took.json")]
        subprocess.run(command, env=os.environ | environ, check=True)
        took = json.loads((work / "took.json").read_text())
    lines = []
    for name, figures in took.items():
        r, pandas = ([each[way] for each in figures] for way in ("r", "pandas"))
        ratio = sorted(r)[len(r) // 2] / sorted(pandas)[len(pandas) // 2]
        lines.append([name, spread(r, unit="s", digits=2), spread(pandas, unit="s", digits=2), f"{ratio:.2f}"])
    body = f"{ROWS:,} rows, {rounds} rounds after two to warm up; aim: a ratio of at most 2.\n\n"
    body += table(["", "`spark_sql()` in R, median (min–max)", "PySpark's `toPandas()`", "ratio"], lines)
    write_section("A million rows of Spark into R", body, with_versions=f"Spark {version}, R and reticulate of Debian 12")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    main(parser.parse_args().rounds)
