"""Many starts at once on Kubernetes: RSparkHub on SQLite and on PostgreSQL, JupyterHub with KubeSpawner, and the bare limit.

All in one run, on the same ten simulated nodes: `python -m benchmarks.launch.run [--long] [--rounds N] [--only NAME…]`. Needs a
running cluster (`make cluster`). `--long` adds 1,000 starts; `--dry` prints the rows as JSON and leaves RESULTS.md as it is.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from tests.kubernetes.cluster import Cluster, make
from tests.postgres_server import PostgresServer

from benchmarks.launch import contenders
from benchmarks.results import table, versions, write_section

NODES = 10
#: How many starts, and how many requests for one at a time.
BURSTS = ((100, 50), (300, 50), (300, 300))
LONG = (1000, 50)
KILLED = (100, 50)
TITLES = {
    "bare": "bare pods, until Running",
    "jupyterhub": "JupyterHub 6.1.1, KubeSpawner 7.1.0",
    "sqlite": "RSparkHub on SQLite",
    "postgresql": "RSparkHub on PostgreSQL",
}
PICTURES = Path(__file__).parents[1] / "pictures"
_CONTROL_PLANE = ("etcd", "kube-controller-manager", "kube-scheduler", "kwok")

Row = dict[str, Any]
Driven = AbstractContextManager[dict[str, Any]]


def drive(cluster: Cluster, driven: dict[str, Any], burst: tuple[int, int], *, kill: str | None = None) -> Row:
    """Have one burst driven, and return its figures."""
    starts, in_flight = burst
    processes = driven.get("processes", {}) | contenders.cluster_processes(cluster)
    order = driven | {"starts": starts, "in_flight": in_flight, "kill": kill, "processes": processes}
    driver = Path(__file__).with_name("drive.py")
    said = subprocess.run([contenders.PYTHON, driver, json.dumps(order)], stdout=subprocess.PIPE, text=True, check=True).stdout
    row: Row = json.loads(said)
    return row


@contextmanager
def on_postgresql(cluster: Cluster, folder: Path) -> Iterator[dict[str, Any]]:
    """Start RSparkHub on a PostgreSQL of its own, which keeps what it has said."""
    server = PostgresServer(keeps_promises=True)
    try:
        server.start()
        with contenders.rsparkhub(cluster, folder, store_url=server.url(server.create_database())) as driven:
            yield driven
    finally:
        server.remove()


def measure(cluster: Cluster, names: Sequence[str], bursts: Sequence[tuple[int, int]], rounds: int, *, kills: bool) -> list[Row]:
    """Let each contender have its bursts, each fresh, in turn; then kill hub and controller in the midst of one."""
    ways: dict[str, Callable[[Cluster, Path], Driven]] = {
        "bare": contenders.bare,
        "jupyterhub": contenders.jupyterhub,
        "sqlite": contenders.rsparkhub,
        "postgresql": on_postgresql,
    }
    rows: list[Row] = []

    def note(name: str, row: Row) -> None:
        rows.append({"name": name, **row})
        print(json.dumps(rows[-1]), flush=True)

    with tempfile.TemporaryDirectory(prefix="launch-") as scratch, contenders.pods():
        for number in range(rounds):
            for name in names:
                with ways[name](cluster, Path(scratch) / f"{name}-{number}") as driven:
                    drive(cluster, driven, (1, 1))  # connections are open, and a home is there
                    for burst in bursts:
                        note(name, drive(cluster, driven, burst))
        for victim in ("hub", "controller") if kills else ():
            for name in [name for name in names if name in ("sqlite", "postgresql")]:
                with ways[name](cluster, Path(scratch) / f"{name}-{victim}") as driven:
                    drive(cluster, driven, (1, 1))
                    note(name, drive(cluster, driven, KILLED, kill=victim))
    return rows


def middle(rows: Sequence[Row], value: Callable[[Row], float | None]) -> float:
    """Return the median of a figure over the rounds; NaN where there is none."""
    found = [figure for row in rows if (figure := value(row)) is not None]
    return statistics.median(found) if found else float("nan")


def own_cpu(row: Row) -> float:
    """Return milliseconds of CPU a start of hub and controller together."""
    used: dict[str, float] = row["cpu_ms_a_start"]
    return used.get("hub", 0) + used.get("controller", 0)


def line(name: str, rows: Sequence[Row], beside: Sequence[Row]) -> list[str]:
    """Write one row of a table; `beside` are JupyterHub's rows of the same burst."""
    rate = middle(rows, lambda row: row["starts_per_second"])
    theirs = middle(beside, lambda row: row["starts_per_second"])
    to_ready = [middle(rows, lambda row, part=part: row["seconds_to_ready"][part]) for part in ("p50", "p99")]  # type: ignore[misc]
    api = middle(rows, lambda row: row["api_seconds"]["p99"])
    parts = [middle(rows, lambda row, part=part: row["cpu_ms_a_start"].get(part)) for part in ("hub", "controller")]  # type: ignore[misc]
    own = middle(rows, own_cpu)
    server = middle(rows, lambda row: row["cpu_ms_a_start"]["kube-apiserver"])
    plane = middle(rows, lambda row: sum(row["cpu_ms_a_start"][one] for one in _CONTROL_PLANE))
    lost = sum(row["starts"] - row["ready"] for row in rows)
    return [
        TITLES[name],
        f"{rate:.1f}",
        f"{rate / theirs:.2f} ×" if theirs == theirs else "–",
        f"{to_ready[0]:.2f} / {to_ready[1]:.2f} s",
        "–" if api != api else f"{1000 * api:.0f} ms",
        "–" if name == "bare" else f"{own:.0f} ms" + (f" ({parts[0]:.0f} + {parts[1]:.0f})" if parts[1] == parts[1] else ""),
        f"{server:.0f} ms",
        f"{plane:.0f} ms",
        str(lost),
    ]


HEAD = (
    "", "starts/s", "of JupyterHub", "p50 / p99 to ready", "API p99 meanwhile", "CPU a start: hub (+ controller)", "API server",
    "rest of the control plane", "lost",
)  # fmt: skip


def report(rows: Sequence[Row], rounds: int, note: str) -> str:
    """Write the section of RESULTS.md."""
    whole = [row for row in rows if row["killed"] is None]
    parts = []
    for burst in dict.fromkeys((row["starts"], row["in_flight"]) for row in whole):
        of_burst = [row for row in whole if (row["starts"], row["in_flight"]) == burst]
        by_name = {name: [row for row in of_burst if row["name"] == name] for name in TITLES}
        lines = [line(name, found, by_name["jupyterhub"]) for name, found in by_name.items() if found]
        how = "all at once" if burst[0] == burst[1] else f"{burst[1]} requests in flight"
        parts.append(f"**{burst[0]:,} starts, {how}**\n\n{table(HEAD, lines)}")
    killed = [row for row in rows if row["killed"] is not None]
    if killed:
        head = ("", "killed", "starts/s", "p99 to ready", "lost")
        lines = [
            [
                TITLES[row["name"]],
                row["killed"],
                f"{row['starts_per_second']:.1f}",
                f"{row['seconds_to_ready']['p99']:.1f} s",
                str(row["starts"] - row["ready"]),
            ]
            for row in killed
        ]
        how = f"{KILLED[0]} starts, {KILLED[1]} requests in flight; kill -9 when half of them are answered"
        parts.append(f"**{how}**\n\n{table(head, lines)}")
    said = [_EXPLANATION.format(nodes=NODES, rounds=rounds), *([note] if note else [])]
    return "\n\n".join([*said, *parts, _PICTURES])


_EXPLANATION = """\
Sessions are wanted at once on {nodes} simulated nodes (KWOK) of a real control plane; nothing runs in their
pods, and one stub answers for what would. Everything shares the machine, also the driver and the stub.
Medians of {rounds} round(s), each contender with processes, database and namespace of its own; requests go
through each one's own proxy. Starts/s: from the first request to the last start that was ready, by its own
word (JupyterHub's log, the session's row). CPU from /proc. `GET /hub/api/me`, and JupyterHub's `GET
/hub/api`, are asked ten times a second meanwhile. Settings: JupyterHub `concurrent_spawn_limit = 0`;
RSparkHub `most_running`, `most_starting` and `most_sessions_per_person` so high that no queue is measured;
all else as it comes."""
_PICTURES = """![Starts a second and CPU a start](pictures/launch.svg)

![When sessions were ready](pictures/launch-ready.svg)"""


def draw(rows: Sequence[Row]) -> None:
    """Draw the pictures of the section."""
    PICTURES.mkdir(exist_ok=True)
    drawing = Path(__file__).with_name("draw.py")
    given = json.dumps({"rows": rows, "titles": TITLES, "folder": str(PICTURES)})
    subprocess.run([contenders.PYTHON, drawing], input=given, text=True, check=True)


def keep(rows: Sequence[Row], rounds: int, note: str) -> None:
    """Write the section and draw its pictures."""
    draw(rows)
    used = f"Kubernetes v1.36.3, {versions('aiohttp', 'fastapi', 'sqlalchemy')}"
    write_section("Starts on Kubernetes", report(rows, rounds, note), with_versions=used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--long", action="store_true", help="1,000 starts too")
    parser.add_argument("--bursts", help="such as 100:50,300:300, in place of the usual ones")
    parser.add_argument("--only", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--no-kills", action="store_true", help="nothing is killed")
    parser.add_argument("--dry", action="store_true", help="print rows; RESULTS.md and the pictures stay as they are")
    parser.add_argument("--rows", type=Path, help="measure nothing: take the rows that an earlier run has printed into this file")
    parser.add_argument("--note", default="", help="what else is to be known of this run, for RESULTS.md")
    chosen = parser.parse_args()
    bursts: list[tuple[int, int]] = [*BURSTS, *([LONG] if chosen.long else [])]
    if chosen.bursts:
        bursts = [(int(one.split(":")[0]), int(one.split(":")[1])) for one in chosen.bursts.split(",")]
    contenders.prepare()
    if chosen.rows:
        keep([json.loads(row) for row in chosen.rows.read_text().splitlines() if row.startswith("{")], chosen.rounds, chosen.note)
        return
    cluster = Cluster()
    make("cluster-scale", NODES=str(NODES))
    try:
        rows = measure(cluster, chosen.only, bursts, chosen.rounds, kills=not chosen.no_kills)
    finally:
        make("cluster-scale", NODES="0")
    if not chosen.dry:
        keep(rows, chosen.rounds, chosen.note)


if __name__ == "__main__":
    main()
