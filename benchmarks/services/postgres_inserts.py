"""42,000 rows put into PostgreSQL one INSERT at a time, as a first program does, beside the same with every commit waited for."""

import argparse
import asyncio
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.results import table, write_section
from rsparkhub.services.base import Account
from rsparkhub.services.postgres import Postgres

TOP = Path(__file__).parents[2]
ROWS = 42_000
_READY_SECONDS = 90


def start(folder: Path) -> tuple["subprocess.Popen[bytes]", dict[str, Any]]:
    """Start the shared server as the hub does; return it, and where it listens."""
    (instance,) = Postgres().instances()
    (part,) = instance.components
    python = str(TOP / ".venv-session/bin/python")
    places = {"python": python, "data": str(folder / "data"), "run": str(folder), "host": "127.0.0.1"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([word.format_map(places) for word in part.command], stdout=log, stderr=log)
    file, deadline = Path(part.ready["file"].format_map(places)), time.monotonic() + _READY_SECONDS
    while not file.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit((folder / "log").read_text())
        time.sleep(0.05)
    return server, json.loads(file.read_text())


def insert(endpoint: dict[str, Any], synchronous: str | None, rows: int) -> float:
    """Insert so many rows, each in a transaction of its own; return the seconds that it took."""
    where = {"host": endpoint["host"], "port": endpoint["port"], "dbname": "ann", "user": "ann", "password": "pw"}
    with psycopg.connect(**where, autocommit=True) as connection:
        if synchronous is not None:
            connection.execute(f"SET synchronous_commit = {synchronous}")
        connection.execute("DROP TABLE IF EXISTS measured")
        connection.execute("CREATE TABLE measured (id int PRIMARY KEY, name text, price double precision)")
        began = time.perf_counter()
        for number in range(rows):
            connection.execute("INSERT INTO measured VALUES (%s, %s, %s)", (number, f"name {number}", number * 1.5))
        return time.perf_counter() - began


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # where root runs it, the server has an account of its own
        server, endpoint = start(folder)
        try:
            asyncio.run(Postgres().ensure_account(endpoint, Account(user="ann", password="pw")))
            ours, waited = insert(endpoint, None, rows), insert(endpoint, "on", rows)
        finally:
            server.terminate()
            server.wait()
    body = table(
        ["", "seconds", "rows/s"],
        [
            ["a person's role, as it is (`synchronous_commit = off`)", f"{ours:.1f}", f"{rows / ours:,.0f}"],
            ["the same with `SET synchronous_commit = on`", f"{waited:.1f}", f"{rows / waited:,.0f}"],
        ],
    )
    title = "Single INSERTs into PostgreSQL"
    version = f"PostgreSQL {endpoint['version']}, psycopg {psycopg.__version__}"
    write_section(title, f"{rows:,} rows, one after the other.\n\n{body}", with_versions=version)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    main(parser.parse_args().rows)
