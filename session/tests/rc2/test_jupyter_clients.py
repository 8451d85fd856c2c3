"""Jupyter's own clients on the session of Rc²: nbclient and jupyter_client at its address, and JupyterLab beside it."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from session.tests.browsing import Edge, browser
from session.tests.running import HEADERS, PYTHON, Running

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

PROGRAM = Path(__file__).parent / "gateway_client.py"
NOTEBOOK = {
    "cells": [{"cell_type": "code", "id": "one", "metadata": {}, "source": "", "outputs": [], "execution_count": None}],
    "metadata": {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


async def kernel_of(running: Running, console: str) -> str:
    [info] = [each for each in (await running.get("rc2/api/consoles")).json() if each["console"] == console]
    return str(info["kernel"])


async def test_nbclient_and_jupyter_client_work_at_the_sessions_address(running: Running, client: Client) -> None:
    console = await client.start("ir")
    await client.run(console, "shared <- 'a word'")
    program = await asyncio.create_subprocess_exec(
        PYTHON,
        PROGRAM,
        await kernel_of(running, console),
        env={**os.environ, "JUPYTER_GATEWAY_URL": running.url(""), "JUPYTER_GATEWAY_HEADERS": json.dumps(HEADERS)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, problems = await program.communicate()
    assert program.returncode == 0, problems.decode()
    shown = json.loads(out)
    value, printed, plot, failed = shown["notebook"]
    assert [output["data"]["text/plain"] for output in value] == ["[1] 42"]
    assert [output["text"] for output in printed] == ["printed\n"]
    assert ["image/png" in output["data"] for output in plot] == [True]
    assert [output["output_type"] for output in failed] == ["error"]
    assert shown["printed"] == "Rc2 has a word \n"

    execution = await client.begin(console, "own")
    await client.finished(execution)
    assert client.text(execution) == '[1] "from jupyter_client"\n'
    [foreign] = [
        event for event in client.events if isinstance(event, protocol.ExecutionQueued) and event.who == "another client"
    ]
    assert client.text(foreign.execution) == "Rc2 has a word \n", "who looks at the console sees what another client runs"


async def use_kernel(page: Page, kernel: str) -> None:
    """Have JupyterLab's open notebook use a kernel that runs."""
    await page.get_by_role("button", name="R | ").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("combobox").select_option(value=json.dumps({"id": kernel}, separators=(",", ":")))
    await dialog.get_by_role("button", name="Select Kernel").click()


async def test_jupyterlab_beside_it_is_in_the_same_kernel(running: Running, client: Client, tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    edge.lead_to(running.status()["address"])
    await edge.start()
    (running.home / "beside.ipynb").write_text(json.dumps(NOTEBOOK))
    address = f"http://localhost:{edge.port}{running.asked['base_path']}"
    try:
        async with browser() as lab:
            chromium = lab.context.browser
            assert chromium is not None
            room = await chromium.new_page(viewport={"width": 1440, "height": 900})
            room.set_default_timeout(60_000)
            await room.goto(f"{address}rc2/")
            await expect(room.get_by_role("contentinfo")).to_contain_text("R: Ready", timeout=60_000)
            await lab.goto(f"{address}lab/tree/beside.ipynb")
            await use_kernel(lab, await kernel_of(running, await client.start("ir")))

            await room.keyboard.press("Control+2")
            await room.keyboard.type("of_the_room <- 6 * 7")
            await room.keyboard.press("Enter")
            variables = room.get_by_role("table", name="Variables")
            await expect(variables.get_by_role("row").filter(has_text="of_the_room")).to_contain_text("42")

            cell = lab.locator(".jp-Notebook .jp-CodeCell .cm-content").last
            await cell.click()
            await lab.keyboard.type("of_the_lab <- of_the_room + 1; of_the_lab")
            await lab.keyboard.press("Shift+Enter")
            await expect(lab.locator(".jp-Notebook .jp-OutputArea-output").last).to_contain_text("43", timeout=60_000)

            await expect(variables.get_by_role("row").filter(has_text="of_the_lab")).to_contain_text("43")
            transcript = room.get_by_role("log", name="Transcript")
            await expect(transcript).to_contain_text("of_the_lab <- of_the_room + 1; of_the_lab")
            await expect(transcript).to_contain_text("[1] 43")
    finally:
        edge.stop()
