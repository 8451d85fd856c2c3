"""A notebook's file, its text in the editor, and the text merged into the file: what no edit is about stays byte for byte."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rspark_session.rc2 import protocol
from rspark_session.rc2.blobs import BlobStore
from rspark_session.rc2.event_log import EventLog
from rspark_session.rc2.notebooks import cells, notebook, outputs
from rspark_session.rc2.notebooks.cells import Cell
from rspark_session.rc2.notebooks.memory import Memory
from rspark_session.rc2.notebooks.notebook import Notebook, Ran
from rspark_session.rc2.recorder import Recorder
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
        ({"kernelspec": {"name": "ir43"}}, "r"),
        ({"kernelspec": {"name": "r", "language": ""}}, "r"),
        ({"kernelspec": {"name": "conda-env-x-r", "display_name": "R [conda env:x]"}}, "r"),
        ({"kernelspec": {"name": "ruby", "display_name": "Ruby"}}, "python"),
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


ATTACHED = file(
    code("1", "a"),
    prose("![](attachment:p.png)\n```\nls\n```\nend", "m", attachments={"p.png": {"image/png": "eA=="}}, metadata={"x": 1}),
    code("2", "b"),
)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("```\n\n<!-- cell m -->", "\n<!-- cell m -->", "The chunk in line 1 has no end before the cell of line 4,"),
        ("\nend\n", "\nend\n\n```{r}\nx\n", "The chunk in line 12 has no end. Close it with ```,"),
        ("\nend\n", "\nend\n\n~~~{r}\nx\n", "The chunk in line 12 has no end. Close it with ~~~,"),
        ("\nend\n", "\nend\n\n````{r}\nx\n", "The chunk in line 12 has no end. Close it with ````,"),
    ],
)
def test_a_chunk_that_swallows_cells_of_the_file_is_refused(old: str, new: str, said: str) -> None:
    read = opened(ATTACHED)
    edited = read.edited.replace(old, new, 1)
    assert edited != read.edited
    with pytest.raises(Unfit) as problem:
        cells.read(edited, read.language, {cell.name: cell.source for cell in read.cells})
    assert str(problem.value).startswith(said)


def test_a_cell_that_is_swallowed_by_a_longer_fence_of_another_language_is_refused() -> None:
    text = file(prose("hi", "m"), code("1", "a"), code("s = '```'", "b"), code("3", "c"))
    read = opened(text)
    edited = read.edited.replace("hi\n", "hi\n\n````{r}\n")
    with pytest.raises(Unfit, match=r"The chunk in line 4 has no end\. Close it with ````"):
        cells.read(edited, read.language, {cell.name: cell.source for cell in read.cells})
    edited = edited.replace("````{python, b}\n", "")
    with pytest.raises(Unfit, match="The chunk in line 4 has no end before the cell of line 6, which is lost so"):
        cells.read(edited, read.language, {cell.name: cell.source for cell in read.cells})


@pytest.mark.parametrize("name", ODD)
def test_what_cells_say_of_others_is_not_taken_for_these(name: str) -> None:
    read = opened(ODD[name])
    stored = {cell.name: cell.source for cell in read.cells}
    for gone in stored:
        left = [Cell(cell.kind, cell.name, cell.source) for cell in read.cells if cell.name != gone]
        assert [cell.name for cell in cells.read(cells.written(left, read.language), read.language, stored)] == [
            cell.name for cell in left
        ]


def test_a_line_is_read_in_the_time_of_its_length() -> None:
    begun = time.process_time()
    for line in (
        "```{python" + " " * 100_000,
        "```{python" + " " * 100_000 + "} x",
        "```{" + "a" * 100_000,
        "`" * 100_000 + "{a x",
    ):
        assert [cell.kind for cell in cells.read(line, "python")] == ["markdown"]
    assert cells.stripped("a" + "\n" * 100_000 + "b") == "a" + "\n" * 100_000 + "b"
    assert cells.stripped("\n \n a \n\n\t\n") == " a "
    assert time.process_time() - begun < 20


class Saves:
    """A notebook that is saved several times, as the server does it."""

    def __init__(self, text: str, **bounds: int) -> None:
        self.text = text
        self.memory = Memory(**bounds)

    def save(self, edited: str, **ran: Ran) -> list[Json]:
        read = opened(self.text)
        now = cells.read(edited, read.language)
        names = {cell.name for cell in now}
        self.text = notebook.merged(read, now, ran, self.memory.kept("a", read, names))
        self.memory.take("a", read, names, notebook.renamed(now, opened(self.text)))
        found: list[Json] = content(self.text)["cells"]
        return found


def test_cells_that_a_save_dropped_come_back_as_they_were() -> None:
    saves = Saves(ATTACHED)
    edited = opened(ATTACHED).edited
    saves.save("```{python, b}\n2\n```\n")
    saves.save("```{python, b}\n22\n```\n", b=Ran())
    saves.save("")
    back = saves.save(edited)
    first, second, last = content(ATTACHED)["cells"]
    assert back == [first, second, {**last, "outputs": [], "execution_count": None}]
    assert saves.memory.kept("other", opened(file()), {"a"}) == {}


def test_a_dropped_cell_comes_back_changed_and_of_another_kind_and_once() -> None:
    saves = Saves(file(code("1", "a", metadata={"tags": ["x"]}), code("2", "b")))
    saves.save("```{python, b}\n2\n```\n")
    twice = saves.save("```{python, a}\n7\n```\n```{python, a}\n8\n```\n")
    assert twice[0] == code("7", "a", metadata={"tags": ["x"]})
    assert (twice[1]["outputs"], twice[1]["id"] == "a") == ([], False)
    back = saves.save("```{raw, b}\n2\n```\n")
    assert back == [prose("2", "b", kind="raw")]


def test_the_former_names_of_cells_without_ids_mean_them_still() -> None:
    text = file(code("1", metadata={"x": 1}), code("5"), minor=4)
    saves = Saves(text)
    edited = opened(text).edited
    new = Ran(outputs=[{**STREAM, "text": ["new\n"]}], count=9)
    name = opened(text).cells[0].name
    saves.save(edited.replace("\n1\n", "\n11\n"), **{name: new})
    first, _ = saves.save(edited.replace("\n1\n", "\n12\n"))
    assert (first["metadata"], first["outputs"], first["execution_count"]) == ({"x": 1}, [{**STREAM, "text": ["new\n"]}], 9)
    first, _ = saves.save(edited)
    assert (first["metadata"], first["outputs"]) == ({"x": 1}, [{**STREAM, "text": ["new\n"]}])


def test_what_is_remembered_is_bounded() -> None:
    saves = Saves(file(*(code("1", f"a{number}") for number in range(5))), most_cells=2)
    edited = opened(saves.text).edited
    saves.save("")
    assert [len(cell["outputs"]) for cell in saves.save(edited)] == [0, 0, 0, 1, 1]
    saves = Saves(file(code("1", "a"), code("2", "b")), most_characters=100)
    edited = opened(saves.text).edited
    saves.save("")
    assert [len(cell["outputs"]) for cell in saves.save(edited)] == [0, 0]


def test_half_a_character_in_metadata_is_kept() -> None:
    text = file(code("1", "a", metadata={"x": "half"}), prose("ä", "m")).replace("half", "\\ud800")
    merged = saved(text, "```{raw, a}\n1\n```\n\n<!-- cell m -->\nä\n")
    assert content(merged.encode().decode())["cells"][0]["metadata"] == {"x": "\ud800"}


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(EventLog(tmp_path / "log"), BlobStore(tmp_path / "blobs"))


def test_half_a_character_in_an_output_is_shown(recorder: Recorder) -> None:
    half = {"data": {"application/json": {"y": ["\ud800"], "\udc00": 1}, "\ud800": "x"}, "metadata": {"k": {"z": "\ud800"}}}
    [value] = outputs.stored([{**half, "output_type": "display_data"}], recorder)
    assert json.loads(value.model_dump_json()) == {
        "type": "value",
        "data": {"application/json": {"y": ["?"], "?": 1}, "?": "x"},
        "blobs": {},
        "metadata": {"k": {"z": "?"}},
        "result": False,
    }


def test_an_execution_of_which_a_picture_is_gone_is_missing(recorder: Recorder) -> None:
    for execution in ("kept", "gone"):
        blob = recorder.blobs.add(f"picture {execution}".encode())
        recorder.record(protocol.ExecutionQueued, console="c", execution=execution, who="ann", code="x")
        recorder.record(protocol.Plot, console="c", execution=execution, blobs={"image/png": blob})
        recorder.record(protocol.ExecutionFinished, console="c", execution=execution, status="ok", count=3)
    path = recorder.blobs.path(blob.sha256)
    assert path is not None
    path.unlink()
    assert outputs.ran({"kept", "gone", "never"}, recorder.log.all(), recorder.blobs).keys() == {"kept"}


def test_output_that_was_cut_says_so(recorder: Recorder) -> None:
    recorder.record(protocol.ExecutionQueued, console="c", execution="e", who="ann", code="x")
    recorder.record(protocol.Stream, console="c", execution="e", name="stdout", text="begin\n")
    recorder.record(protocol.ExecutionFinished, console="c", execution="e", status="ok", count=3, dropped=5_000_000)
    assert outputs.ran({"e"}, recorder.log.all(), recorder.blobs)["e"].outputs == [
        {"name": "stdout", "output_type": "stream", "text": ["begin\n"]},
        {"name": "stderr", "output_type": "stream", "text": ["… 5,000,000 characters are left out …\n"]},
    ]
