"""Spark's first result in a notebook: the driver starts with the call, or with the session, or serves Spark Connect."""

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path
from typing import Any

from session.tests.running import CHECKOUT, Running, interface, part, spec, until

from benchmarks.results import table, write_section
from rspark_session.services.spark import spark_version

PYTHON = """
import time
began = time.monotonic()
from pyspark.sql import SparkSession
SparkSession.builder.getOrCreate().range(10).count()
print(time.monotonic() - began)
"""
R = "began <- proc.time()[[3]]; invisible(rspark::spark_sql('SELECT 1')); cat(proc.time()[[3]] - began)"
LOCAL = {"mode": "local", "memory": 2**30, "cores": 2}
COMPONENT = part("spark", "{python}", "-m", "rspark_session.services.spark.cluster", "{run}/spark")
WAYS: dict[str, tuple[dict[str, Any], str, str]] = {
    "Python, the driver starts with the call": ({}, "python3", PYTHON),
    "Python, `ahead: true`": ({"ahead": True}, "python3", PYTHON),
    "Python, `connect: true`": ({"connect": True, "connect_port": "{port:connect}"}, "python3", PYTHON),
    "R, the driver starts with the call": ({}, "ir", R),
    "R, `ahead: true`": ({"ahead": True}, "ir", R),
}


async def measure(options: dict[str, Any], kernel: str, code: str) -> float:
    """Return the seconds from the first call to its result, in a session that has been there for a while."""
    with tempfile.TemporaryDirectory() as folder:
        more = {"parts": [COMPONENT]} if options else {}
        running = Running(spec(Path(folder), id="measured", interface=interface("jupyterlab"), spark=LOCAL | options, **more))
        running.start()
        try:
            await running.until_state("ready")
            if options:
                await until((running.run / "spark/ahead.json").exists, "the driver is there")
            async with running.kernel(await running.new_kernel(kernel)) as client:
                await client.shown("1")
                return float((await client.shown(code)).splitlines()[-1].split()[-1])
        finally:
            await running.close()


def version() -> str:
    """Return which PySpark the sessions have."""
    home = next((CHECKOUT / ".venv-session/lib").glob("python3*/site-packages/pyspark"))
    return f"PySpark {spark_version(str(home))}"


def main(rounds: int) -> None:
    rows = []
    for title, (options, kernel, code) in WAYS.items():
        seconds = [asyncio.run(measure(options, kernel, code)) for _ in range(rounds)]
        rows.append([title, f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}"])
    body = table(["", "median, seconds", "longest"], rows)
    write_section("Spark's first result", f"{rounds} rounds each, in a kernel that runs.\n\n{body}", with_versions=version())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    main(parser.parse_args().rounds)
