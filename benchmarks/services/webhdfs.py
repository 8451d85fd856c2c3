"""WebHDFS through edge and agent under a session's address, beside the NameNode and DataNode asked directly with its token."""

import argparse
import json
import ssl
import statistics
import time
from collections.abc import Callable

import httpx

from benchmarks.results import spread, table, versions, write_section
from benchmarks.services.whole import session

MIB = 2**20
_SECONDS = 120


def timed(ask: Callable[[], httpx.Response]) -> float:
    """Return the seconds that an answer takes.

    Raises
    ------
    httpx.HTTPStatusError
        When it is an error: then nothing was measured.
    """
    began = time.perf_counter()
    ask().raise_for_status()
    return time.perf_counter() - began


def main(rounds: int, megabytes: int) -> None:
    content = bytes(range(256)) * (megabytes * MIB // 256)
    with session() as (running, full):
        user = full.run("printenv", "RSPARK_USER").strip()
        token = next(running.data.glob(f"sessions/{full.id}/*/hdfs/token")).read_text().strip()
        endpoint = json.loads(next(running.data.glob("sessions/hdfs/*/hdfs.json")).read_text())
        trusts = ssl.create_default_context(cadata=endpoint["certificate"])
        home = f"/webhdfs/v1/user/{user}"
        through = httpx.Client(
            base_url=f"{running.address}/s/{full.id}/hdfs{home}", headers={"Authorization": f"Bearer {running.token}"},
            follow_redirects=True, timeout=_SECONDS,
        )  # fmt: skip
        direct = httpx.Client(
            base_url=f"https://localhost:{endpoint['https']}{home}", params={"delegation": token}, verify=trusts,
            follow_redirects=True, timeout=_SECONDS,
        )  # fmt: skip
        took: dict[str, tuple[list[float], list[float]]] = {}
        with through, direct:
            for number in range(rounds + 1):
                for way, client in enumerate((through, direct)):
                    name = f"/measured-{way}"
                    steps = {
                        "a folder listed": lambda client=client: client.get("", params={"op": "LISTSTATUS"}),
                        f"{megabytes} MiB written": lambda client=client, name=name: client.put(
                            name, params={"op": "CREATE", "overwrite": "true"}, content=content
                        ),
                        f"{megabytes} MiB read": lambda client=client, name=name: client.get(name, params={"op": "OPEN"}),
                    }
                    for step, ask in steps.items():
                        seconds = timed(ask)
                        if number:  # the first round warms all
                            took.setdefault(step, ([], []))[way].append(seconds)
    rows = [
        [
            step,
            *(spread(ways, unit="ms", scale=1000) for ways in both),
            f"{statistics.median(both[0]) / statistics.median(both[1]):.2f}",
        ]
        for step, both in took.items()
    ]
    body = f"{rounds} rounds after one to warm up, each way in turn; both with TLS to HDFS.\n\n"
    body += table(["", "through edge and agent, median (min–max)", "directly", "ratio"], rows)
    write_section("WebHDFS through the edge", body, with_versions=versions("httpx"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--megabytes", type=int, default=64)
    arguments = parser.parse_args()
    main(arguments.rounds, arguments.megabytes)
