"""Round trip of an R cell through the edge, beside jupyter_client on the kernel itself."""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from jupyter_client.blocking.client import BlockingKernelClient
from tests.installation import Installation
from tests.kernels import RemoteKernel

from benchmarks.results import spread, table, versions, write_section
from benchmarks.session.peers import jupyter_server

CELL = "1+1"


def through(kernel: RemoteKernel) -> float:
    began = time.perf_counter()
    kernel.run(CELL)
    return time.perf_counter() - began


def straight(client: BlockingKernelClient) -> float:
    """Run the cell over ZeroMQ, until the reply came and the kernel is idle: the same condition as through the edge."""
    began = time.perf_counter()
    message = client.execute(CELL)
    replied = idle = False
    while not idle:
        received = client.get_iopub_msg(timeout=60)
        if received["parent_header"].get("msg_id") == message and received["msg_type"] == "status":
            idle = received["content"]["execution_state"] == "idle"
    while not replied:
        replied = client.get_shell_msg(timeout=60)["parent_header"].get("msg_id") == message
    return time.perf_counter() - began


def connect(kernel_id: str, below: Path) -> BlockingKernelClient:
    """Connect to a kernel by its connection file, found below a folder."""
    [file] = below.rglob(f"kernel-{kernel_id}.json")
    client = BlockingKernelClient()
    client.load_connection_info(json.loads(file.read_text()))
    client.start_channels()
    client.wait_for_ready(timeout=60)
    return client


def main(cells: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "hand").mkdir()
        with Installation(root / "data") as installation, jupyter_server(root / "hand") as (url, headers, runtime):
            done = installation.command("session", "start", "r", "--wait", "--json")
            session = json.loads(done.stdout)["id"]
            bearer = {"Authorization": f"Bearer {installation.token}"}
            edge = RemoteKernel(f"{installation.address}/s/{session}", bearer)
            server = RemoteKernel(url, headers)
            straight_edge = connect(edge.id, installation.data)
            straight_server = connect(server.id, Path(runtime))
            samples: dict[str, list[float]] = {"kernel": [], "edge": [], "server kernel": [], "server": []}
            for cell in range(cells + 20):
                figures = {
                    "kernel": straight(straight_edge),
                    "edge": through(edge),
                    "server kernel": straight(straight_server),
                    "server": through(server),
                }
                if cell >= 20:
                    for name, figure in figures.items():
                        samples[name].append(figure)
            for each in (edge, server):
                each.close()
            for client in (straight_edge, straight_server):
                client.stop_channels()
    middle = {name: statistics.median(values) * 1000 for name, values in samples.items()}
    rows = [
        ["the kernel itself, by jupyter_client", spread(samples["kernel"], unit="ms", scale=1000, digits=2), "–"],
        [
            "through edge, agent and Jupyter server",
            spread(samples["edge"], unit="ms", scale=1000, digits=2),
            f"{middle['edge'] - middle['kernel']:.2f} ms",
        ],
        [
            "through a Jupyter server started by hand, without edge and agent",
            spread(samples["server"], unit="ms", scale=1000, digits=2),
            f"{middle['server'] - middle['server kernel']:.2f} ms",
        ],
    ]
    body = f"`{CELL}` in R, {cells} cells, each way in turn.\n\n" + table(["", "median (min–max)", "added at the median"], rows)
    write_section("Round trip of an R cell", body, with_versions=versions("jupyter-client", "websockets"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=300)
    main(parser.parse_args().cells)
