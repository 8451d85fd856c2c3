"""What Rc² asks of a language: variables that change, pages of a large table, completion and hover."""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.rc2.console import percentile
from benchmarks.rc2.room import Room, room
from benchmarks.results import spread, table, versions, write_section
from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client

VARIABLES = 1000
COLUMNS = 20
MANY = {
    "ir": f"for (i in 1:{VARIABLES}) assign(sprintf('v%04d', i), seq_len(i))",
    "python3": f"for i in range({VARIABLES}): globals()[f'v{{i:04d}}'] = list(range(i))",
}
ONE = {"ir": "v0500 <- {}", "python3": "v0500 = {}"}
TABLE = {
    "ir": "set.seed(1); big <- as.data.frame(setNames(lapply(1:{columns}, \\(i) runif({rows})), sprintf('x%d', 1:{columns})))",
    "python3": (
        "import numpy, pandas; made = numpy.random.default_rng(1)\n"
        "big = pandas.DataFrame({{f'x{{i}}': made.random({rows}) for i in range(1, {columns} + 1)}})"
    ),
}
CODE = {"ir": ("mea", "mean("), "python3": ("pandas.Da", "pandas.DataFrame")}


async def deltas(client: Client, console: str, kernel: str, times: int) -> list[float]:
    """Return the seconds from the end of code that changes one variable to the notice that says so."""
    await client.run(console, MANY[kernel])
    await client.send(protocol.SubscribeVariables(console=console))
    await client.until(lambda: any(isinstance(each, protocol.Variables) and each.console == console for each in client.notices))
    found = []
    for turn in range(times):
        before = len(client.notices)
        await client.run(console, ONE[kernel].format(turn))
        ended = time.perf_counter()

        def told() -> bool:
            return any(isinstance(each, protocol.Variables) and each.console == console for each in client.notices[before:])  # noqa: B023

        await client.until(told)
        found.append(time.perf_counter() - ended)
    return found


async def timed(ask: Callable[[], Awaitable[Any]], times: int) -> list[float]:
    """Return the seconds of each of so many questions."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        await ask()
        found.append(time.perf_counter() - began)
    return found


async def measure(here: Room, rows: int, times: int) -> None:
    """Measure R and Python, and write it down."""
    lines: list[list[str]] = []
    async with here.client() as client:
        for kernel, language in {"ir": "R", "python3": "Python"}.items():
            console = await client.start(kernel)
            changed = await deltas(client, console, kernel, times)
            lines.append(
                [language, f"{VARIABLES:,} variables, one changed: the delta", spread(changed, unit="ms", scale=1000), "20 ms"]
            )
            await client.run(console, TABLE[kernel].format(rows=rows, columns=COLUMNS))

            def page(**more: Any) -> Callable[[], Awaitable[Any]]:
                return lambda: here.ask(console, "page", name="big", rows=100, **more)  # noqa: B023

            first = await timed(page(), times)
            ordered = [
                (await timed(page(sort=[{"column": column}]), 1))[0] for column in range(3)
            ]  # a new column: nothing is kept
            again = await timed(page(sort=[{"column": 2}], first_row=rows // 2), 3)
            of = f"{rows:,} rows × {COLUMNS}"
            lines += [
                [language, f"first page of {of}", spread(first, unit="ms", scale=1000), "100 ms"],
                [language, f"page sorted by a column for the first time, {of}", spread(ordered, unit="s", digits=2), "2 s"],
                [language, "another page in that order", spread(again, unit="ms", scale=1000), "–"],
            ]
            part, whole = CODE[kernel]
            questions = {
                "completion": lambda: here.ask(console, "complete", code=part, position=len(part)),  # noqa: B023
                "hover": lambda: here.ask(console, "inspect", code=whole, position=len(whole) - 1),  # noqa: B023
            }
            for name, question in questions.items():
                await question()  # the first loads what the language needs for it
                found = await timed(question, times * 3)
                p95 = f"p95 {percentile(found, 95) * 1000:.0f} ms"
                median = f"{statistics.median(found) * 1000:.1f} ms, {p95}"
                lines.append([language, name, median, "p95 100 ms"])
            await client.send(protocol.CloseConsole(console=console))
    body = f"Asked through the edge, {times} times each where nothing else is said.\n\n"
    body += table(["", "", "median (min–max)", "aim: under"], lines)
    write_section("What Rc² asks of a language", body, with_versions=versions("websockets", "httpx"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--times", type=int, default=30)
    asked = parser.parse_args()
    with room() as here:
        asyncio.run(measure(here, asked.rows, asked.times))
