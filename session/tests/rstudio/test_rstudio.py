"""RStudio Server as an interface, against a stand-in (`stand_in`); `scripts/check-rstudio` runs the same against a real one."""

import asyncio
import json
import os
import signal
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from session.tests.running import PYTHON, Json, Running, interface, members, spec, until

pytestmark = pytest.mark.timeout(400)
Start = Callable[..., Running]
#: RStudio doesn't run as root: it sees another account, which may do the same.
ACCOUNT = ["unshare", "-U", "--map-user=65534", "--map-group=65534"] if os.geteuid() == 0 else []
#: `scripts/check-rstudio` sets it: then it is the server of this machine.
REAL = "RSPARK_REAL_RSTUDIO" in os.environ
of_the_stand_in = pytest.mark.skipif(REAL, reason="it tells the stand-in what the real page alone knows how to tell")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with the stand-in, under both of its names."""
    folder = tmp_path / "bin"
    folder.mkdir()
    if REAL:
        return folder
    text = Path(__file__).with_name("stand_in.py").read_text()
    for name in ("rserver", "rsession"):
        (folder / name).write_text(f"#!{PYTHON}\n{text}")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
async def start(tmp_path: Path, programs: Path) -> AsyncIterator[Start]:
    made: list[Running] = []
    session = "t" + uuid.uuid4().hex[:9]

    def go(*, installed: bool = True, **more: Any) -> Running:
        asked = {"interface": interface("rstudio", title="RStudio"), "grace": 300.0, **more}
        running = Running(spec(tmp_path, id=session, **asked))
        made.append(running)
        path = f"{programs}:{os.environ['PATH']}" if installed else os.environ["PATH"]
        running.start(*ACCOUNT, PATH=path)
        return running

    yield go
    for running in made:
        await running.close()


class Tab:
    """A tab of a browser: its cookies, and the calls of RStudio's page."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.cookies: dict[str, str] = {}
        self.client = ""
        self._seen = -1

    async def open(self) -> httpx.Response:
        """Open the page, and follow where it leads: there is no page to sign in on."""
        base = self.running.asked["base_path"]
        url = base
        for _ in range(4):
            answer = await self.running.get(url.removeprefix(base), headers=self.headers, follow_redirects=False)
            for cookie in answer.headers.get_list("set-cookie"):
                assert f"path={base.rstrip('/')};" in cookie
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            if answer.status_code != 302:
                return answer
            url = answer.headers["location"]
            assert url.startswith(base), "under the session's path"
        raise AssertionError("it leads round in a circle")

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "X-RS-CSRF-Token": self.cookies.get("rs-csrf-token", ""),
        }

    async def call(self, method: str, *params: object, path: str = "rpc") -> Any:
        asked = {"method": method, "params": params, "clientId": self.client, "version": 0}
        answer = await self.running.post(f"{path}/{method}", json=asked, headers=self.headers)
        assert answer.status_code == 200
        return answer.json()

    async def begin(self) -> Json:
        """Take the session over, as a page does that is opened."""
        begun: Json = (await self.call("client_init", self.running.asked["base_path"]))["result"]
        self.client = begun["clientId"]
        return begun

    async def types(self, line: str) -> None:
        assert "error" not in await self.call("console_input", line, "", 0)

    async def poll(self) -> list[Json]:
        """Ask for events, as a page does all the time by itself."""
        events: list[Json] = (await self.call("get_events", self._seen, path="events"))["result"]
        self._seen = max([self._seen, *(event["id"] for event in events)])
        return events

    async def is_printed(self, text: str) -> None:
        async with asyncio.timeout(90):
            while not any(text in json.dumps(event, ensure_ascii=False) for event in await self.poll()):
                pass


async def opened(start: Start, **more: object) -> tuple[Running, Tab, Json]:
    running = start(**more)
    await running.until_state("ready")
    tab = Tab(running)
    assert (await tab.open()).status_code == 200
    return running, tab, await tab.begin()


def named(running: Running, name: str) -> psutil.Process:
    return next(process for process in members(running.name) if process.name() == name)


def warnings(begun: Json) -> list[Json]:
    """What the page would be told of an abnormal end."""
    return [event for event in begun.get("events", []) if "abend" in json.dumps(event)]


async def test_it_is_used_under_the_sessions_path_and_activity_and_busy_are_told_truly(start: Start) -> None:
    running = start()
    await running.until_state("ready")
    tab = Tab(running)
    page = await tab.open()
    assert (page.status_code, "rs-csrf-token" in page.text) == (200, True)
    assert (await tab.call("get_events", -1, path="events"))["error"]["code"] == 2, "there is no R yet, and a poll starts none"
    assert running.status()["last_activity"] is None, "a poll is nobody's doing"
    begun = await tab.begin()
    assert (begun["resumed"], warnings(begun)) == (False, [])
    await until(lambda: running.status()["last_activity"], "a call is somebody's doing")

    await tab.types("x <- 42")
    await tab.types("x")
    await tab.is_printed("[1] 42")
    await tab.types('Sys.getenv("HOME")')
    await tab.is_printed(str(running.home))  # not the one of /etc/passwd

    await tab.types("Sys.sleep(600)")
    await until(lambda: running.status()["busy_with"] == ["RStudio"], "R computes")
    before = running.status()["last_activity"]
    await tab.poll()
    assert running.status()["last_activity"] == before
    assert (await running.post("agent/stop")).status_code == 202
    assert await running.ended() == 0
    assert not members(running.name)

    _, _, begun = await opened(start, generation=2)
    assert (begun["resumed"], warnings(begun)) == (True, []), "after a stop, too, nothing is said of an abnormal end"


@of_the_stand_in
async def test_uploads_and_websockets_of_terminals_go_through(start: Start) -> None:
    running, tab, _ = await opened(start)
    big = os.urandom(3 * 2**20)
    assert (await running.post("upload", content=big, headers=tab.headers)).json() == {"result": len(big)}
    assert (running.home / "uploaded").read_bytes() == big
    async with running.socket("p/8787abcd/terminal/1/") as terminal:
        await terminal.send("ls")
        assert await terminal.recv() == "ls"
    assert await running.suspend() == 0


@pytest.mark.long
@pytest.mark.parametrize(("how", "computes"), [("suspend", False), ("term", True)])
async def test_it_sleeps_with_0_while_idle_and_while_r_computes_and_what_it_saved_is_back(
    start: Start, computes: bool, how: str
) -> None:
    running, tab, _ = await opened(start, environ={"STALE": "first"})
    await tab.types("x <- 42")
    await tab.types("x")
    await tab.is_printed("[1] 42")
    poll = asyncio.ensure_future(tab.poll())  # a tab is open
    if computes:
        await tab.types("Sys.sleep(600)")
        await until(lambda: running.status()["busy"], "R computes")
    if how == "suspend":
        assert await running.suspend() == 0
    else:
        assert running.process is not None
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended() == 0
    await asyncio.gather(poll, return_exceptions=True)
    record = running.record()
    assert (record["how"], record["saved"]["kernels"]) == ("suspended", [])
    assert record.get("ended", []) == (["RStudio"] if computes else [])
    assert not members(running.name)

    woken, tab, begun = await opened(start, generation=2, resume=True, environ={"STALE": "second"})
    assert (begun["resumed"], warnings(begun)) == (True, [])
    await tab.types("x")
    await tab.is_printed("[1] 42")
    await tab.types('Sys.getenv("STALE")')
    await tab.is_printed("second")  # of this start, and not as it was saved
    assert await woken.suspend() == 0


async def test_one_that_is_put_to_sleep_while_r_starts_is_not_killed(start: Start) -> None:
    running = start()
    await running.until_state("ready")
    tab = Tab(running)
    await tab.open()
    calling = asyncio.ensure_future(tab.begin())
    await until(lambda: any(process.name() == "rsession" for process in members(running.name)), "R starts")
    assert await running.suspend() == 0
    await asyncio.gather(calling, return_exceptions=True)
    (persistent,) = running.home.glob(".local/share/rstudio/sessions/active/*/session-persistent-state")
    assert 'abend="0"' in persistent.read_text()


async def test_a_sleep_that_is_refused_for_an_interface_beside_it_leaves_it_as_it_was(start: Start) -> None:
    running, tab, _ = await opened(start, beside={"lab": interface("jupyterlab", kernels=["python"])})
    await tab.types("x <- 42")
    below = "interfaces/lab/"
    while (await running.get(f"{below}api/status", headers={"Accept": "text/html"})).status_code != 200:
        await asyncio.sleep(0.1)
    kernel_id = await running.new_kernel("python3", below=below)
    async with running.kernel(kernel_id, below=below) as kernel:
        await kernel.shown("class Odd(list):\n    def __reduce_ex__(self, _): raise ValueError('no way')\nodd = Odd([1])")
    assert (await running.post("agent/suspend?if=kept")).status_code == 202
    await until(lambda: running.status().get("refusal"), "the sleep is given up")
    begun = await tab.begin()
    assert (begun["resumed"], warnings(begun)) == (True, [])
    await tab.types("x")
    await tab.is_printed("[1] 42")
    assert await running.suspend() == 1  # for it can't be kept now either


async def test_a_session_that_nobody_opened_sleeps_as_well(start: Start) -> None:
    running = start()
    await running.until_state("ready")
    assert await running.suspend() == 0
    assert running.record()["how"] == "suspended"


async def test_rserver_that_is_killed_is_started_again_and_takes_over_the_r_that_runs(start: Start) -> None:
    running, tab, _ = await opened(start)
    await tab.types("x <- 42")
    pid = named(running, "rsession").pid
    named(running, "rserver").send_signal(signal.SIGKILL)
    await until(lambda: running.part("interface")["state"] != "ready", "it is seen")
    await until(lambda: running.part("interface")["state"] == "ready", "it is started again")
    await tab.types("x")
    await tab.is_printed("[1] 42")
    assert named(running, "rsession").pid == pid
    assert await running.suspend() == 0


async def test_where_nothing_can_be_saved_it_is_said_and_the_code_is_not_0(start: Start) -> None:
    running, tab, _ = await opened(start)
    await tab.types("x <- 42")
    (folder,) = running.home.glob(".local/share/rstudio/sessions/active/*")
    (folder / ".rspark-probe").mkdir()  # where it is tried whether something can be written
    assert (await running.post("agent/suspend?if=kept")).status_code == 202
    await until(lambda: running.status().get("refusal"), "it stays awake")
    await tab.types("x")
    await tab.is_printed("[1] 42")
    assert await running.suspend() == 1
    assert "could not be saved" in running.record()["reason"]


@of_the_stand_in
async def test_where_it_is_not_installed_one_sentence_says_what_to_do(start: Start) -> None:
    running = start(installed=False)
    assert await running.ended() == 1
    reason = running.status()["reason"]
    assert reason.startswith("RStudio Server is not installed where this session runs: install it there")
    assert reason.count(". ") == 0
