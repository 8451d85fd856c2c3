"""Click to first R result: session, kernel, `1+1`; beside the same Jupyter server started by hand, and JupyterHub 6."""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import httpx
from tests.installation import Installation
from tests.kernels import RemoteKernel

from benchmarks.results import spread, table, versions, write_section
from benchmarks.session.peers import JUPYTERHUB, jupyter_server, jupyterhub

ENVIRONMENT = "r"


def first_result(url: str, headers: dict[str, str]) -> None:
    with RemoteKernel(url, headers) as kernel:
        assert "[1] 2" in kernel.run("1+1").text


def by_hand(folder: Path) -> float:
    began = time.perf_counter()
    with jupyter_server(folder) as (url, headers, _):
        first_result(url, headers)
        return time.perf_counter() - began


def ours(installation: Installation) -> float:
    """Start a session as the page does (one call, then its events), and run the cell through the edge."""
    headers = {"Authorization": f"Bearer {installation.token}"}
    with installation.client() as hub:
        began = time.perf_counter()
        session = hub.post("/hub/api/sessions", json={"environment": ENVIRONMENT}).raise_for_status().json()
        with hub.stream("GET", f"/hub/api/sessions/{session['id']}/events") as events:
            for line in events.iter_lines():
                if line.startswith("data:") and json.loads(line[5:]).get("state") == "running":
                    break
        first_result(f"{installation.address}/s/{session['id']}", headers)
        took = time.perf_counter() - began
        hub.delete(f"/hub/api/sessions/{session['id']}").raise_for_status()
        while hub.get(f"/hub/api/sessions/{session['id']}").status_code != 404:
            time.sleep(0.1)
    return took


def with_jupyterhub(url: str, headers: dict[str, str], person: str) -> float:
    with httpx.Client(base_url=url, headers=headers, timeout=60) as hub:
        hub.post(f"/hub/api/users/{person}").raise_for_status()
        began = time.perf_counter()
        hub.post(f"/hub/api/users/{person}/server").raise_for_status()
        with hub.stream("GET", f"/hub/api/users/{person}/server/progress") as progress:
            for line in progress.iter_lines():
                if line.startswith("data:") and json.loads(line[5:]).get("ready"):
                    break
        first_result(f"{url}/user/{person}", headers)
        took = time.perf_counter() - began
        hub.delete(f"/hub/api/users/{person}/server").raise_for_status()
        while hub.get(f"/hub/api/users/{person}").json()["servers"]:
            time.sleep(0.1)
    return took


def main(runs: int) -> None:
    mine, hand, peer = [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "jupyterhub").mkdir()
        with Installation(root / "data") as installation, jupyterhub(root / "jupyterhub") as (url, headers):
            for run in range(runs + 1):
                folder = root / f"hand-{run}"
                folder.mkdir()
                figures = by_hand(folder), ours(installation), with_jupyterhub(url, headers, f"p{run}")
                if run:  # the first round warms the caches of the disk for all three
                    for samples, figure in zip((hand, mine, peer), figures, strict=True):
                        samples.append(figure)
    middle = statistics.median(hand)
    rows = [
        [name, spread(samples, unit="s", digits=2), f"{statistics.median(samples) / middle:.2f}"]
        for name, samples in (
            ("Jupyter server started by hand", hand),
            ("RSparkHub, through the edge", mine),
            ("JupyterHub, local process spawner", peer),
        )
    ]
    body = f"{runs} rounds, each of the three in turn.\n\n" + table(
        ["", "click to first R result, median (min–max)", "ratio to by hand"], rows
    )
    write_section("Click to first R result", body, with_versions=f"{versions('fastapi')}, {JUPYTERHUB}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    main(parser.parse_args().runs)
