"""An app of Shiny as an interface, with real R and real clients."""

import asyncio
import contextlib
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import websockets
from session.tests.running import Running, command_of, interface, members, until

pytestmark = pytest.mark.timeout(400)
Start = Callable[..., Running]
LONG = 300.0  # seconds: of a grace a part is R's to end in, and a loaded machine is slow

APP = """
library(shiny)
greeting <- "Hello"
ui <- fluidPage(h1("The class's app"), textInput("name", "Name", ""), actionButton("work", "Work"), textOutput("greeting"))
server <- function(input, output, session) {
  output$greeting <- renderText({
    if (input$name == "nobody") stop("nobody has no name")
    paste(greeting, input$name)
  })
  observeEvent(input$name, if (input$name == "sleeper") Sys.sleep(9), ignoreInit = TRUE)
  observeEvent(input$name, if (input$name == "breaker") stop("the data are gone"), ignoreInit = TRUE)
  observeEvent(input$name, if (input$name == "loop") repeat Sys.sleep(1), ignoreInit = TRUE)
}
onStop(function() writeLines("closed", "stopped.txt"))
shinyApp(ui, server)
"""


class Visitor:
    """A browser's side of Shiny's protocol: as `shinyapp.js` begins it, over the plain websocket."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket

    async def send(self, method: str, **data: object) -> None:
        await self._socket.send(json.dumps({"method": method, "data": data}))

    async def until(self, look: Callable[[dict[str, Any]], Any]) -> Any:
        """Wait until a message holds what is looked for, and return it."""
        async with asyncio.timeout(60):
            while True:
                if found := look(json.loads(await self._socket.recv())):
                    return found

    async def is_greeted(self, text: str) -> None:
        await self.until(lambda message: message.get("values", {}).get("greeting") == text)

    async def closed(self) -> None:
        async with asyncio.timeout(60):
            with contextlib.suppress(websockets.ConnectionClosed):
                while True:
                    await self._socket.recv()


@asynccontextmanager
async def visit(running: Running, name: str) -> AsyncIterator[Visitor]:
    async with running.socket("websocket/") as socket:
        visitor = Visitor(socket)
        hidden = {".clientdata_output_greeting_hidden": False}
        await visitor.send("init", **{"name": name, "work:shiny.action": 0, **hidden})
        yield visitor


async def shiny(start: Start, home: Path, *, app: str | None = APP, **more: object) -> Running:
    folder = home / "class/app"
    folder.mkdir(parents=True, exist_ok=True)
    if app is not None:
        (folder / "app.R").write_text(app)
    app_of_class = interface("shiny", title="The class's app", config={"app": "class/app"})
    running = start(interface=app_of_class, grace=LONG, **more)
    await running.until_state("ready")
    return running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def pid_of_r(running: Running) -> int | None:
    found = [process.pid for process in members(running.name) if "shiny.R" in str(command_of(process))]
    return found[0] if found else None


async def test_several_people_use_an_app_at_once_and_r_ends_with_0(start: Start, home: Path) -> None:
    running = await shiny(start, home)
    page = await running.get("")
    assert (page.status_code, "The class's app" in page.text) == (200, True)
    assert (await running.get(re.search('src="([^"]*shiny.min.js)"', page.text)[1])).status_code == 200
    assert running.status()["last_activity"] is None, "nobody did anything"
    async with visit(running, "Ann") as ann, visit(running, "Ben") as ben:
        await ann.is_greeted("Hello Ann")
        await ben.is_greeted("Hello Ben")
        await ben.send("update", name="Bea")
        await ben.is_greeted("Hello Bea")
        await until(lambda: running.status()["last_activity"], "what visitors send is activity")

        await ann.send("update", name="sleeper")
        await until(lambda: running.status()["busy_with"] == ["The class's app"], "R answers nobody: it computes or waits")
        await until(lambda: not running.status()["busy"], "it answers again")

        await ben.send("update", name="nobody")
        told = await ben.until(lambda message: message.get("errors", {}).get("greeting"))
        assert told["message"] == "nobody has no name"
        await ben.send("update", name="breaker")
        told = await ben.until(lambda message: message.get("custom", message).get("notification"))
        assert "The app has an error: the data are gone" in told["message"]["html"]
        await ann.send("update", name="Ann again")
        await ann.is_greeted("Hello Ann again")
        assert await running.suspend() == 0
        await ann.closed()
    assert running.record()["how"] == "suspended"
    assert [part["code"] for part in running.record()["parts"] if part["name"] == "interface"] == [0]
    assert (home / "class/app/stopped.txt").read_text() == "closed\n", "what the app registered is done"
    assert not members(running.name)

    again = await shiny(start, home, generation=2, resume=True)
    async with visit(again, "Ann") as ann:
        await ann.is_greeted("Hello Ann")
        await ann.send("update", name="loop")
        await until(lambda: again.status()["busy"], "it computes")
        assert (await again.post("agent/stop")).status_code == 202
        assert await again.ended() == 0
    assert [part["code"] for part in again.record()["parts"] if part["name"] == "interface"] == [0], "also while R is busy"


async def test_an_app_is_loaded_anew_when_it_changes_and_shows_what_is_wrong(start: Start, home: Path) -> None:
    running = await shiny(start, home, app=None)
    file = home / "class/app/app.R"
    assert "There is no app.R in" in (await running.get("")).text
    async with running.socket("websocket/") as socket:
        visitor = Visitor(socket)
        await visitor.send("init")
        file.write_text(APP)
        await visitor.until(lambda message: message.get("custom", message).get("reload"))
    assert "The class" in (await running.get("")).text
    async with visit(running, "Ann") as ann:
        await ann.is_greeted("Hello Ann")
        helper = home / "class/app/R"
        helper.mkdir()
        (helper / "greeting.R").write_text('hello <- "Good day"\n')
        file.write_text(APP.replace('"Hello"', "hello"))
        await ann.until(lambda message: message.get("custom", message).get("reload"))
    async with visit(running, "Ann") as ann:
        await ann.is_greeted("Good day Ann")
        (helper / "greeting.R").write_text('hello <- "Good night"\n')
        await ann.until(lambda message: message.get("custom", message).get("reload"))
    async with visit(running, "Ann") as ann:
        await ann.is_greeted("Good night Ann")
        file.write_text(APP.replace("library(shiny)", "library(nowhere)"))
        await ann.until(lambda message: message.get("custom", message).get("reload"))
    page = (await running.get("")).text
    assert "The app can&#39;t be loaded" in page or "The app can't be loaded" in page
    assert "nowhere" in page
    file.write_text(APP + "\n)")
    await until_text(running, "unexpected &#39;)&#39;", "unexpected ')'")
    file.write_text(APP)
    await until_text(running, "The class")
    assert await running.suspend() == 0


async def until_text(running: Running, *texts: str) -> None:
    async with asyncio.timeout(60):
        page = ""
        while not any(text in page for text in texts):
            await asyncio.sleep(0.1)
            page = (await running.get("")).text


async def test_r_that_is_killed_is_started_again(start: Start, home: Path) -> None:
    running = await shiny(start, home)
    first = pid_of_r(running)
    assert first is not None
    async with visit(running, "Ann") as ann:
        await ann.is_greeted("Hello Ann")
        os.kill(first, signal.SIGKILL)
        await ann.closed()
    await until(lambda: running.part("interface")["state"] != "ready", "it is seen")
    await until(lambda: running.part("interface")["state"] == "ready", "it is started again")
    assert running.status()["state"] == "ready"
    assert pid_of_r(running) not in (None, first)
    async with visit(running, "Ann") as ann:
        await ann.is_greeted("Hello Ann")
    assert await running.suspend() == 0
