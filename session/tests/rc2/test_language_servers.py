"""The language servers of a session, as an editor speaks to them: the real lintr, air and ruff, by a websocket."""

import asyncio
import itertools
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
import websockets
from session.tests.running import WAIT, Running, command_of, interface, members, spec, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "rc2/api/language-servers"
WRONG = {"argv": ["python3"], "languages": "r"}
#: A server of another language, as small as one can be: it marks the first letter of what is opened, and of
#: `compute` it begins to compute in a program of its own.
ECHO = """import json, subprocess, sys
def read():
    length = 0
    while (line := sys.stdin.buffer.readline().strip()):
        if line.lower().startswith(b"content-length:"): length = int(line.split(b":")[1])
    return json.loads(sys.stdin.buffer.read(length)) if length else None
def write(message):
    text = json.dumps(message | {"jsonrpc": "2.0"}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n%s" % (len(text), text)); sys.stdout.buffer.flush()
while (message := read()) is not None:
    if "id" in message: write({"id": message["id"], "result": {"capabilities": {"textDocumentSync": 1}}})
    if message["method"] == "textDocument/didOpen":
        place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}
        uri = message["params"]["textDocument"]["uri"]
        if message["params"]["textDocument"]["text"] == "compute": subprocess.Popen([sys.executable, "-c", "while True: pass"])
        said = [{"range": place, "message": "a letter"}]
        write({"method": "textDocument/publishDiagnostics", "params": {"uri": uri, "diagnostics": said}})
    if message["method"] == "exit": break
"""


class Editor:
    """What an editor's part in the protocol is."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self._numbers = itertools.count(1)
        self.told: list[dict[str, Any]] = []

    async def tell(self, method: str, **params: Any) -> None:
        await self.socket.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}))

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the answer, with `result` or `error`."""
        number = next(self._numbers)
        await self.socket.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        while (message := await self.read()).get("id") != number or "method" in message:
            self.told.append(message)
        return message

    async def read(self) -> dict[str, Any]:
        async with asyncio.timeout(WAIT):
            return json.loads(await self.socket.recv())  # type: ignore[no-any-return]

    async def begin(self) -> dict[str, Any]:
        answer = await self.ask("initialize", processId=None, rootUri=None, capabilities={})
        await self.tell("initialized")
        return answer["result"]["capabilities"]  # type: ignore[no-any-return]

    async def open(self, path: str, text: str, *, language: str, version: int = 1) -> None:
        document = {"uri": f"file://{path}", "languageId": language, "version": version, "text": text}
        await self.tell("textDocument/didOpen", textDocument=document)

    async def change(self, path: str, text: str, *, version: int) -> None:
        document = {"uri": f"file://{path}", "version": version}
        await self.tell("textDocument/didChange", textDocument=document, contentChanges=[{"text": text}])

    async def marks(self, path: str, *, version: int = 1) -> list[dict[str, Any]]:
        """Return what is marked in a version of a document."""
        while True:
            for message in self.told:
                params = message.get("params", {})
                if params.get("uri") == f"file://{path}" and params.get("version", version) == version:
                    return params["diagnostics"]  # type: ignore[no-any-return]
            self.told.append(await self.read())

    async def form(self, path: str) -> dict[str, Any]:
        options = {"tabSize": 2, "insertSpaces": True}
        return await self.ask("textDocument/formatting", textDocument={"uri": f"file://{path}"}, options=options)


@asynccontextmanager
async def editor(running: Running, server: str) -> AsyncIterator[Editor]:
    async with running.socket(f"{PATH}/{server}") as socket:
        yield Editor(socket)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("language-servers")
    running = Running(spec(folder, id="t" + uuid.uuid4().hex[:9], interface=interface("rc2")))
    settings = running.home / ".jupyter"
    settings.mkdir(parents=True)
    (running.home / "echo.py").write_text(ECHO)
    program = ["python3", str(running.home / "echo.py")]
    declared = {
        "echo": {"argv": program, "languages": ["julia", "r"]},
        "absent": {"argv": ["no-such-program"], "languages": ["stan"]},
    }
    (settings / "jupyter_rc2_config.json").write_text(json.dumps({"Rc2": {"language_servers": declared}}))
    running.start()
    await running.until_state("ready")
    yield running
    await running.close()


async def test_those_that_are_there_are_listed_and_who_is_declared_comes_first(running: Running) -> None:
    listed = (await running.get(PATH)).json()["servers"]
    assert listed == [
        {"name": "echo", "languages": ["julia", "r"]},
        {"name": "r", "languages": ["r"]},
        {"name": "ruff", "languages": ["python"]},
        {"name": "python-names", "languages": ["python"]},
    ]


async def test_mistakes_of_r_are_marked_where_they_are(running: Running) -> None:
    async with editor(running, "r") as one:
        assert (await one.begin())["documentFormattingProvider"]
        await one.open("/nowhere/a.R", 'x <- c("😀", 1) == NA\nif (T) x\n', language="r")
        marks = await one.marks("/nowhere/a.R")
        found = {(mark["code"], mark["severity"], mark["range"]["start"]["line"]) for mark in marks}
        assert found == {("equals_na_linter", 2, 0), ("T_and_F_symbol_linter", 3, 1)}
        (letter,) = (mark["range"] for mark in marks if mark["code"] == "T_and_F_symbol_linter")
        assert (letter["start"]["character"], letter["end"]["character"]) == (4, 5)
        # Columns are counted in UTF-16, where the face is two.
        (equals,) = (mark["range"] for mark in marks if mark["code"] == "equals_na_linter")
        assert equals["end"]["character"] == len('x <- c("😀", 1) =='.encode("utf-16-le")) // 2
        await one.change("/nowhere/a.R", "x <- function( {\n", version=2)
        (error,) = await one.marks("/nowhere/a.R", version=2)
        assert (error["severity"], error["source"]) == (1, "lintr")
        await one.change("/nowhere/a.R", "x <- 1\n", version=3)
        assert await one.marks("/nowhere/a.R", version=3) == []


async def test_chunks_of_a_document_are_checked_too(running: Running) -> None:
    async with editor(running, "r") as one:
        await one.begin()
        for path in ("/nowhere/a.Rmd", "/nowhere/a.qmd"):
            await one.open(path, "# T and F\n\n```{r}\nx <- T\n```\n", language="rmd")
            (mark,) = await one.marks(path)
            assert mark["range"]["start"]["line"] == 3


async def test_a_folder_that_has_settings_of_lintr_is_checked_by_them(running: Running) -> None:
    folder = running.home / "strict"
    folder.mkdir()
    (folder / ".lintr").write_text("linters: list(assignment = assignment_linter())\n")
    async with editor(running, "r") as one:
        await one.begin()
        await one.open(f"{folder}/a.R", "x = T\n", language="r")
        (mark,) = await one.marks(f"{folder}/a.R")
        assert mark["code"] == "assignment"
        (folder / ".lintr").write_text("linters: list(unknown_linter())\n")
        await one.change(f"{folder}/a.R", "x = F\n", version=2)
        (mark,) = await one.marks(f"{folder}/a.R", version=2)
        assert mark["message"].startswith("Not checked: ")
        assert "unknown_linter" in mark["message"]


async def test_r_is_brought_into_form_and_what_is_no_r_says_so(running: Running) -> None:
    async with editor(running, "r") as one:
        await one.begin()
        await one.open("/nowhere/a.R", "f<-function(x){x+1}\n", language="r")
        (edit,) = (await one.form("/nowhere/a.R"))["result"]
        assert edit["newText"] == "f <- function(x) {\n  x + 1\n}\n"
        await one.change("/nowhere/a.R", edit["newText"], version=2)
        assert (await one.form("/nowhere/a.R"))["result"] == []
        await one.change("/nowhere/a.R", "f <- function( {", version=3)
        refused = (await one.form("/nowhere/a.R"))["error"]["message"]
        assert refused == "This code can’t be reformatted: it is not complete, or no R."


async def test_python_is_checked_and_brought_into_form(running: Running) -> None:
    async with editor(running, "ruff") as one:
        await one.begin()
        await one.open(f"{running.home}/a.py", "import os\nx=undefined\n", language="python")
        marks = await one.marks(f"{running.home}/a.py")
        assert {mark["code"] for mark in marks} >= {"F401", "F821"}
        assert "x = undefined" in json.dumps((await one.form(f"{running.home}/a.py"))["result"])


SCOPES = """total <- 1
f <- function(x, total = 2) {
  for (i in x) total <- total + i
  x$total
}
f(3, total = total)
"""


def _place(line: int, character: int) -> dict[str, int]:
    return {"line": line, "character": character}


async def test_a_name_of_r_is_found_and_renamed_in_its_scope(running: Running) -> None:
    async with editor(running, "r") as one:
        capabilities = await one.begin()
        assert capabilities["definitionProvider"]
        assert capabilities["renameProvider"]
        await one.open("/nowhere/a.R", SCOPES, language="r")
        document = {"uri": "file:///nowhere/a.R"}
        for asked, starts in {(2, 25): (2, 15), (2, 16): (2, 15), (5, 14): (0, 0), (5, 0): (1, 0), (2, 32): (2, 7)}.items():
            (found,) = (await one.ask("textDocument/definition", textDocument=document, position=_place(*asked)))["result"]
            assert found["range"]["start"] == _place(*starts)
        renamed = await one.ask("textDocument/rename", textDocument=document, position=_place(0, 2), newName="my sum")
        edits = renamed["result"]["changes"]["file:///nowhere/a.R"]
        assert [(edit["range"]["start"]["line"], edit["newText"]) for edit in edits] == [(0, "`my sum`"), (5, "`my sum`")]
        found = (
            await one.ask(
                "textDocument/references", textDocument=document, position=_place(2, 15), context={"includeDeclaration": True}
            )
        )["result"]
        assert [place["range"]["start"] for place in found] == [_place(1, 17), _place(2, 15), _place(2, 24)]
        for place, why in {(3, 5): "no name of a variable", (2, 7): None}.items():
            answer = await one.ask("textDocument/rename", textDocument=document, position=_place(*place), newName="n")
            assert ("error" in answer, why or "") == (why is not None, why or "")
            assert (why or "") in answer.get("error", {}).get("message", "")
        await one.change("/nowhere/a.R", "y <- mean(", version=2)
        refused = await one.ask("textDocument/rename", textDocument=document, position=_place(0, 0), newName="n")
        assert "not complete" in refused["error"]["message"]
        await one.change("/nowhere/a.R", 'x <- "😀"; y <- mean(x)', version=3)
        (found,) = (await one.ask("textDocument/definition", textDocument=document, position=_place(0, 22)))["result"]
        assert found["range"]["start"] == _place(0, 0)
        assert (await one.ask("textDocument/definition", textDocument=document, position=_place(0, 17)))["result"] == []
        refused = await one.ask("textDocument/rename", textDocument=document, position=_place(0, 17), newName="n")
        assert refused["error"]["message"] == "mean gets no value in this file."


async def test_a_name_of_python_is_found_also_in_another_file_and_renamed(running: Running) -> None:
    (running.home / "other.py").write_text("def shared():\n    return 1\n")
    path = f"{running.home}/a.py"
    async with editor(running, "python-names") as one:
        await one.begin()
        await one.open(path, "from other import shared\n\ndef f(n):\n    return n + shared()\n\nn = f(2)\n", language="python")
        document = {"uri": f"file://{path}"}
        (found,) = (await one.ask("textDocument/definition", textDocument=document, position=_place(3, 16)))["result"]
        assert (found["uri"], found["range"]["start"]) == (f"file://{running.home}/other.py", _place(0, 4))
        renamed = await one.ask("textDocument/rename", textDocument=document, position=_place(3, 11), newName="m")
        edits = renamed["result"]["changes"][f"file://{path}"]
        assert [edit["range"]["start"] for edit in edits] == [_place(2, 6), _place(3, 11)]
        for name, why in {"2m": "no name of Python", "class": "no name of Python"}.items():
            refused = await one.ask("textDocument/rename", textDocument=document, position=_place(3, 11), newName=name)
            assert why in refused["error"]["message"]


async def test_another_language_has_the_server_that_is_declared(running: Running) -> None:
    async with editor(running, "echo") as one:
        await one.begin()
        await one.open("/nowhere/a.jl", "x", language="julia")
        (mark,) = await one.marks("/nowhere/a.jl")
        assert mark["message"] == "a letter"


async def test_one_that_computes_keeps_no_session_awake(running: Running) -> None:
    async with editor(running, "echo") as one:
        await one.begin()
        await one.open("/nowhere/a.jl", "compute", language="julia")
        await one.marks("/nowhere/a.jl")
        (computes,) = await until(lambda: _with(running, "while True"), "what it started")
        await running.post("api/contents", json={"type": "file"})  # whoever does something is measured often
        for _ in range(4):  # two show what computes, the first may be of before
            measured = _measured(running)
            await until(lambda before=measured: _measured(running) != before, "it is measured again")
            assert running.status()["busy_with"] == []
    await until(lambda: not computes.is_running(), "its end")


async def test_one_ends_with_its_editor_and_r_with_it(running: Running) -> None:
    async with editor(running, "r") as one:
        await one.begin()
        await one.open("/nowhere/a.R", "x <- T\n", language="r")
        await one.marks("/nowhere/a.R")
        ours = _of(running)
        assert any("lint.R" in " ".join(command_of(process)) for process in ours)
    await until(lambda: not any(process.is_running() for process in ours), "the end of the language server")


async def test_an_r_that_dies_is_started_again(running: Running) -> None:
    async with editor(running, "r") as one:
        await one.begin()
        await one.open("/nowhere/a.R", "x <- T\n", language="r")
        assert len(await one.marks("/nowhere/a.R")) == 1
        for process in _of(running):
            if "lint.R" in " ".join(command_of(process)):
                process.kill()
                process.wait(WAIT)
        await one.change("/nowhere/a.R", "x <- F\ny <- T\n", version=2)
        await one.change("/nowhere/a.R", "x <- F\ny <- T\n\n", version=3)
        assert len(await one.marks("/nowhere/a.R", version=3)) == 2


async def test_what_is_no_message_and_who_is_unknown_are_refused(running: Running) -> None:
    with pytest.raises(websockets.InvalidStatus, match="404"):
        async with editor(running, "unknown"):
            pass
    async with editor(running, "echo") as one:
        await one.socket.send("no JSON")
        with pytest.raises(websockets.ConnectionClosed):
            await one.read()


async def test_a_setting_that_is_wrong_is_said_in_the_log_and_ours_are_there(tmp_path: Path) -> None:
    running = Running(spec(tmp_path, id="t" + uuid.uuid4().hex[:9], interface=interface("rc2")))
    (running.home / ".jupyter").mkdir(parents=True)
    wrong = json.dumps({"Rc2": {"language_servers": {"wrong": WRONG}}})
    (running.home / ".jupyter/jupyter_rc2_config.json").write_text(wrong)
    running.start()
    try:
        await running.until_state("ready")
        assert [server["name"] for server in (await running.get(PATH)).json()["servers"]] == ["r", "ruff", "python-names"]
        assert "The setting Rc2.language_servers: wrong.languages" in running.log("interface")
    finally:
        await running.close()


def _of(running: Running) -> list[psutil.Process]:
    """Return the language server of R with its R."""
    return _with(running, "language_servers")


def _measured(running: Running) -> tuple[int, float]:
    return running.status()["memory"], running.status()["cpu"]


def _with(running: Running, words: str) -> list[psutil.Process]:
    """Return the processes of a session that have words in their command."""
    return [process for process in members(running.name) if words in " ".join(command_of(process))]
