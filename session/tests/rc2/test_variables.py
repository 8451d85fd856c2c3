"""Variables, tables, help, completion and plots, as R and Python answer for them."""

import asyncio
import os
import signal
from typing import Any

import pytest
from session.tests.rc2.conftest import connected, restart
from session.tests.running import Running

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

R_VALUES = """
number <- 42; text <- 'a "quoted" \\u00e4'; flags <- c(TRUE, NA); nothing <- NULL
table <- data.frame(n = c(3, 1, NA, 2), word = c('x', 'y', NA, 'z'), day = as.Date('2024-01-01') + 0:3)
table$level <- factor(c('u', 'v', 'u', 'v'))
grid <- matrix(1:6, 2, dimnames = list(NULL, c('a', 'b', 'c'))); nested <- list(1, inner = list(deep = 'found'))
place <- new.env(); assign('inside', 1, place); add <- function(a, b = 2) a + b
setClass('Point', slots = c(x = 'numeric')); point <- new('Point', x = 1); when <- as.POSIXct('2024-01-01', tz = 'UTC')
delayedAssign('lazy', {touched <<- TRUE; 1}); makeActiveBinding('active', function() touched <<- TRUE, globalenv())
"""
PYTHON_VALUES = """
import pandas, numpy, datetime
number, text, flags = 42, 'a "quoted" ä', [True, None]
table = pandas.DataFrame({'n': [3, 1, None, 2], 'word': ['x', 'y', None, 'z'], 'day': pandas.date_range('2024-01-01', periods=4),
                          'level': pandas.Categorical(['u', 'v', 'u', 'v'])})
grid = numpy.arange(6).reshape(2, 3); nested = [1, {'deep': 'found'}]; when = datetime.date(2024, 1, 1)
def add(a, b=2): return a + b
class Thing:
    def __init__(self): self.own = 1
    @property
    def touched(self): global touched; touched = True
    def __repr__(self): global touched; touched = True; return ''
thing = Thing()
"""


async def watched(client: Client, console: str) -> dict[str, protocol.Variable]:
    await client.send(protocol.SubscribeVariables(console=console))
    first = await client.until(lambda: next((each for each in client.notices if isinstance(each, protocol.Variables)), None))
    assert first.all
    return {variable.name: variable for variable in first.set}


async def delta(client: Client, console: str, code: str) -> protocol.Variables:
    before = len(client.notices)
    await client.run(console, code)
    return await client.until(
        lambda: next((each for each in client.notices[before:] if isinstance(each, protocol.Variables)), None)
    )


async def ask(running: Running, console: str, what: str, **question: Any) -> Any:
    answer = await running.post(f"rc2/api/consoles/{console}/{what}", json=question)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def finished(client: Client, console: str, code: str) -> str:
    execution = await client.begin(console, code)
    await client.finished(execution)
    return execution


async def filled(client: Client, kernel: str) -> str:
    console = await client.start(kernel)
    execution = await client.begin(console, R_VALUES if kernel == "ir" else PYTHON_VALUES)
    assert (await client.finished(execution)).status == "ok", client.text(execution)
    return console


async def test_variables_of_r_come_whole_and_then_as_changes(client: Client) -> None:
    console = await filled(client, "ir")
    found = await watched(client, console)
    kinds = {name: variable.kind for name, variable in found.items()}
    assert kinds == {
        "number": "vector",
        "text": "vector",
        "flags": "vector",
        "nothing": "vector",
        "table": "table",
        "grid": "table",
        "nested": "list",
        "place": "environment",
        "add": "function",
        "point": "object",
        "when": "date",
        "lazy": "promise",
        "active": "active",
    }, "and nothing was touched"
    assert found["table"].dimensions == (4, 4)
    assert found["table"].classes == ("data.frame",)
    assert found["text"].summary == '"a \\"quoted\\" ä"'
    changed = await delta(client, console, "number <- 43; rm(flags); fresh <- 1:3")
    assert (changed.all, {variable.name for variable in changed.set}, changed.removed) == (False, {"number", "fresh"}, ("flags",))
    assert all(variable.changed for variable in changed.set)
    changed = await delta(client, console, "table$n[2] <- 5")
    assert {variable.name: variable.changed for variable in changed.set} == {"table": True, "number": False, "fresh": False}


async def test_variables_of_python_come_whole_and_then_as_changes(client: Client) -> None:
    console = await filled(client, "python3")
    found = await watched(client, console)
    assert "touched" not in found, "no code of a person's was run"
    kinds = {name: variable.kind for name, variable in found.items()}
    assert kinds == kinds | {
        "number": "vector",
        "table": "table",
        "grid": "table",
        "nested": "list",
        "add": "function",
        "thing": "object",
        "when": "date",
        "pandas": "environment",
    }
    changed = await delta(client, console, "number = 43; del flags; nested.append(2)")
    assert (changed.all, {variable.name for variable in changed.set}, changed.removed) == (
        False,
        {"number", "nested"},
        ("flags",),
    )
    assert all(variable.changed for variable in changed.set)


async def test_who_comes_later_gets_all_and_a_restart_empties(running: Running, client: Client) -> None:
    console = await client.start("python3")
    await client.run(console, "here = 1")
    assert "here" in await watched(client, console)
    async with connected(running) as other:
        assert "here" in await watched(other, console)
        await other.send(protocol.Restart(console=console))
        for each in (client, other):
            await each.until(
                lambda each=each: any(isinstance(n, protocol.Variables) and n.all and not n.set for n in each.notices) or None
            )


@pytest.mark.parametrize("kernel", ["ir", "python3"])
async def test_a_table_is_read_page_by_page(running: Running, client: Client, kernel: str) -> None:
    console = await filled(client, kernel)

    async def page(**more: Any) -> Any:
        return await ask(running, console, "page", name="table", **more)

    words = lambda found: found["cells"][1]  # noqa: E731
    whole = await page(summarize=True)
    assert (whole["rows"], whole["matching"], whole["all_columns"]) == (4, 4, 4)
    assert words(whole) == ["x", "y", None, "z"]
    assert [column["missing"] for column in whole["columns"]] == [1, 1, 0, 0]
    assert sum(whole["columns"][0]["histogram"]) == 3
    assert whole["columns"][3]["levels"] == ["u", "v"]
    assert words(await page(first_row=1, rows=2)) == ["y", None]
    assert (await page(first_column=1, columns=1))["cells"] == [["x", "y", None, "z"]]
    assert words(await page(sort=[{"column": 0}])) == ["y", "z", "x", None]
    assert words(await page(sort=[{"column": 0, "descending": True}])) == ["x", "z", "y", None]
    assert words(await page(sort=[{"column": 3}, {"column": 0}])) == ["x", None, "y", "z"]
    for column, operator, values, shown in [
        (0, ">=", [2], ["x", "z"]),
        (0, "between", [1, 2], ["y", "z"]),
        (0, "is_missing", [], [None]),
        (1, "=", ["y"], ["y"]),
        (1, "in", ["x", "z"], ["x", "z"]),
        (1, "contains", ["Y"], ["y"]),
        (2, ">", ["2024-01-03"], ["z"]),
        (3, "=", ["u"], ["x", None]),
    ]:
        found = await page(filters=[{"column": column, "operator": operator, "values": values}])
        assert (words(found), found["matching"]) == (shown, len(shown)), (column, operator)
    assert words(await page(search="V")) == ["y", "z"]


@pytest.mark.parametrize("kernel", ["ir", "python3"])
async def test_what_is_inside_can_be_walked(running: Running, client: Client, kernel: str) -> None:
    console = await filled(client, kernel)
    top = await ask(running, console, "children", name="nested")
    inner = top["children"][1]["name"]
    [deep] = (await ask(running, console, "children", name="nested", path=[inner]))["children"]
    assert (deep["name"], "found" in deep["summary"]) == ("deep", True)
    source = (await ask(running, console, "children", name="add"))["source"]
    assert "a + b" in source


async def test_what_is_deep_inside_is_found_by_its_place(running: Running, client: Client) -> None:
    """Keys of a dict that read the same are two places."""
    console = await client.start("python3")
    code = """
import pandas
class Held:
    def __init__(self): self.own = {'a': 1}
table = pandas.DataFrame({'n': [1], 'm': [2]})
deep = {'first': {'x': [7]}, 1: {'y': 2}, '1': {'z': 3}, 'held': Held(), 'table': table}
"""
    assert (await client.finished(await client.begin(console, code))).status == "ok"

    async def names(*path: int | str) -> list[str]:
        return [each["name"] for each in (await ask(running, console, "children", name="deep", path=path))["children"]]

    assert await names() == ["first", "1", "1", "held", "table"]
    assert (await names(0), await names(0, 0), await names("first", "x")) == (["x"], ["0"], ["0"])
    assert (await names(1), await names(2)) == (["y"], ["z"])
    assert (await names(3), await names(3, 0), await names(4)) == (["own"], ["a"], ["n", "m"])
    assert (await ask(running, console, "page", name="deep", path=[4]))["cells"] == [["1"], ["2"]]
    gone = await running.post(f"rc2/api/consoles/{console}/children", json={"name": "deep", "path": [0, 5]})
    assert (gone.status_code, gone.json()["title"]) == (404, "There is no 5 in it any more.")


async def test_matrices_are_tables_and_what_is_gone_is_said(running: Running, client: Client) -> None:
    console = await filled(client, "ir")
    found = await ask(running, console, "page", name="grid")
    assert [column["name"] for column in found["columns"]] == ["a", "b", "c"]
    assert found["cells"] == [["1", "2"], ["3", "4"], ["5", "6"]]
    gone = await running.post(f"rc2/api/consoles/{console}/page", json={"name": "gone"})
    assert (gone.status_code, gone.json()["title"]) == (404, "There is no gone any more.")
    lazy = await running.post(f"rc2/api/consoles/{console}/children", json={"name": "lazy"})
    assert "not evaluated" in lazy.json()["title"]
    wrong = await running.post(f"rc2/api/consoles/{console}/page", json={"name": "grid", "rows": 10**6})
    assert wrong.status_code == 422
    assert (await running.get("rc2/api/consoles")).status_code == 200


async def test_a_busy_kernel_says_so(running: Running, client: Client) -> None:
    console = await filled(client, "ir")
    execution = await client.begin(console, "Sys.sleep(600)")
    await client.until(lambda: client.event(protocol.ExecutionStarted, execution))
    answer = await running.post(f"rc2/api/consoles/{console}/page", json={"name": "grid"})
    assert (answer.status_code, "computing" in answer.json()["title"]) == (503, True)
    assert (await ask(running, console, "complete", code="rnor", position=4))["completions"] == []
    await client.send(protocol.Interrupt(console=console))
    await client.finished(execution)


async def test_a_question_waits_for_another_one_that_takes_long(running: Running, client: Client) -> None:
    console = await filled(client, "python3")
    pid = int(client.text(await finished(client, console, "import os; print(os.getpid())")))
    page = f"rc2/api/consoles/{console}/page"
    os.kill(pid, signal.SIGSTOP)
    asked = [asyncio.ensure_future(running.post(page, json={"name": "table"})) for _ in range(3)]
    await asyncio.sleep(4)  # longer than a question waits for a person's code
    os.kill(pid, signal.SIGCONT)
    assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200] * 3


@pytest.mark.parametrize(
    ("kernel", "code", "text", "kind"),
    [
        ("ir", "rnor", "rnorm", "function"),
        ("ir", "table$wo", "table$word", "column"),
        ("ir", "subset(table, wo", "word", "column"),
        ("ir", "table |> transform(le", "level", "column"),
        ("python3", "tab", "table", None),
        ("bash", "ech", "echo", None),
    ],
)
async def test_code_is_completed(running: Running, client: Client, kernel: str, code: str, text: str, kind: str | None) -> None:
    console = await client.start(kernel) if kernel == "bash" else await filled(client, kernel)
    await client.run(console, "ready=1")
    while True:  # the first answer of Python's may take longer than a person waits
        found = await ask(running, console, "complete", code=code, position=len(code))
        completion = next((each for each in found["completions"] if each["text"] == text), None)
        if completion is not None:
            break
    assert kind is None or completion["type"] == kind
    assert code[: found["start"]] + text == code[: found["start"]] + completion["text"]
    assert found["end"] == len(code)


async def test_help_and_what_hovers(running: Running, client: Client) -> None:
    r, python = await filled(client, "ir"), await filled(client, "python3")
    page = await ask(running, r, "help", topic="mean")
    assert (page["title"], page["package"]) == ("Arithmetic Mean", "base")
    assert "trim" in page["html"]
    index = await ask(running, r, "help", package="rspark")
    found = {(match["topic"], match["vignette"]) for match in index["matches"]}
    assert {("hadoop", True), ("spark", True), ("spark", False)} <= found
    vignette = (await ask(running, r, "help", vignette="hadoop", package="rspark"))["vignette"]
    page = await running.get(f"rc2/api/vignette/{vignette['form']}/{vignette['blob']['sha256']}")
    assert "hdfs_read_lines" in page.text
    assert "sandbox" in page.headers["Content-Security-Policy"]
    gone = await running.get(f"rc2/api/vignette/html/{64 * '0'}")
    assert (gone.status_code, "Open it again" in gone.json()["title"]) == (404, True)
    nothing = await running.post(f"rc2/api/consoles/{r}/help", json={"vignette": "none", "package": "rspark"})
    assert (nothing.status_code, "no vignette none" in nothing.json()["title"]) == (404, True)
    pdf = (await ask(running, r, "help", vignette="Comparisons", package="Matrix"))["vignette"]
    page = await running.get(f"rc2/api/vignette/{pdf['form']}/{pdf['blob']['sha256']}")
    assert (page.headers["Content-Type"], page.content[:5]) == ("application/pdf", b"%PDF-")
    hover = await ask(running, r, "inspect", code="sd(number)", position=1)
    assert "na.rm = FALSE" in hover["data"]["text/plain"]
    assert "Standard Deviation" in hover["data"]["text/plain"]
    assert "str.join" in (await ask(running, python, "help", topic="str.join"))["text"]
    assert "Signature" in (await ask(running, python, "inspect", code="add", position=3))["data"]["text/plain"]


async def test_a_plot_is_kept_with_its_code_and_drawn_at_any_size(running: Running, client: Client) -> None:
    console = await client.start("ir")
    code = "plot(1:10, main = 'Ten points')"
    execution = await client.begin(console, code, figure=protocol.Figure(width=4, height=3))
    await client.finished(execution)
    plot = client.event(protocol.Plot, execution)
    assert plot is not None
    assert "image/png" in plot.data | plot.blobs
    kept = (await running.get(f"rc2/api/consoles/{console}/plots")).json()["plots"][-1]
    assert (kept["code"], kept["plot"], kept["seq"]) == (code, plot.plot, plot.seq)
    small, large = [
        (await running.get(f"rc2/api/consoles/{console}/plots/{plot.plot}?format=png&width={width}&height=3&density=50")).content
        for width in (4, 8)
    ]
    assert [int.from_bytes(image[16:20], "big") for image in (small, large)] == [200, 400]
    drawn = await running.get(f"rc2/api/consoles/{console}/plots/{plot.plot}?format=svg")
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert b"<svg" in drawn.content
    large = await running.get(f"rc2/api/consoles/{console}/plots/{plot.plot}?format=png&width=100&height=100&density=1000")
    assert (large.status_code, "too large" in large.json()["title"]) == (404, True)
    gone = await running.get(f"rc2/api/consoles/{console}/plots/9999")
    assert (gone.status_code, "can't be drawn" in gone.json()["title"]) == (404, True)
    await restart(client, console)
    execution = await client.begin(console, "plot(1)")
    await client.finished(execution)
    other = client.event(protocol.Plot, execution)
    assert other is not None
    assert other.plot != plot.plot
    gone = await running.get(f"rc2/api/consoles/{console}/plots/{plot.plot}")
    assert (gone.status_code, "can't be drawn" in gone.json()["title"]) == (404, True)


async def test_html_has_an_origin_of_its_own_and_large_things_stand_beside(running: Running, client: Client) -> None:
    console = await client.start("python3")
    execution = await client.begin(console, "from IPython.display import HTML; HTML('<b>bold</b>' + ' ' * 100_000)")
    await client.finished(execution)
    display = client.event(protocol.Display, execution)
    assert display is not None
    assert set(display.blobs) == {"text/html"}
    frame = await running.get(f"rc2/api/frame/{display.seq}")
    assert "</style>\n<b>bold</b>" in frame.text, "a fragment looks as the rest does"
    assert "no-cache" in frame.headers["cache-control"]
    policy = frame.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "allow-same-origin" not in policy
    assert "connect-src 'none'" in policy
    blob = await running.get(f"rc2/api/blob/{display.blobs['text/html'].sha256}?type=text/html")
    assert blob.headers["content-type"].startswith("text/plain")


async def test_the_history_is_searched(running: Running, client: Client) -> None:
    console = await client.start("bash")
    for number in range(3):
        await client.run(console, f"echo needle {number}")
    await client.run(console, "true")
    found = (await running.get(f"rc2/api/consoles/{console}/history?search=NEEDLE&count=2")).json()
    assert [entry["code"] for entry in found["entries"]] == ["echo needle 2", "echo needle 1"]
    rest = (await running.get(f"rc2/api/consoles/{console}/history?search=needle&before={found['next_before']}")).json()
    assert [entry["code"] for entry in rest["entries"]] == ["echo needle 0"]
