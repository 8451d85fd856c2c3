"""A query of Hive's from R, by `rspark::hive()`, beside the same from beeline: both in a connection that is open."""

import argparse
import re
import statistics

from benchmarks.results import spread, table, write_section
from benchmarks.services.whole import session

ROWS = 1_000_000
QUERIES = {
    "one row": "SELECT 1 AS one",
    f"{ROWS:,} rows in 20 groups": "SELECT g, count(*) AS n, avg(x) AS mean FROM measured GROUP BY g",
    "1,000 rows": "SELECT * FROM measured WHERE id < 1000",
}
PREPARE = f"""
suppressMessages(library(rspark))
con <- suppressMessages(hive())
table <- "SELECT id, id % 20 AS g, id * 1.5D AS x FROM range({ROWS})"
invisible(DBI::dbExecute(con, paste("CREATE TABLE measured STORED AS PARQUET AS", table)))
"""
IN_R = """
suppressMessages(library(rspark))
con <- suppressMessages(hive())
for (sql in {queries}) for (i in seq_len({rounds})) {{
  cat("TOOK", system.time(DBI::dbGetQuery(con, sql))[["elapsed"]], "\\n")
}}
"""


def by_r(full_r: str, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each round, by the query; what `full_r` printed has a line for each."""
    seconds = [float(found) for found in re.findall(r"TOOK (\S+)", full_r)]
    return {name: seconds[at * rounds : (at + 1) * rounds] for at, name in enumerate(QUERIES)}


def by_beeline(said: str, rounds: int) -> dict[str, list[float]]:
    """Return the seconds that beeline said of each round, by the query."""
    seconds = [float(found) for found in re.findall(r"rows? selected \((\S+) seconds\)", said)]
    return {name: seconds[at * rounds : (at + 1) * rounds] for at, name in enumerate(QUERIES)}


def main(rounds: int) -> None:
    every = rounds + 2
    with session() as (_, full):
        full.r(PREPARE)
        queries = "c(" + ", ".join(f'"{query}"' for query in QUERIES.values()) + ")"
        ours = by_r(full.r(IN_R.format(queries=queries, rounds=every)), every)
        statements = "; ".join(query for query in QUERIES.values() for _ in range(every))
        said = full.run("bash", "-c", f"hive -e '{statements}' 2>&1")
        version = full.r("cat(suppressMessages(rspark::spark())$version)").split()[-1]
        beeline = by_beeline(said, every)
    rows = []
    for name in QUERIES:
        r, other = ours[name][2:], beeline[name][2:]
        ratio = statistics.median(r) / statistics.median(other)
        rows.append([name, spread(r, unit="s", digits=3), spread(other, unit="s", digits=3), f"{ratio:.2f}"])
    body = f"{rounds} rounds after two to warm up, in one connection each. Of beeline it is what beeline says.\n\n"
    body += table(["", "`rspark::hive()`, median (min–max)", "beeline", "ratio"], rows)
    write_section("A query of Hive's", body, with_versions=f"Spark {version}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    main(parser.parse_args().rounds)
