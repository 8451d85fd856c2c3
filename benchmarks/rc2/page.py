"""The page of Rc² beside JupyterLab's, on one session in one browser: bytes and time until a file can be edited, memory, keys."""

import argparse
import asyncio
import json
import statistics
import time
from dataclasses import dataclass, field

from playwright.async_api import Browser, BrowserContext, CDPSession, Page, async_playwright, expect

from benchmarks.rc2.room import PATIENCE, Room, room
from benchmarks.results import spread, table, versions, write_section

LINES = 5000
OUTPUTS = 500
SCRIPT = "".join(f"value_{line} <- function(x) x + {line}  # a line of R\n" for line in range(LINES))
OUTPUT = "print(head(mtcars))"

#: Notes for each key the milliseconds until the next frame has been painted: its task runs after the frame's.
PAINTS = """
window.paints = [];
addEventListener('keydown', () => {
  const pressed = performance.now();
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => window.paints.push(performance.now() - pressed);
    channel.port2.postMessage(null);
  });
}, true);
"""


@dataclass(frozen=True)
class Contender:
    """A page, and where it shows the document that it was asked for."""

    name: str
    script: str
    editor: str
    outputs: str
    last_output: str


RC2 = Contender("Rc²", "rc2/?open=script.R", "[aria-label='Editor of script.R']", "rc2/", "[aria-label='Transcript']")
LAB = Contender("JupyterLab", "lab/tree/script.R", ".jp-FileEditor .cm-content", "lab/tree/outputs.ipynb", ".jp-Notebook")


@dataclass
class Figures:
    """What was measured of one page. Times in seconds, sizes in bytes."""

    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    transferred: list[int] = field(default_factory=list)
    outputs: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    paints: list[float] = field(default_factory=list)


async def prepare(here: Room) -> None:
    """Put the script into the home."""
    await put(here, "script.R", SCRIPT)


async def prepare_outputs(here: Room) -> None:
    """Run the same code often in Rc²'s console, and put a notebook with as many of its outputs into the home."""
    async with here.client() as client:
        console = await client.start("ir")
        for _ in range(OUTPUTS):
            execution = await client.begin(console, OUTPUT)
            await client.finished(execution)
        printed = client.text(execution)
    cells = [
        {
            "cell_type": "code",
            "execution_count": number + 1,
            "id": f"c{number}",
            "metadata": {},
            "source": OUTPUT,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": printed}],
        }
        for number in range(OUTPUTS)
    ]
    metadata = {"kernelspec": {"name": "ir", "display_name": "R"}}
    await put(here, "outputs.ipynb", json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))


async def put(here: Room, path: str, content: str) -> None:
    """Write a file into the home."""
    answer = await here.http.put(f"api/contents/{path}", json={"type": "file", "format": "text", "content": content})
    answer.raise_for_status()


async def signed_in(browser: Browser, link: str) -> BrowserContext:
    """Open a context of its own, with nothing in its cache, that is signed in."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE * 1000)
    page = await context.new_page()
    await page.goto(link)
    await page.get_by_role("button", name="Sign in as").click()
    await expect(page.get_by_role("heading", name="Your sessions")).to_be_visible()
    await page.close()
    return context


async def until_editable(page: Page, address: str, contender: Contender) -> float:
    """Open the script, and return the seconds until its text is there and takes a key."""
    began = time.perf_counter()
    await page.goto(address, wait_until="commit")
    editor = page.locator(contender.editor)
    await expect(editor).to_contain_text("value_0")
    await editor.click()
    return time.perf_counter() - began


async def memory_of(protocol: CDPSession) -> tuple[int, int]:
    """Return the bytes that the page's scripts hold after a collection, and the nodes of its document."""
    await protocol.send("HeapProfiler.collectGarbage")
    await protocol.send("Performance.enable")
    found = {each["name"]: each["value"] for each in (await protocol.send("Performance.getMetrics"))["metrics"]}
    return int(found["JSHeapUsedSize"]), int(found["Nodes"])


async def open_script(context: BrowserContext, here: Room, contender: Contender, figures: Figures, keys: int) -> None:
    """Open the script twice, and type."""
    page = await context.new_page()
    protocol = await context.new_cdp_session(page)
    sizes: list[float] = []
    protocol.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
    await protocol.send("Network.enable")
    figures.cold.append(await until_editable(page, here.page + contender.script, contender))
    await page.wait_for_load_state("networkidle")
    figures.transferred.append(int(sum(sizes)))
    figures.warm.append(await until_editable(page, here.page + contender.script, contender))
    await page.evaluate(PAINTS)
    await page.locator(contender.editor).click()
    for number in range(keys):
        await page.keyboard.press("a")
        await page.wait_for_function("count => window.paints.length >= count", arg=number + 1)
    figures.paints += [float(each) / 1000 for each in await page.evaluate("window.paints")]


async def open_outputs(context: BrowserContext, here: Room, contender: Contender, figures: Figures, _: int) -> None:
    """Open what has the outputs, and see what it holds."""
    page = await context.new_page()
    protocol = await context.new_cdp_session(page)
    began = time.perf_counter()
    await page.goto(here.page + contender.outputs)
    await expect(page.locator(contender.last_output).first).to_contain_text("Mazda RX4")
    figures.outputs.append(time.perf_counter() - began)
    await page.wait_for_load_state("networkidle")
    held, nodes = await memory_of(protocol)
    figures.memory.append(held)
    figures.nodes.append(nodes)


async def measure(here: Room, rounds: int, keys: int) -> None:
    """Measure both in turn, and write it down."""
    figures = {contender: Figures() for contender in (RC2, LAB)}
    expect.set_options(timeout=PATIENCE * 1000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for make, look in ((prepare, open_script), (prepare_outputs, open_outputs)):
            await make(here)
            for number in range(rounds + 1):
                for contender, kept in figures.items():
                    context = await signed_in(browser, here.link())
                    # In the round before the first, which nobody counts, programs and files are read from the disk.
                    await look(context, here, contender, kept if number else Figures(), keys)
                    await context.close()
        version = browser.version
        await browser.close()
    lab = figures[LAB]

    def row(contender: Contender) -> list[str]:
        of = figures[contender]

        def beside(ours: list[float] | list[int], theirs: list[float] | list[int]) -> str:
            return "" if contender is LAB else f" ({statistics.median(ours) / statistics.median(theirs):.2f})"

        return [
            contender.name,
            f"{statistics.median(of.transferred) / 2**20:.2f} MiB{beside(of.transferred, lab.transferred)}",
            spread(of.cold, unit="s", digits=2) + beside(of.cold, lab.cold),
            spread(of.warm, unit="s", digits=2) + beside(of.warm, lab.warm),
            spread(of.outputs, unit="s", digits=2) + beside(of.outputs, lab.outputs),
            f"{statistics.median(of.memory) / 2**20:.1f} MiB{beside(of.memory, lab.memory)}",
            f"{statistics.median(of.nodes):,.0f}",
            spread(of.paints, unit="ms", scale=1000) + beside(of.paints, lab.paints),
        ]

    body = (
        f"{rounds} rounds in turn, each in a browser with nothing in its cache; {keys} keys each in a script of {LINES:,} lines; "
        f"the memory is what scripts hold after a collection with {OUTPUTS} outputs of the same code. In parentheses the part of "
        "JupyterLab's. Aim: under half of its bytes and time.\n\n"
    )
    head = [
        "",
        "bytes until the script can be edited",
        "time until then, nothing cached",
        "again, cached",
        "time until outputs are seen",
        "memory with them",
        "nodes then",
        "key to paint",
    ]
    body += table(head, [row(contender) for contender in figures])
    write_section("Rc²'s page beside JupyterLab's", body, with_versions=f"Chromium {version}, {versions('playwright')}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keys", type=int, default=60)
    asked = parser.parse_args()
    with room() as here:
        asyncio.run(measure(here, asked.rounds, asked.keys))
