"""The site of `docs/` is whole, needs no other host, and what a reader would stumble over keeps it from being made."""

import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.installation import ROOT
from tests.pages.conftest import ARGUMENTS, CHROMIUM, DESKTOP

#: One of each layout: the first page, how-to, a chapter in R Markdown, the longest one, the search.
LAYOUTS = ("index", "how-to/sign-in", "tutorial/01-workflow-and-git", "reference/api", "search")


class Fetched(HTMLParser):
    """The addresses that a browser fetches of a page by itself, without a click."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = ("src", "srcset", "data", "poster") if tag != "link" else ("href",)
        self.addresses += [value for name, value in attrs if name in wanted and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("docs") / "site"
    made = subprocess.run(
        [ROOT / "scripts/make-docs", place],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return place


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser.new_page(viewport=DESKTOP, color_scheme="light")
        browser.close()


def build(source: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Make a site of other pages, in the way of ours."""
    command = [ROOT / ".venv/bin/sphinx-build", "-q", "-W", "--keep-going", "-c", ROOT / "docs/site", *options, source]
    return subprocess.run([*command, source.parent / "made"], capture_output=True, text=True, timeout=280, check=False)


def write(source: Path, pages: dict[str, str]) -> Path:
    for name, text in pages.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    return source


@pytest.mark.long
def test_no_page_asks_another_host_for_anything(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 90
    others = {(page.name, each) for page in pages for each in Fetched(page.read_text()).addresses if "//" in each}
    assert not others
    styles = [style for style in site.rglob("*.css") if "url(http" in style.read_text() or "url(//" in style.read_text()]
    assert not styles


def test_pages_open_from_the_disk_and_say_nothing_in_the_console(site: Path, page: Page) -> None:
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    for layout in LAYOUTS:
        page.goto(f"file://{site}/{layout}.html", wait_until="load")
        expect(page.locator("h1").first).to_be_visible()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert said == []


def test_the_search_finds_words_without_a_server(site: Path, page: Page) -> None:
    page.goto(f"file://{site}/search.html?q=mapreduce")
    found = page.locator("#search-results a", has_text="MapReduce").first
    expect(found).to_be_visible()
    found.click()
    expect(page.locator("h1").first).to_contain_text("MapReduce")


def test_it_is_light_or_dark_as_the_reader_has_it_in_the_colours_of_the_product(site: Path, page: Page) -> None:
    for scheme, ground in (("dark", "rgb(19, 19, 18)"), ("light", "rgb(254, 254, 254)")):
        page.emulate_media(color_scheme=scheme)
        page.goto(f"file://{site}/how-to/sign-in.html")
        expect(page.locator("body")).to_have_css("background-color", ground)


def test_every_page_of_the_repository_is_in_it(site: Path) -> None:
    pages = [path for path in (ROOT / "docs").rglob("*") if path.suffix in (".md", ".Rmd")]
    missing = [path for path in pages if not (site / path.relative_to(ROOT / "docs")).with_suffix(".html").exists()]
    assert not missing


def test_what_a_reader_would_stumble_over_is_an_error(tmp_path: Path) -> None:
    source = write(
        tmp_path / "docs",
        {
            "README.md": "# Home\n\n- [Known](known.md)\n",
            "known.md": "# Known\n\n[a](gone.md) [b](../gone/file.py) [c](README.md#gone) [d](#gone-too)\n",
            "unlisted.md": "# Unlisted\n",
        },
    )
    made = build(source)
    assert made.returncode != 0
    for said in ("no gone.md", "no ../gone/file.py", "'gone'", "'gone-too'"):
        assert said in made.stderr, made.stderr
    unlisted = [line for line in made.stderr.splitlines() if "included in any toctree" in line]
    assert [Path(line.partition(":")[0]).name for line in unlisted] == ["unlisted.md"]


def test_pages_say_in_the_site_what_they_say_in_the_repository(tmp_path: Path) -> None:
    chapter = (
        '---\ntitle: "1. First"\noutput:\n  html_document: {toc: true}\n---\n\n```{r, include = FALSE}\nnot_seen()\n```\n\n'
        '```{r, eval = FALSE}\nx <- c("```{r}", "```")\nx[1](2)\n```\n\nAs `[n](gone.md)` says.\n'
    )
    source = write(
        tmp_path / "docs",
        {
            "README.md": (
                "# Home\n\n## Read\n\n- [The folder](how-to/README.md): [code](../code.py)\n- [First](first.Rmd)\n\n"
                "[all](how-to/)\n"
            ),
            "how-to/README.md": "# How to\n",
            "first.Rmd": chapter,
        },
    )
    (tmp_path / "code.py").touch()
    made = build(source)
    assert made.returncode == 0, made.stderr
    home, first = ((tmp_path / "made" / name).read_text() for name in ("index.html", "first.html"))
    assert 'href="how-to/README.html"' in home
    assert "code.py" not in home
    assert "<h1>1. First" in first
    assert "not_seen" not in first
    assert "[n](gone.md)" in first
    made = build(source, "-E", "-D", "repository=https://code.example/main")
    assert 'href="https://code.example/main/code.py"' in (tmp_path / "made/index.html").read_text(), made.stderr
