"""A notebook's file, its text in the editor, and the text merged into the file: what no edit is about stays byte for byte."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from rspark_session.rc2.notebooks import cells, notebook
from rspark_session.rc2.notebooks.cells import Cell
from rspark_session.rc2.notebooks.notebook import Notebook, Ran
from rspark_session.rc2.refusal import Unfit

Json = dict[str, Any]
PYTHON: Json = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
STREAM: Json = {"name": "stdout", "output_type": "stream", "text": ["one\n"]}


def code(source: str, identity: str | None = None, **more: Any) -> Json:
    cell = {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {},
        "outputs": [STREAM],
        **more,
        "source": source.splitlines(True),
    }
    return cell if identity is None else {**cell, "id": identity}


def prose(source: str, identity: str | None = None, kind: str = "markdown", **more: Any) -> Json:
    cell = {"cell_type": kind, "metadata": {}, **more, "source": source.splitlines(True)}
    return cell if identity is None else {**cell, "id": identity}


def file(*content: Json, minor: int = 5, metadata: Mapping[str, Any] = PYTHON, **style: Any) -> str:
    """A notebook as Jupyter writes it, or in another style."""
    made = {"cells": list(content), "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}
    return json.dumps(made, **{"indent": 1, "ensure_ascii": False, "sort_keys": True, **style}) + "\n"


def opened(text: str) -> Notebook:
    return notebook.read(text, "a.ipynb", language_of=lambda kernel: {"ir": "R"}.get(str(kernel), "python"))


def saved(text: str, edited: str | None = None, **ran: Ran) -> str:
    read = opened(text)
    return notebook.merged(read, cells.read(read.edited if edited is None else edited, read.language), ran)


def content(text: str) -> Json:
    found: Json = json.loads(text)
    return found


FENCES = "a = '''\n```{python, one}\n```\n'''\n# ````\n~~~\n<!-- cell one -->"
ODD = {
    "empty": file(),
    "two of each": file(code("1", "one"), prose("# A", "two"), prose("B", "three"), code("", "four")),
    "without ids": file(code("1"), code("1"), prose("1"), prose(""), minor=4),
    "without ids though it should": file(code("1"), prose("x")),
    "the same id twice": file(code("1", "one"), code("2", "one"), prose("x", "one")),
    "ids that are none": file(code("1", "a b"), code("2", 'x"y')),
    "raw cells": file(prose("---\ntitle: a\n---\n", "one", kind="raw"), prose("", "two", kind="raw")),
    "another kind": file(prose("x", "one", kind="heading", level=2)),
    "attachments": file(prose("![](attachment:a.png)", "one", attachments={"a.png": {"image/png": "iVBORw0KGgo="}})),
    "fences in code": file(code(FENCES, "one"), code("2", "two")),
    "fences in Markdown": file(
        prose(FENCES, "one"), prose("```python\n1\n```", "two"), prose("```{r}\nx", "three"), code("2", "four")
    ),
    "chunks of others in Markdown": file(prose("```{bash}\nls\n```", "one"), prose("```{python}\n1\n```", "two")),
    "Markdown with empty lines around it": file(
        prose("\n\n  a\n\nb\n\n\n", "one"), prose("\n", "two"), prose("    code\n", "three")
    ),
    "source with empty lines around it": file(code("\n\nx\n\n", "one"), code("\n", "two")),
    "widgets": file(
        code("1", "one"), metadata={**PYTHON, "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"a": 1}}}}
    ),
    "unknown metadata": file(
        code("1", "one", metadata={"tags": ["x"], "a": {"b": [None, 1.50, 1e400]}}), metadata={**PYTHON, "ü": []}
    ),
    "large outputs": file(code("1", "one", outputs=[{**STREAM, "text": "x" * 5_000_000}]), code("2", "two")),
    "no newline at the end": file(code("1", "one"))[:-1],
    "lines of Windows": file(code("1\n2", "one"), prose("a\nb", "two")).replace("\n", "\r\n"),
    "line ends of Windows in sources": file(code("1\r\n2\r3", "one"), prose("a\r\nb", "two")),
    "with a mark of order": "\ufeff" + file(code("1", "one")),
    "in one line": file(code("1", "one"), prose("ä", "two"), indent=None),
    "compact": file(code("1", "one"), prose("ä", "two"), indent=None, separators=(",", ":")),
    "of Colab": file(code("1", "one"), prose("ä", "two"), indent=2, sort_keys=False, ensure_ascii=True),
    "tabs": file(code("1", "one"), prose("ä", "two"), indent="\t"),
    "source as text": file({**code("1", "one"), "source": "a\nb\n"}, {**prose("", "two"), "source": "x\ny"}),
    "half a character": file(code("1", "one"), ensure_ascii=True).replace('"1"', '"\\ud800 \\ud83d\\ude00 \\u0000"'),
    "odd spaces": file(code("x\u2028y\u00a0\n\u00a0```{python}\u3000", "one"), prose("\u00a0```{python}\u3000\n\x0c", "two")),
    "no metadata": file(code("1", "one"), metadata={}),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_opened_and_saved_stays_byte_for_byte(name: str) -> None:
    text = ODD[name]
    read = opened(text)
    assert notebook.merged(read, cells.read(read.edited, read.language), {}) == text
    assert [cell.name for cell in cells.read(read.edited, read.language)] == [cell.name for cell in read.cells]


@pytest.mark.parametrize("name", ODD)
def test_an_edit_changes_its_cell_alone(name: str) -> None:
    text = ODD[name]
    read = opened(text)
    added = Cell("code", "added", "new <- 'ü'\n")
    first, *rest = [*cells.read(read.edited, read.language), added]
    merged = notebook.merged(read, [Cell(first.kind, first.name, "changed"), *rest], {})
    before, after = content(text.removeprefix("\ufeff")), content(merged.removeprefix("\ufeff"))
    assert {**after, "cells": []} == {**before, "cells": []}
    assert "".join(after["cells"][0]["source"]) == "changed"
    if read.cells:
        last = after["cells"][-1]
        assert {**after["cells"][0], "source": ""} == {**before["cells"][0], "source": ""}
        assert after["cells"][1:-1] == before["cells"][1:]
        assert "".join(last["source"]) == added.source
        assert ("id" in last) == read.has_ids


def test_the_text_is_chunks_with_ids_and_markdown_between() -> None:
    text = file(
        prose("# Title\n\ntext\n", "m1"),
        code("x <- 1\nx", "c1"),
        prose("---", "r1", kind="raw"),
        prose("", "m2"),
        metadata={"kernelspec": {"name": "ir"}},
    )
    assert opened(text).edited == (
        "<!-- cell m1 -->\n# Title\n\ntext\n\n```{r, c1}\nx <- 1\nx\n```\n\n```{raw, r1}\n---\n```\n\n<!-- cell m2 -->\n"
    )


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"language_info": {"name": "R"}, "kernelspec": {"name": "python3"}}, "r"),
        ({"kernelspec": {"name": "xyz", "language": "Julia"}}, "julia"),
        ({"kernelspec": {"name": "ir"}}, "r"),
        ({"kernelspec": {"name": "unknown"}}, "python"),
        ({"kernelspec": {"name": ["x"]}, "language_info": "R"}, "python"),
        ({"language_info": {"name": "C#"}}, "c-"),
        ({"language_info": {"name": "markdown"}}, "code"),
        ({}, "python"),
    ],
)
def test_a_notebooks_language_is_found(metadata: Json, language: str) -> None:
    assert opened(file(code("1", "a"), metadata=metadata)).language == language


def test_cells_come_go_and_move_and_the_others_keep_what_they_have() -> None:
    text = file(
        code("1", "a", metadata={"x": 1}),
        prose("m", "b"),
        code("3\n4", "c", outputs=[{**STREAM, "text": ["c\n"]}]),
        code("5", "d"),
    )
    before = {cell["id"]: cell for cell in content(text)["cells"]}
    after = content(
        saved(
            text, "```{python, c}\n3\n```\n\n```{python, e}\n4\n```\n\nnew text\n\n<!-- cell b -->\nm\n\n```{python, a}\n1\n```\n"
        )
    )["cells"]
    assert [cell["id"] for cell in after[:2]] == ["c", "e"]
    assert after[0] == {**before["c"], "source": ["3"]}, "the first part of a cell that is split keeps its outputs"
    assert after[1] == {"cell_type": "code", "execution_count": None, "id": "e", "metadata": {}, "outputs": [], "source": ["4"]}
    assert after[2] == {"cell_type": "markdown", "id": after[2]["id"], "metadata": {}, "source": ["new text"]}
    assert after[3:] == [before["b"], before["a"]]
    assert saved(text, "") == file(), "all cells can go"


def test_a_cell_that_stands_twice_is_there_once_and_copied_once() -> None:
    after = content(
        saved(
            file(code("1", "a")),
            "```{python, a}\n1\n```\n```{python, a}\n1\n```\n```{python, n}\n2\n```\n```{python, n}\n2\n```\n",
        )
    )["cells"]
    ids = [cell["id"] for cell in after]
    assert len(set(ids)) == 4
    assert (ids[0], ids[2]) == ("a", "n")
    assert [len(cell["outputs"]) for cell in after] == [1, 0, 0, 0]


def test_a_cell_becomes_one_of_another_kind() -> None:
    text = file(code("1", "a", metadata={"tags": ["x"]}), prose("m", "b", attachments={"a": {}}))
    after = content(saved(text, "```{raw, a}\n1\n```\n```{python, b}\nm\n```\n"))["cells"]
    assert after[0] == {"cell_type": "raw", "id": "a", "metadata": {"tags": ["x"]}, "source": ["1"]}
    assert after[1] == {"cell_type": "code", "execution_count": None, "id": "b", "metadata": {}, "outputs": [], "source": ["m"]}


def test_names_of_cells_without_ids_follow_what_is_in_them() -> None:
    text = file(code("1"), code("2"), prose("m"), minor=4)
    read = opened(text)
    edited = cells.read(read.edited, read.language)
    changed = [Cell("code", "new", "0"), edited[0], Cell("code", edited[1].name, "2 + 2"), edited[2]]
    now = opened(notebook.merged(read, changed, {}))
    assert [cell.name for cell in now.cells][1::2] == [edited[0].name, edited[2].name]
    assert notebook.renamed(changed, now) == {"new": now.cells[0].name, edited[1].name: now.cells[2].name}
    assert all("id" not in cell for cell in content(now.text)["cells"])


def test_outputs_are_written_as_the_file_has_others() -> None:
    ran = Ran(outputs=[{"name": "stdout", "output_type": "stream", "text": ["ü\n", "2\n"]}], count=7)
    one, two = code("1", "one"), code("2", "two", outputs=[])
    assert saved(file(one, two), two=ran) == file(one, {**two, "outputs": list(ran.outputs), "execution_count": 7})
    windows = file(one, two).replace("\n", "\r\n")
    assert saved(windows, two=ran) == file(one, {**two, "outputs": list(ran.outputs), "execution_count": 7}).replace("\n", "\r\n")
    for style in (
        {"indent": None},
        {"indent": None, "separators": (",", ":")},
        {"indent": 2, "ensure_ascii": True},
        {"indent": "\t"},
    ):
        expected = file(one, {**two, "outputs": list(ran.outputs), "execution_count": 7}, prose("ö", "p"), **style)
        assert saved(file(one, two, prose("ö", "p"), **style), two=ran) == expected
    assert saved(file(one), one=Ran()) == file({**one, "outputs": [], "execution_count": None})


def test_a_new_cell_looks_like_jupyters() -> None:
    for style in ({}, {"indent": None}, {"indent": None, "separators": (",", ":")}, {"indent": "\t"}):
        one, two = code("1", "one"), {**code("2\n3", "two"), "outputs": [], "execution_count": None}
        assert saved(file(one, **style), "```{python, one}\n1\n```\n\n```{python, two}\n2\n3\n```\n") == file(one, two, **style)
        assert saved(file(**style), "```{python, two}\n2\n3\n```\n") == file(two, **style)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "a.ipynb is no valid notebook (line 1: Expecting property name enclosed in double quotes)"),
        ("<<<<<<< HEAD\n" + file(), "is no valid notebook (line 1: Expecting value)"),
        ("[" * 100_000, "it is nested too deep"),
        ("[]", "a.ipynb is no notebook: it has no list of cells"),
        ('{"cells": [1], "nbformat": 4}', "it has no list of cells"),
        ('{"cells": [{"cell_type": "code"}], "nbformat": 4}', "its cell 1 has no source"),
        ('{"cells": [], "nbformat": 5}', "of format 5, which is newer than what can be edited here"),
    ],
)
def test_what_is_no_notebook_is_said_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(Unfit) as problem:
        opened(text)
    assert said in str(problem.value)
    assert "It is left as it is" in str(problem.value)


@pytest.mark.parametrize(
    "edited", ["x\n\n```{python, a}\n1\n", "\n\n```{python, a}\n1\n\n```{python, b}\n2\n```\n", "\n\n~~~{raw, a}\n```\n"]
)
def test_a_chunk_without_an_end_is_refused(edited: str) -> None:
    with pytest.raises(Unfit, match="The chunk in line 3 has no end"):
        cells.read(edited, "python")
