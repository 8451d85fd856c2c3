"""Requests per second, p99 and CPU through the edge, beside its peers, in one run.

`benchmarks/edge/run [--rounds 3] [--seconds 5]`. In each round every contender is asked by wrk with 32 connections; the medians
over the rounds are what is told. Everybody stands before the same backend.
"""

import argparse
import asyncio
import re
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.edge.contenders import (
    CHP,
    Contender,
    backend,
    caddy_with_a_fixed_route,
    chp,
    edge,
    fill_store,
)
from benchmarks.results import table, versions, write_section
from rsparkhub.edge.process import find_caddy
from rsparkhub.settings import Settings

CONNECTIONS = 32
MANY = 10_000
RUNNING = 50
_SCRIPT = """
local paths = {%s}
local turn = math.random(#paths)
request = function()
  turn = turn %% #paths + 1
  return wrk.format("GET", paths[turn])
end
"""
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True)
class Measured:
    rate: float  # requests a second
    p50: float  # ms
    p99: float  # ms
    cpu: float  # µs a request, of the contender's processes


@contextmanager
def quiet_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rsb-") as folder:
        yield Path(folder)


def wrk(contender: Contender, seconds: int) -> Measured:
    """Ask for so many seconds.

    Raises
    ------
    RuntimeError
        When any answer was an error: then nothing was measured.
    """
    before = _cpu(contender)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        command = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
        for name, value in contender.headers.items():
            command += ["-H", f"{name}: {value}"]
        if len(contender.urls) > 1:
            script.write(_SCRIPT % ",".join(f'"{url.split("/", 3)[3].join(("/", ""))}"' for url in contender.urls))
            script.flush()
            command += ["-s", script.name]
        said = subprocess.run([*command, contender.urls[0]], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"not every answer was a good one:\n{said}")
    requests = int(_find(r"(\d+) requests in", said))
    return Measured(
        rate=float(_find(r"Requests/sec:\s+([\d.]+)", said)),
        p50=_milliseconds(_find(r"(?m)^ +50%\s+(\S+)$", said)),
        p99=_milliseconds(_find(r"(?m)^ +99%\s+(\S+)$", said)),
        cpu=(_cpu(contender) - before) / requests * 1e6,
    )


def _cpu(contender: Contender) -> float:
    times = [process.cpu_times() for process in contender.processes]
    return sum(each.user + each.system for each in times)


def _find(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"wrk said nothing like {pattern}:\n{text}")
    return match[1]


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", text).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]


def measure(rounds: int, seconds: int) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}

    def take(name: str, contender: Contender) -> None:
        wrk(contender, 1)  # connections are made, caches are warm
        found.setdefault(name, []).append(wrk(contender, seconds))
        print(f"{name}: {found[name][-1]}", flush=True)

    with quiet_folder() as folder, backend(folder) as upstream:
        stores = {}
        for known in (1, MANY):
            data = folder / f"data-{known}"
            data.mkdir(mode=0o700)
            stores[known] = (data, *asyncio.run(fill_store(Settings(data=data), upstream=upstream, known=known)))
        for _ in range(rounds):
            take(DIRECT, Contender(urls=[f"http://{upstream}/s/abcdefghjk/api"]))
            with caddy_with_a_fixed_route(folder, upstream) as contender:
                take(FIXED, contender)
            with caddy_with_a_fixed_route(folder, upstream, GOGC="300") as contender:
                take(FIXED_TUNED, contender)
            with chp(folder, upstream, routes=1000) as contender:
                take(PROXY, contender)
            for known in (1, MANY):
                data, ids, token = stores[known]
                with edge(data, ids[:1], token) as contender:
                    take(EDGE[known], contender)
            data, ids, token = stores[MANY]
            with edge(data, ids[:RUNNING], token) as contender:
                take(SPREAD, contender)
            with edge(data, ids[:1], token, path="%61pi") as contender:
                take(EACH_TIME, contender)
    return found


DIRECT = "backend itself"
FIXED = "Caddy, one fixed route"
FIXED_TUNED = "the same, with the edge's GOGC"
PROXY = "configurable-http-proxy, 1,000 routes"
EDGE = {1: "**edge, 1 session known**", MANY: "**edge, 10,000 sessions known**"}
SPREAD = "edge, 10,000 known, 50 of them asked in turn"
EACH_TIME = "edge, 10,000 known, the hub asked each time (a path with a percent)"


def tell(found: dict[str, list[Measured]]) -> str:
    middle = {name: _middle(samples) for name, samples in found.items()}
    fixed, proxy = middle[FIXED].rate, middle[PROXY].rate
    rows = [
        [
            name,
            f"{one.rate:,.0f}",
            f"{one.rate / proxy:.2f} ×",
            f"{(one.rate / fixed - 1) * 100:+.0f} %",
            f"{one.p50:.1f} ms",
            f"{one.p99:.1f} ms",
            f"{one.cpu:.0f} µs" if one.cpu else "",
        ]
        for name, one in middle.items()
    ]
    head = ["", "requests/s", "of configurable-http-proxy", "against the fixed route", "p50", "p99", "CPU a request"]
    return (
        f"wrk, {CONNECTIONS} connections, medians of {len(found[DIRECT])} rounds; wrk, backend and contender share the machine. "
        "CPU is that of the proxy, for the edge with the hub's. Aims: at least 2 × configurable-http-proxy, and at most 35 % "
        "below the fixed route. How it comes: docs/decisions/0013-a-caddy-of-our-own.md.\n\n" + table(head, rows)
    )


def _middle(samples: Sequence[Measured]) -> Measured:
    return Measured(*(statistics.median(getattr(one, name) for one in samples) for name in ("rate", "p50", "p99", "cpu")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--only-show", action="store_true", help="write nothing into RESULTS.md")
    given = parser.parse_args()
    body = tell(measure(given.rounds, given.seconds))
    if given.only_show:
        print(body)
        return
    caddy = subprocess.run([find_caddy(), "version"], capture_output=True, text=True, check=True).stdout.split()[0]
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    said = f"Caddy {caddy}, {CHP.replace('@', ' ')}, Node {node}, {versions('httptools', 'uvloop')}"
    write_section("The edge asking the hub", body, with_versions=said)


if __name__ == "__main__":
    main()
