"""Notebooks as documents of a session: opened, run in the shared kernel, and saved so that Jupyter reads them."""

import asyncio
import base64
import json
from pathlib import Path

import httpx
import pytest
from session.tests.running import PYTHON, Json, Running

from rspark_session.rc2 import protocol
from rspark_session.rc2.client import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60_000)).decode()
OUTPUTS: list[Json] = [
    {"name": "stdout", "output_type": "stream", "text": ["one\n", "two\n"]},
    {
        "data": {"text/html": ["<b>bold</b>"], "text/plain": ["bold"]},
        "execution_count": 3,
        "metadata": {},
        "output_type": "execute_result",
    },
    {"data": {"image/png": PNG, "text/plain": ["a plot"]}, "metadata": {}, "output_type": "display_data"},
    {"ename": "ValueError", "evalue": "wrong", "output_type": "error", "traceback": ["a", "b"]},
]
OLD: Json = {
    "metadata": {"name": "old"},
    "nbformat": 3,
    "nbformat_minor": 0,
    "worksheets": [
        {
            "cells": [
                {"cell_type": "heading", "level": 2, "metadata": {}, "source": ["Head"]},
                {
                    "cell_type": "code",
                    "collapsed": False,
                    "input": ["1 + 1"],
                    "language": "python",
                    "metadata": {},
                    "prompt_number": 3,
                    "outputs": [{"output_type": "pyout", "prompt_number": 3, "metadata": {}, "text": ["2"]}],
                },
            ],
            "metadata": {},
        }
    ],
}
#: What Jupyter's own programs do with a notebook: they validate it, and run it.
JUPYTER = """
import sys, nbformat, nbclient
notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
nbclient.NotebookClient(notebook, kernel_name="python3", timeout=180, startup_timeout=180).execute()
print([output["text"] for cell in notebook.cells for output in cell.get("outputs", []) if output["output_type"] == "stream"])
"""


def notebook(*cells: Json, minor: int = 5, kernel: str = "python3", language: str = "python") -> str:
    metadata = {"kernelspec": {"display_name": kernel, "language": language, "name": kernel}}
    return json.dumps({"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}, indent=1) + "\n"


def code(identity: str, source: str, outputs: list[Json] | None = None) -> Json:
    made: Json = {"cell_type": "code", "execution_count": None, "id": identity, "metadata": {}}
    return {**made, "outputs": outputs or [], "source": source.splitlines(keepends=True)}


def prose(identity: str, source: str) -> Json:
    return {"cell_type": "markdown", "id": identity, "metadata": {}, "source": source.splitlines(keepends=True)}


async def opened(running: Running, path: str) -> Json:
    answer = await running.get("rc2/api/notebook", params={"path": path})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def save(running: Running, path: str, text: str, read: str | None, **more: object) -> httpx.Response:
    sent = {"path": path, "text": text, "read": read, "language": "python", **more}
    return await running.http.put(running.url("rc2/api/notebook"), json=sent)


async def saved(running: Running, path: str, text: str, read: str | None, **more: object) -> Json:
    answer = await save(running, path, text, read, **more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def jupyter_reads(file: Path) -> str:
    program = await asyncio.create_subprocess_exec(
        PYTHON, "-c", JUPYTER, file, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, problems = await program.communicate()
    assert program.returncode == 0, problems.decode()
    return out.decode()


async def jupyter_finds_valid(running: Running, path: str) -> bool:
    model = (await running.get(f"api/contents/{path}", params={"type": "notebook"})).json()
    return model["type"] == "notebook" and "message" not in model


async def test_a_notebook_is_shown_with_its_outputs(running: Running) -> None:
    (running.home / "shown.ipynb").write_text(notebook(prose("m", "# Title"), code("c", "x", OUTPUTS), code("d", "y")))
    found = await opened(running, "shown.ipynb")
    assert found["text"] == "<!-- cell m -->\n# Title\n\n```{python, c}\nx\n```\n\n```{python, d}\ny\n```\n"
    assert (found["language"], found["kernel"], found["writable"]) == ("python", "python3", True)
    assert found["outputs"].keys() == {"c"}
    stream, html, image, error = found["outputs"]["c"]
    assert stream == {"type": "stream", "name": "stdout", "text": "one\ntwo\n"}
    assert (html["data"], html["result"]) == ({"text/html": "<b>bold</b>", "text/plain": "bold"}, True)
    assert error == {"type": "error", "name": "ValueError", "message": "wrong", "traceback": ["a", "b"]}
    picture = await running.get(f"rc2/api/blob/{image['blobs']['image/png']['sha256']}")
    assert base64.b64encode(picture.content).decode() == PNG
    frame = await running.get(f"rc2/api/frame/{html['blobs']['text/html']['sha256']}")
    assert frame.text.endswith("</style>\n<b>bold</b>")
    assert frame.headers["Content-Security-Policy"].startswith("sandbox allow-scripts allow-popups allow-downloads;")


async def test_a_notebook_that_is_saved_as_it_was_opened_is_not_written(running: Running) -> None:
    large = [{"name": "stdout", "output_type": "stream", "text": "x" * 79 + "\n" * 60_000}, *OUTPUTS]
    file = running.home / "same.ipynb"
    for text in (notebook(code("c", "x", large))[:-1], json.dumps(OLD), notebook().replace("\n", "\r\n"), ""):
        file.write_bytes(text.encode())
        before = file.stat().st_mtime_ns
        found = await opened(running, "same.ipynb")
        answer = await saved(running, "same.ipynb", found["text"], found["hash"])
        assert answer["hash"] == found["hash"]
        assert (file.read_bytes(), file.stat().st_mtime_ns) == (text.encode(), before)


async def test_an_old_notebook_is_shown_and_becomes_todays_with_the_first_change(running: Running) -> None:
    file = running.home / "old.ipynb"
    file.write_text(json.dumps(OLD))
    found = await opened(running, "old.ipynb")
    assert found == await opened(running, "old.ipynb")
    assert "## Head\n\n```{python" in found["text"]
    answer = await saved(running, "old.ipynb", found["text"].replace("1 + 1", "print(1 + 2)"), found["hash"])
    assert len(answer["renamed"]) == 1, "the cell whose source has changed"
    made = json.loads(file.read_text())
    assert (made["nbformat"], [cell["cell_type"] for cell in made["cells"]]) == (4, ["markdown", "code"])
    assert made["cells"][1]["outputs"][0]["data"] == {"text/plain": ["2"]}
    assert await jupyter_finds_valid(running, "old.ipynb")
    file.write_text('{"worksheets": 1, "nbformat": 3}')
    refused = await running.get("rc2/api/notebook", params={"path": "old.ipynb"})
    assert refused.json()["title"] == "old.ipynb is a notebook of an old format that can't be read. It is left as it is."


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"cells": [\n<<<<<<< HEAD\n', "wrong.ipynb is no valid notebook (line 2: Expecting value)"),
        (b"\xff\xfe", "wrong.ipynb is not UTF-8 text, so it is no valid notebook"),
        (b"[]", "wrong.ipynb is no notebook: it has no list of cells"),
    ],
)
async def test_what_is_no_notebook_is_said_and_left_as_it_is(running: Running, content: bytes, said: str) -> None:
    file = running.home / "wrong.ipynb"
    file.write_bytes(content)
    model = (await running.get("api/contents/wrong.ipynb", params={"type": "file", "content": 0, "hash": 1})).json()
    for answer in (
        await running.get("rc2/api/notebook", params={"path": "wrong.ipynb"}),
        await save(running, "wrong.ipynb", "new", model["hash"]),
    ):
        assert answer.status_code == 422
        assert said in answer.json()["title"]
    assert file.read_bytes() == content


async def test_a_notebook_that_jupyterlab_has_saved_meanwhile_is_not_overwritten(running: Running) -> None:
    file = running.home / "both.ipynb"
    file.write_text(notebook(code("c", "x")))
    found = await opened(running, "both.ipynb")
    theirs = {"type": "notebook", "format": "json", "content": json.loads(notebook(code("c", "theirs")))}
    assert (await running.http.put(running.url("api/contents/both.ipynb"), json=theirs)).is_success
    before = file.read_bytes()
    refused = await save(running, "both.ipynb", found["text"].replace("x", "mine"), found["hash"])
    assert (refused.status_code, refused.json()["title"]) == (409, "The file has changed in the session since you opened it.")
    assert (await save(running, "both.ipynb", "x", None)).status_code == 409, "and what was taken for new neither"
    assert file.read_bytes() == before
    now = await opened(running, "both.ipynb")
    model = await running.get("api/contents/both.ipynb", params={"type": "file", "content": 0, "hash": 1})
    assert now["hash"] == model.json()["hash"], "its version is that of Jupyter"


async def test_a_file_that_is_gone_is_written_as_a_new_notebook(running: Running) -> None:
    await saved(running, "gone.ipynb", "text\n\n```{r, one}\n1\n```\n", "a version before", language="r")
    made = json.loads((running.home / "gone.ipynb").read_text())
    assert made["metadata"]["kernelspec"]["name"] == "ir"
    assert [cell["source"] for cell in made["cells"]] == [["text"], ["1"]]
    refused = await save(running, "gone.ipynb", "```{r, one}\n1\n", (await opened(running, "gone.ipynb"))["hash"])
    assert refused.json()["title"] == "The chunk in line 1 has no end. Close it with ```, and save again."


async def test_a_cell_that_was_deleted_and_saved_comes_back_with_all_that_it_had(running: Running) -> None:
    file = running.home / "undone.ipynb"
    attached = {**prose("m", "![](attachment:a.png)"), "attachments": {"a.png": {"image/png": PNG}}}
    graded = {**code("c", "x", OUTPUTS), "metadata": {"nbgrader": {"grade_id": "c"}}}
    before = notebook(attached, graded, code("d", "y"))
    file.write_text(before)
    found = await opened(running, "undone.ipynb")
    without = await saved(running, "undone.ipynb", "```{python, d}\ny\n```\n", found["hash"])
    assert [cell["id"] for cell in json.loads(file.read_text())["cells"]] == ["d"]
    await saved(running, "undone.ipynb", found["text"], without["hash"])
    assert file.read_text() == before


async def test_names_from_before_a_save_mean_the_cells_still(running: Running) -> None:
    file = running.home / "renamed.ipynb"
    cells = [code("", "1", OUTPUTS), code("", "5", OUTPUTS)]
    for cell in cells:
        del cell["id"]
    file.write_text(notebook(*cells, minor=4))
    found = await opened(running, "renamed.ipynb")
    first = await saved(running, "renamed.ipynb", found["text"].replace("\n1\n", "\n11\n"), found["hash"])
    assert len(first["renamed"]) == 1
    await saved(running, "renamed.ipynb", found["text"].replace("\n5\n", "\n55\n"), first["hash"])
    made = json.loads(file.read_text())["cells"]
    assert [cell["source"] for cell in made] == [["1"], ["55"]]
    assert [cell["outputs"] for cell in made] == [OUTPUTS, OUTPUTS]


async def test_a_text_that_would_lose_cells_is_refused_and_nothing_is_written(running: Running) -> None:
    file = running.home / "swallows.ipynb"
    before = notebook(code("c", "x", OUTPUTS), prose("m", "```\nls\n```"), code("d", "y", OUTPUTS))
    file.write_text(before)
    found = await opened(running, "swallows.ipynb")
    for text, said in (
        (
            found["text"].replace("x\n```\n", "x\n", 1),
            "The chunk in line 1 has no end before the cell of line 4, which is lost so.",
        ),
        (found["text"].replace("ls\n```\n", "ls\n```\n\n```{r}\n"), "The chunk in line 10 has no end. Close it with ```,"),
        (before, "This text is the JSON of a notebook"),
    ):
        refused = await save(running, "swallows.ipynb", text, found["hash"])
        assert refused.status_code == 422
        assert said in refused.json()["title"]
    assert file.read_text() == before


async def test_a_notebook_does_not_grow_beyond_what_can_be_opened(running: Running) -> None:
    file = running.home / "large.ipynb"
    large = {**code("c", "x"), "metadata": {"x": "y" * (2**26 - 2000)}}
    before = notebook(large)
    file.write_text(before)
    found = await opened(running, "large.ipynb")
    refused = await save(running, "large.ipynb", found["text"].replace("x", "x" * 4000), found["hash"])
    assert (refused.status_code, refused.json()["title"]) == (
        422,
        "large.ipynb would be larger than 64 MiB. Remove output of cells, and save again.",
    )
    assert file.read_text() == before
    file.unlink()


SHOWING = f"""from IPython.display import HTML, clear_output, display
print("gone"); clear_output()
print("one"); print("two")
handle = display(HTML("<i>before</i>"), display_id=True)
handle.update(HTML("<i>after</i>"))
display({{"image/png": "{PNG}"}}, raw=True)
6 * 7"""


@pytest.mark.long
async def test_what_was_run_is_in_the_file_and_jupyter_reads_it(running: Running, client: Client) -> None:
    file = running.home / "run.ipynb"
    kept = code("kept", "print('kept')", OUTPUTS)
    file.write_text(notebook(kept, code("shows", SHOWING, OUTPUTS), code("fails", "1 / 0"), code("cleared", "1", OUTPUTS)))
    found = await opened(running, "run.ipynb")
    console = await client.start("python3")

    async def run(source: str, chunk: str) -> str:
        at = protocol.Source(path="run.ipynb", first_line=1, last_line=1, chunk=chunk)
        execution = await client.begin(console, source, source=at)
        await client.finished(execution)
        return execution

    shows, fails = await run(SHOWING, "shows"), await run("1 / 0", "fails")
    outputs = {"shows": shows, "fails": fails, "cleared": None, "kept": "unknown"}
    text = found["text"].replace("1 / 0", "print('mended')")
    answer = await saved(running, "run.ipynb", text, found["hash"], outputs=outputs)
    assert answer["missing"] == ["kept"]
    cells = {cell["id"]: cell for cell in json.loads(file.read_text())["cells"]}
    assert cells["kept"] == kept
    assert (cells["cleared"]["outputs"], cells["cleared"]["execution_count"]) == ([], None)
    stream, html, image, value = cells["shows"]["outputs"]
    number = cells["shows"]["execution_count"]
    assert stream == {"name": "stdout", "output_type": "stream", "text": ["one\n", "two\n"]}
    assert html["data"]["text/html"] == ["<i>after</i>"]
    assert image["data"]["image/png"] == PNG
    assert value == {
        "data": {"text/plain": ["42"]}, "execution_count": number, "metadata": {}, "output_type": "execute_result",
    }  # fmt: skip
    assert isinstance(number, int)
    [error] = cells["fails"]["outputs"]
    assert (error["ename"], error["output_type"]) == ("ZeroDivisionError", "error")
    assert await jupyter_reads(file) == "['kept\\n', 'one\\ntwo\\n', 'mended\\n']\n"
    assert await jupyter_finds_valid(running, "run.ipynb")


async def test_a_notebook_of_r_is_run_in_the_consoles_r(running: Running, client: Client) -> None:
    file = running.home / "r.ipynb"
    file.write_text(notebook(code("c", "plot(1:3)\nmean(1:3)"), kernel="ir", language="R"))
    found = await opened(running, "r.ipynb")
    assert "```{r, c}" in found["text"]
    console = await client.start("ir")
    at = protocol.Source(path="r.ipynb", first_line=2, last_line=3, chunk="c")
    execution = await client.begin(console, "plot(1:3)\nmean(1:3)", source=at)
    await client.finished(execution)
    await saved(running, "r.ipynb", found["text"], found["hash"], outputs={"c": execution})
    [cell] = json.loads(file.read_text())["cells"]
    assert any("image/png" in output.get("data", {}) for output in cell["outputs"])
    assert any(output.get("data", {}).get("text/plain") == ["[1] 2"] for output in cell["outputs"])
