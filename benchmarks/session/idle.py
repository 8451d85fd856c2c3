"""What a full hub costs when nobody asks it anything: 1,000 session rows of which 50 run."""

import argparse
import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil
from tests.installation import Installation

from benchmarks.results import spread, table, versions, write_section
from rsparkhub.domain.session import Wanted
from rsparkhub.settings import Settings
from rsparkhub.store import open_store


async def add_rows(data: Path, *, count: int, owner: str) -> None:
    """Write rows of sessions asleep straight into the store: what a term leaves behind."""
    settings = Settings(data=data)
    now = datetime.now(UTC)
    async with open_store(settings.store, notify_dir=None) as store:
        for number in range(count):
            session, _ = await store.sessions.create(owner=owner, environment="terminal", name=f"row {number}", now=now)
            await store.sessions.set_wanted(session.id, Wanted.STOPPED, by=owner, now=now)


def processes(parent: psutil.Process) -> dict[str, psutil.Process]:
    """Find hub, controller and edge among the children of `rsparkhub up`."""
    found = {}
    for child in parent.children(recursive=True):
        words = child.cmdline()
        for name in ("hub", "controller", "edge"):
            if name in words:
                found.setdefault(name, child)
        if words and words[0].endswith("caddy"):
            found["caddy"] = child
    return found


def main(rows: int, running: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        environ = {"RSPARKHUB_MOST_SESSIONS_PER_PERSON": "100000", "RSPARKHUB_MOST_RUNNING": str(running)}
        with Installation(Path(scratch) / "data", environ=environ) as installation, installation.client() as hub:
            me = hub.get("/hub/api/me").json()["name"]
            asyncio.run(add_rows(installation.data, count=rows - running, owner=me))
            for _ in range(running):
                hub.post("/hub/api/sessions", json={"environment": "terminal"}).raise_for_status()
            deadline = time.monotonic() + 540
            while True:
                states = [s["state"] for s in hub.get("/hub/api/sessions", params={"limit": rows}).json()["sessions"]]
                if states.count("running") == running and len(states) == rows:
                    break
                if time.monotonic() > deadline:
                    raise TimeoutError(f"only {states.count('running')} of {running} sessions run")
                time.sleep(1)
            time.sleep(15)  # what was started last has settled
            assert installation.process is not None
            parts = processes(psutil.Process(installation.process.pid))
            before = {name: sum(part.cpu_times()[:2]) for name, part in parts.items()}
            time.sleep(seconds)
            cpu = {name: (sum(part.cpu_times()[:2]) - before[name]) / seconds * 100 for name, part in parts.items()}
            memory = {name: part.memory_full_info().pss / 2**20 for name, part in parts.items()}
            took = []
            for _ in range(20):
                began = time.perf_counter()
                hub.get("/hub/api/sessions", params={"limit": rows}).raise_for_status()
                took.append(time.perf_counter() - began)
    body = f"{rows:,} rows of which {running} run (interface `terminal`), nobody asking, {seconds:.0f} s.\n\n"
    body += table(
        ["process", "CPU, % of a core", "memory (PSS)"],
        [[name, f"{cpu[name]:.2f}", f"{memory[name]:.0f} MiB"] for name in parts],
    )
    both = cpu["hub"] + cpu["controller"]
    body += f"\n\nHub and controller together: {both:.2f} % of a core, {memory['hub'] + memory['controller']:.0f} MiB."
    body += f"\n\nThe list of all {rows:,} rows, as the page asks for it: {spread(took, unit='ms', scale=1000)}"
    body += f" (median {statistics.median(took) * 1000 / rows:.3f} ms a row)."
    write_section("A full hub at rest", body, with_versions=versions("fastapi", "sqlalchemy", "uvicorn"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--running", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    main(arguments.rows, arguments.running, arguments.seconds)
