"""CSV to Parquet by `rspark::spark()` in R, beside PySpark by hand: the same calls, settings and session, each in turn."""

import argparse
import statistics

from benchmarks.results import spread, table, write_section
from benchmarks.services.whole import session

MAKE = """
import os
line = ",".join(["{0}", "name {0}", "{1}.5", "2026-01-01 00:00:00", "c{2}"]) + "\\n"
with open("measured.csv", "w") as file:
    file.write("id,name,price,at,class\\n")
    number = 0
    while file.tell() < BYTES:
        file.write("".join(line.format(n, n * 3, n % 20) for n in range(number, number + 10000)))
        number += 10000
"""
IN_R = """
suppressMessages(library(rspark))
session <- suppressMessages(spark())
schema <- "id LONG, name STRING, price DOUBLE, at TIMESTAMP, class STRING"
csv <- paste0("file:", path.expand("~/measured.csv"))
once <- function(to) session$read$csv(csv, schema = schema, header = TRUE)$write$mode("overwrite")$parquet(to)
invisible(once("warm.parquet"))
cat("TOOK", system.time(invisible(once("measured.parquet")))[["elapsed"]], "\\n")
"""
IN_PYTHON = """
import time
from pathlib import Path
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
schema = "id LONG, name STRING, price DOUBLE, at TIMESTAMP, class STRING"
def once(to):
    spark.read.csv(f"file:{Path.home()}/measured.csv", schema=schema, header=True).write.mode("overwrite").parquet(to)
once("warm.parquet")
began = time.perf_counter()
once("measured.parquet")
print("TOOK", time.perf_counter() - began)
"""


def took(said: str) -> float:
    """Return the seconds that a program said."""
    return float(next(line for line in said.splitlines() if line.startswith("TOOK")).split()[1])


def main(rounds: int, megabytes: int) -> None:
    r, python = [], []
    with session() as (_, full):
        full.run("python", "-c", MAKE.replace("BYTES", str(megabytes * 10**6)))
        for _ in range(rounds):
            r.append(took(full.r(IN_R)))
            python.append(took(full.run("python", "-c", IN_PYTHON)))
        version = full.run("python", "-c", "import pyspark; print(pyspark.__version__)").strip()
    more = (statistics.median(r) / statistics.median(python) - 1) * 100
    rows = [["`rspark::spark()` in R", spread(r, unit="s", digits=2)], ["PySpark by hand", spread(python, unit="s", digits=2)]]
    body = f"{megabytes:,} MB to Parquet on HDFS, {rounds} rounds in turn, each in a driver that did it once before.\n\n"
    body += table(["", "median (min–max)"], rows)
    body += f"\n\nR takes {more:+.1f} % (aim: at most 5 % more)."
    write_section("CSV to Parquet", body, with_versions=f"Spark {version}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=1000)
    arguments = parser.parse_args()
    main(arguments.rounds, arguments.megabytes)
