"""A console of Rc²: `1+1` beside jupyter_client on the same kernel, and a hundred clients that watch one console print."""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import psutil
from jupyter_client.asynchronous.client import AsyncKernelClient

from benchmarks.rc2.room import PATIENCE, Room, room
from benchmarks.results import spread, table, versions, write_section
from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client

CELL = "1+1"
PAUSE_SECONDS = 0.1


def percentile(samples: Sequence[float], share: int) -> float:
    """Return the sample below which `share` percent of all are."""
    return statistics.quantiles(samples, n=100, method="inclusive")[share - 1]


async def straight(kernel: AsyncKernelClient) -> float:
    """Run the cell over ZeroMQ, until the reply has come and the kernel is idle."""
    began = time.perf_counter()
    message = kernel.execute(CELL)
    idle = replied = False
    while not idle:
        received = await kernel.get_iopub_msg(timeout=PATIENCE)
        if received["parent_header"].get("msg_id") == message and received["msg_type"] == "status":
            idle = received["content"]["execution_state"] == "idle"
    while not replied:
        replied = (await kernel.get_shell_msg(timeout=PATIENCE))["parent_header"].get("msg_id") == message
    return time.perf_counter() - began


async def through(client: Client, console: str) -> float:
    """Run the cell through Rc², until its end is told."""
    began = time.perf_counter()
    await client.run(console, CELL)
    return time.perf_counter() - began


async def round_trips(here: Room, cells: int) -> tuple[list[float], list[float]]:
    """Return seconds by jupyter_client and by Rc², in turn on one kernel."""
    async with here.client() as client:
        console = await client.start("ir")
        await client.run(console, CELL)
        [started] = [each for each in client.events if isinstance(each, protocol.ConsoleStarted) and each.console == console]
        [file] = here.data.rglob(f"kernel-{started.kernel}.json")
        kernel = AsyncKernelClient()
        kernel.load_connection_info(json.loads(file.read_text()))
        kernel.start_channels()
        try:
            await kernel.wait_for_ready(timeout=PATIENCE)
            by_client, by_rc2 = [], []
            for cell in range(cells + 20):
                figures = await straight(kernel), await through(client, console)
                if cell >= 20:
                    by_client.append(figures[0])
                    by_rc2.append(figures[1])
            return by_client, by_rc2
        finally:
            kernel.stop_channels()


def server_of(here: Room) -> psutil.Process:
    """Return the process of the Jupyter server of the session."""
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
            if str(here.data) in process.environ().get("RSPARK_HOME", "") and "rspark_session.jupyter" in command:
                return process
        except psutil.Error:
            continue
    raise RuntimeError("The session's server was not found.")


class Watcher:
    """A client that notes when each line came. It reads text alone: a hundred of them share a core with what they watch."""

    def __init__(self) -> None:
        self.seen: dict[int, float] = {}

    async def watch(self, client: Client, console: str, lines: int) -> None:
        """Note the time of each line until all are there."""
        read = 0

        def all_seen() -> bool:
            nonlocal read
            now = time.time()
            for event in client.events[read:]:
                if isinstance(event, protocol.Stream) and event.console == console:
                    for line in event.text.splitlines():
                        name, _, number = line.partition(" ")
                        if name == "line":
                            self.seen[int(number.split()[0])] = now - float(number.split()[1])
            read = len(client.events)
            return len(self.seen) >= lines

        await client.until(all_seen)


async def watched(here: Room, watchers: int, lines: int) -> tuple[list[float], float]:
    """Return the seconds from each line's print to each client that has it, and the server's share of a core meanwhile."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(here.client())
        console = await first.start("ir")
        await first.run(console, "invisible(Sys.time())")
        clients = [await stack.enter_async_context(here.client()) for _ in range(watchers)]
        server = server_of(here)
        code = (
            f"for (i in 1:{lines}) {{ cat(sprintf('line %d %.6f\\n', i, as.numeric(Sys.time()))); Sys.sleep({PAUSE_SECONDS}) }}"
        )
        all_of = [Watcher() for _ in clients]
        watching = [
            asyncio.ensure_future(each.watch(client, console, lines)) for each, client in zip(all_of, clients, strict=True)
        ]
        before, began = sum(server.cpu_times()[:2]), time.perf_counter()
        execution = await first.begin(console, code)
        await asyncio.gather(*watching)
        share = (sum(server.cpu_times()[:2]) - before) / (time.perf_counter() - began)
        await first.finished(execution)
    return [seconds for each in all_of for seconds in each.seen.values()], share


async def measure(here: Room, cells: int, watchers: int, lines: int) -> None:
    """Measure both, and write them down."""
    by_client, by_rc2 = await round_trips(here, cells)
    added = [ours - theirs for ours, theirs in zip(by_rc2, by_client, strict=True)]
    rows = [
        ["jupyter_client on the kernel itself", spread(by_client, unit="ms", scale=1000, digits=2), "–", "–"],
        [
            "Rc², through edge, agent and server",
            spread(by_rc2, unit="ms", scale=1000, digits=2),
            f"{(statistics.median(by_rc2) - statistics.median(by_client)) * 1000:.2f} ms",
            f"{(percentile(by_rc2, 99) - percentile(by_client, 99)) * 1000:.2f} ms",
        ],
    ]
    body = (
        f"`{CELL}` in R, {cells} cells, each way in turn on one kernel. Aim: at most 2 ms added at the median, 5 ms at p99.\n\n"
    )
    body += table(["", "median (min–max)", "added at the median", "added at p99"], rows)
    body += f"\n\nPair by pair, {statistics.median(added) * 1000:.2f} ms are added at the median."
    late, share = await watched(here, watchers, lines)
    body += (
        f"\n\n{watchers} clients watch a console that prints a line each {PAUSE_SECONDS} s, {lines} lines; the "
        "clients, which are one process, run on the same cores. Aim: each line at all of them within 50 ms at p95, the "
        "server under half a core.\n\n"
    )
    body += table(
        ["", "line to client, median (min–max)", "p95", "the server's share of a core"],
        [["Rc²", spread(late, unit="ms", scale=1000), f"{percentile(late, 95) * 1000:.1f} ms", f"{share:.2f}"]],
    )
    write_section("A console of Rc²", body, with_versions=versions("jupyter-client", "websockets"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=300)
    parser.add_argument("--watchers", type=int, default=100)
    parser.add_argument("--lines", type=int, default=100)
    asked = parser.parse_args()
    with room() as here:
        asyncio.run(measure(here, asked.cells, asked.watchers, asked.lines))
