"""Documents and notebooks as pages in a real session without LaTeX: PDF by Typst, and notebooks in every form."""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from pypdf import PdfReader
from session.tests.rc2.test_jobs import begin, finished, printed, steps
from session.tests.rc2.test_notebooks import code, notebook, prose
from session.tests.running import Running, until

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client
from rspark_session.rc2.rendering.typst_place import place

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

BOOK = "@book{tukey, author = {Tukey, John}, title = {Exploratory Data Analysis}, year = {1977}, publisher = {Pearson}}\n"
REPORT = r"""---
title: "Überblick: a report"
author: Ann Example
date: "2026-11-28"
bibliography: books.bib
output:
  pdf_document:
    toc: true
    number_sections: true
---

# First part {#first}

Grüße, *emphasis*, $x^2$, a footnote[^1] and @tukey. The [second](#second) follows, the [third](#third) does not.

$$\hat\beta = (X^\top X)^{-1} X^\top y$$

\begin{align}
a &= b
\end{align}

```{r speed, echo = TRUE}
knitr::kable(head(cars, 3), caption = "Three cars")
```

```{r plot, echo = FALSE, fig.cap = "Speeds"}
plot(cars)
```

\newpage

# Second part {#second}

```{r}
data.frame(a = 1:2, b = c("x", "y"))
```

```python
def f(x): return x + 1
```

\begin{tikzpicture}
\draw (0,0) -- (1,1);
\end{tikzpicture}

<table><tr><th>of HTML</th></tr><tr><td>a cell</td></tr></table>

[^1]: The note.

# References
"""
RUNS = notebook(
    prose("top", "# A title\n\nGrüße, $x^2$."),
    code("one", "shared = 20\nprint('printed')\nimport os, time\nwhile not os.path.exists('go on'): time.sleep(0.05)"),
    code("none", ""),
    code("two", "import pandas\npandas.DataFrame({'column': [shared + 1]})"),
    code("three", "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2]);"),
)


def line_of(words: str, text: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if words in line)


def pages_of(file: Path) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(file).pages]


async def test_a_report_is_set_as_pdf_without_latex(running: Running, client: Client) -> None:
    folder = running.home / "report"
    folder.mkdir()
    (folder / "books.bib").write_text(BOOK)
    (folder / "report.Rmd").write_text(REPORT)
    job = await begin(client, "report/report.Rmd", "pdf")
    end = await finished(client, job)
    said = printed(client, job)
    assert (end.status, end.result) == ("ok", "report/report.pdf"), said
    first, second, third = pages_of(folder / "report.pdf")
    for words in ("Überblick: a report", "Ann Example", "2026-11-28", "Contents", "1 First part", "2 Second part"):
        assert words in first
    for words in ("Grüße", "Tukey (1977)", "Table 1: Three cars", "speed dist", "The note."):
        assert words in first
    assert "Figure 1: Speeds" in second
    for words in ("2 Second part", "## 1 1 x", "def f(x): return x + 1", "of HTML a cell", "Exploratory Data Analysis"):
        assert words in third
    assert [page[-1] for page in (first, second, third)] == ["1", "2", "3"], "pages have numbers"
    assert f"report.Rmd: line {line_of('begin{tikz', REPORT)}: This LaTeX can't be set here, and is left out" in said
    assert f"report.Rmd: line {line_of('(#third)', REPORT)}: This link leads nowhere, so it is set as text: #third" in said
    assert {step.step for step in steps(client, job)} & {"speed", "plot"}, "the chunk that runs is named"
    assert {each.name for each in folder.iterdir()} == {"books.bib", "report.Rmd", "report.pdf"}, "nothing is left beside it"


@pytest.mark.parametrize("name", ["a.qmd", "b.md"])
async def test_quarto_and_markdown_are_set_as_pdf(running: Running, client: Client, name: str) -> None:
    text = (
        "---\ntitle: A page\nformat:\n  pdf:\n    toc: true\n---\n\n# One\n\n::: {.callout-tip}\nMind this.\n:::\n\n1. a list\n"
    )
    (running.home / name).write_text(text)
    job = await begin(client, name, "pdf")
    end = await finished(client, job)
    assert end.result == f"{name[0]}.pdf", printed(client, job)
    [page] = pages_of(running.home / end.result)
    for words in ("A page", "Contents", "Tip Mind this.", "1. a list"):
        assert words in page


async def test_what_typst_cannot_set_leads_to_its_line(running: Running, client: Client) -> None:
    text = "# One\n\nText.\n\n![A picture](nowhere.png)\n"
    (running.home / "wrong.Rmd").write_text(text)
    (running.home / "wrong.pdf").write_bytes(b"before")
    job = await begin(client, "wrong.Rmd", "pdf")
    end = await finished(client, job)
    assert (end.status, end.line, end.result) == ("error", 5, None), printed(client, job)
    assert "wrong.Rmd: line 5: Typst can't set this document: file not found" in printed(client, job)
    assert (running.home / "wrong.pdf").read_bytes() == b"before"


@pytest.mark.parametrize(
    ("wrong", "document", "line"),
    [
        ('#image("a b.png")', "first\n![x](a.png)\n![y](a b.png)\n", 3),
        ("$ foobar(x) $", "a\n\n$$foobar(x)$$\n", 3),
        ("#strong[nothing of it]", "a\nb\n", None),
    ],
)
async def test_the_line_is_found_by_its_words(wrong: str, document: str, line: int | None) -> None:
    assert place("error: x\n  ┌─ a.typ:2:1\n", f"= Head\n{wrong}\n", document) == line


@pytest.mark.long
async def test_a_notebook_is_rendered_with_the_output_that_it_has(running: Running, client: Client) -> None:
    folder = running.home / "pages"
    folder.mkdir()
    (folder / "a.ipynb").write_text(RUNS)
    (folder / "go on").touch()
    job = await begin(client, "pages/a.ipynb")
    assert (await finished(client, job)).result == "pages/a executed.ipynb", printed(client, job)
    for form in ("html", "pdf", "docx"):
        rendered = await begin(client, "pages/a executed.ipynb", form)
        end = await finished(client, rendered)
        assert (end.status, end.result) == ("ok", f"pages/a executed.{form}"), printed(client, rendered)
    page = (folder / "a executed.html").read_text()
    assert 'id="A-title"' in page
    assert "data:image/png;base64," in page
    text = " ".join(pages_of(folder / "a executed.pdf"))
    for words in ("A title", "Grüße", "shared = 20", "printed", "column 0 21"):
        assert words in text
    assert sum(len(page.images) for page in PdfReader(folder / "a executed.pdf").pages) == 1
    with ZipFile(folder / "a executed.docx") as word:
        document = word.read("word/document.xml").decode()
        assert [name for name in word.namelist() if name.startswith("word/media/")]
    assert "Grüße" in document
    assert "<w:tbl>" in document, "a data frame is a table"


async def test_a_notebook_runs_in_a_kernel_of_its_own_and_stays_as_it_is(running: Running, client: Client) -> None:
    console = await client.start("python3")
    await client.run(console, "shared = 'of the console'")
    (running.home / "run.ipynb").write_text(RUNS)
    job = await begin(client, "run.ipynb")
    await client.until(lambda: "1 of 3: one" in [step.step for step in steps(client, job)])
    (running.home / "go on").touch()
    end = await finished(client, job)
    assert (end.status, end.result) == ("ok", "run executed.ipynb"), printed(client, job)
    assert steps(client, job)[-1].step == "3 of 3: three"
    assert "printed\n" in printed(client, job)
    assert (running.home / "run.ipynb").read_text() == RUNS
    cells = json.loads((running.home / "run executed.ipynb").read_text())["cells"]
    assert [cell.get("execution_count") for cell in cells] == [None, 1, None, 2, 3]
    assert cells[1]["outputs"][0]["text"] == ["printed\n"]
    assert "21" in "".join(cells[3]["outputs"][0]["data"]["text/html"])
    execution = await client.begin(console, "print(shared)")
    await client.finished(execution)
    assert client.text(execution) == "of the console\n"


async def test_a_cell_that_fails_is_named_and_what_ran_is_kept(running: Running, client: Client) -> None:
    text = notebook(
        prose("top", "# A title"), code("one", "x <- 6 * 7\nx"), code("two", "stop('oops')"), kernel="ir", language="R"
    )
    (running.home / "fails.ipynb").write_text(text)
    job = await begin(client, "fails.ipynb")
    end = await finished(client, job)
    # The text in the editor: a mark, the title, and the chunk of cell one in lines 4 to 7.
    assert (end.status, end.line, end.result) == ("error", 10, "fails executed.ipynb"), printed(client, job)
    assert "oops" in printed(client, job)
    _, one, two = json.loads((running.home / "fails executed.ipynb").read_text())["cells"]
    assert one["outputs"][0]["data"]["text/plain"] == ["[1] 42"]
    assert two["outputs"][0]["output_type"] == "error"


async def test_a_cancelled_notebook_keeps_what_ran(running: Running, client: Client) -> None:
    (running.home / "long.ipynb").write_text(notebook(code("one", "print('ran')"), code("two", "import time\ntime.sleep(600)")))
    job = await begin(client, "long.ipynb")
    await client.until(lambda: "2/2 [two]" in printed(client, job) or None)
    await client.send(protocol.CancelJob(job=job))
    assert (await finished(client, job)).status == "cancelled"
    cells = json.loads((running.home / "long executed.ipynb").read_text())["cells"]
    assert cells[0]["outputs"][0]["text"] == ["ran\n"]
    await until(lambda: running.status()["busy_with"] == [], "the kernel has ended with it")


async def test_what_is_no_notebook_is_said_in_a_sentence(running: Running, client: Client) -> None:
    (running.home / "none.ipynb").write_text("{}")
    for form in (None, "pdf"):
        job = await begin(client, "none.ipynb", form)
        end = await finished(client, job)
        assert (end.status, end.result) == ("error", None)
        assert "none.ipynb is no notebook" in printed(client, job)
        assert "Traceback" not in printed(client, job)


@pytest.mark.parametrize(
    ("name", "form", "made"),
    [("place.ipynb", None, "place executed.ipynb"), ("place.ipynb", "html", "place.html"), ("place.md", "pdf", "place.pdf")],
)
async def test_what_cannot_be_written_is_said_in_a_sentence(
    running: Running, client: Client, name: str, form: protocol.RenderFormat | None, made: str
) -> None:
    (running.home / name).write_text(notebook(code("one", "1")) if name.endswith(".ipynb") else "Text.\n")
    (running.home / made).mkdir()
    job = await begin(client, name, form)
    end = await finished(client, job)
    assert (end.status, end.result) == ("error", None)
    assert f"{made} can't be written: Is a directory." in printed(client, job)
    assert "Traceback" not in printed(client, job)
