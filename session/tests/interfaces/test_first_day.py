"""What a first course needs is there: R's packages and tables, what compiles and knits, widgets, and exports that all work."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import expect
from session.tests.browsing import Edge, browser
from session.tests.running import CHECKOUT, Running, interface

Start = Callable[..., Running]
LIBRARY = CHECKOUT / ".r-library"
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Title\n\nSome *text* and $x^2$."},
        {"cell_type": "code", "id": "b", "metadata": {}, "source": "1 + 1", "execution_count": None, "outputs": []},
    ],
    "metadata": {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}, "language_info": {"name": "R"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def offered_packages() -> list[str]:
    lines = (CHECKOUT / "requirements/r-packages.txt").read_text().splitlines()
    return [line.split()[0] for line in lines if line and not line.startswith("#")]


def rscript(code: str, folder: Path) -> str:
    command = ["Rscript", "-e", f".libPaths('{LIBRARY}'); {code}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_every_package_that_is_offered_can_be_loaded(tmp_path: Path) -> None:
    names = ", ".join(f"'{name}'" for name in offered_packages())
    code = f"cat(Filter(function(name) !suppressWarnings(requireNamespace(name, quietly = TRUE)), c({names})))"
    assert rscript(code, tmp_path) == ""


def test_the_five_tables_of_flights_are_those_of_every_book(tmp_path: Path) -> None:
    code = (
        "library(nycflights13); cat(dim(flights), dim(airlines), dim(airports), dim(planes), dim(weather)); "
        "cat('', inherits(flights, 'tbl')); "
        "cat('', format(flights$time_hour[1], usetz = TRUE), class(flights$dep_delay), class(planes$speed))"
    )
    assert rscript(code, tmp_path) == "336776 19 16 2 1458 8 3322 9 26115 15 TRUE 2013-01-01 05:00:00 EST numeric integer"
    assert "HHMM" in rscript("tools::Rd2txt(utils:::.getHelpFile(help('flights', 'nycflights13')))", tmp_path)


def test_a_report_is_knit_and_a_package_compiled(tmp_path: Path) -> None:
    (tmp_path / "report.Rmd").write_text("---\ntitle: A\noutput: html_document\n---\n```{r}\nprint(6 * 7)\n```\n")
    rscript("rmarkdown::render('report.Rmd', quiet = TRUE)", tmp_path)
    assert "42" in (tmp_path / "report.html").read_text()
    (tmp_path / "a.c").write_text("void twice(double *x) { *x = 2 * *x; }\n")
    subprocess.run(["R", "CMD", "SHLIB", "a.c"], cwd=tmp_path, check=True, capture_output=True)
    assert rscript("dyn.load('a.so'); cat(.C('twice', 21)[[1]])", tmp_path) == "42"


@pytest.mark.long
async def test_every_export_that_is_offered_works(start: Start) -> None:
    running = start(interface=interface("jupyterlab"))
    await running.until_state("ready")
    (running.home / "a.ipynb").write_text(json.dumps(NOTEBOOK))
    offered = set((await running.get("api/nbconvert")).json())
    assert {"html", "markdown", "script", "notebook", "slides"} <= offered
    assert not {"pdf", "webpdf", "qtpdf", "qtpng"} & offered
    for name in offered - {"custom", "python"}:  # a template of one's own, and what is no notebook of Python's
        answer = await running.get(f"nbconvert/{name}/a.ipynb?download=true")
        assert (answer.status_code, bool(answer.content)) == (200, True), name
    for address, said in [
        ("nbconvert/pdf/a.ipynb", "Notebooks can&#x27;t be exported to pdf: "),
        ("nbconvert/nothing/a.ipynb", "Unknown exporter &quot;nothing&quot;"),
        ("nbconvert/html/none.ipynb", "No such file"),
    ]:
        answer = await running.get(address)
        assert said in answer.text, answer.text
        assert answer.text.count("<p>") == 1


async def test_menus_offer_what_works_and_a_widget_moves(start: Start, edge: Edge) -> None:
    running = start(interface=interface("jupyterlab"))
    edge.lead_to((await running.until_state("ready"))["address"])
    await edge.start()
    async with browser() as page:
        await page.goto(f"http://localhost:{edge.port}{running.asked['base_path']}lab")
        await page.locator(".jp-LauncherCard[title='Python']").first.click()
        await expect(page.get_by_role("button", name="Python | Idle")).to_be_visible(timeout=120_000)
        seen = []
        for menu in ("File", "Settings", "Help"):
            await page.locator(".lm-MenuBar-item", has_text=menu).click()
            await expect(page.locator(".lm-Menu").first).to_be_visible()
            seen += await page.locator(".lm-Menu-itemLabel").all_inner_texts()
            await page.keyboard.press("Escape")
        assert "Save Notebook" in " ".join(seen)
        assert not {"Log Out", "Shut Down", "Language"} & set(seen)
        assert not await page.get_by_role("tab", name="Extension Manager").count()
        await page.locator(".jp-Notebook .jp-CodeCell .cm-content").last.click()
        await page.keyboard.type("import ipywidgets; s = ipywidgets.IntSlider(value=7, description='many'); s")
        await page.keyboard.press("Shift+Enter")
        slider = page.locator(".widget-slider .noUi-handle, .widget-slider [role=slider]").first
        await expect(slider).to_be_visible(timeout=60_000)
        await slider.press("ArrowRight")
        await expect(page.locator(".widget-readout").first).to_have_text("8")
