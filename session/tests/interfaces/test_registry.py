"""An interface is found by its name: a module of ours, or an entry point of another package."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from session.tests.running import CHECKOUT, Running, interface, members

from rspark_session.interfaces.base import InterfaceUnavailable, find

Start = Callable[..., Running]

# A package from outside: an interface that is one program of Python's own.
TOY = """
import socket
import sys

from rspark_session.interfaces.base import Endpoint, Host, Interface, LaunchedProcess


class Toy(Interface):
    def start(self) -> LaunchedProcess:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (self.context.home / self.context.spec.config["page"]).write_text("a toy")
        command = [sys.executable, "-m", "http.server", str(self.port), "--bind", "127.0.0.1"]
        return self.context.launch(command, environ=self.context.environ, folder=self.context.home)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(port=self.port)

    async def until_ready(self, host: Host) -> None:
        await host.until_healthy({"tcp": f"127.0.0.1:{self.port}"})
"""


@pytest.fixture
def toy_package(tmp_path: Path) -> Path:
    """A folder in which a package with the interface `toy` is installed."""
    folder = tmp_path / "installed"
    about = folder / "rspark_toy-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: rspark-toy\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[rspark_session.interfaces]\ntoy = rspark_toy:Toy\n")
    (folder / "rspark_toy.py").write_text(TOY)
    return folder


@pytest.mark.parametrize("name", ["jupyterlab", "terminal", "web"])
def test_an_interface_is_found_by_the_name_that_environments_use(name: str) -> None:
    assert find(name).__module__ == f"rspark_session.interfaces.{name}"


@pytest.mark.parametrize("name", ["spyder", "base", "jupyter_server", "Web", "web.py", "", "../agent"])
def test_what_is_no_interface_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(InterfaceUnavailable, match="There is no interface") as refused:
        find(name)
    assert repr(name) in str(refused.value)


def test_other_packages_are_not_searched_for_an_interface_of_ours_and_asyncio_is_not_loaded() -> None:
    """Both take longer than to start R, which comes first."""
    code = (
        "import sys; from rspark_session.interfaces.base import find; find('jupyterlab'); find('web'); "
        "print([name for name in ('importlib.metadata', 'asyncio', 'email') if name in sys.modules])"
    )
    python = CHECKOUT / ".venv-session/bin/python"
    assert subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_module_that_lacks_one_of_its_own_is_not_taken_for_a_missing_interface(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import rspark_session.interfaces

    (tmp_path / "broken.py").write_text("import a_module_that_is_not_there\n")
    monkeypatch.setattr(rspark_session.interfaces, "__path__", [*rspark_session.interfaces.__path__, str(tmp_path)])
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_not_there"):
        find("broken")
    sys.modules.pop("rspark_session.interfaces.broken", None)


async def test_an_interface_of_another_package_runs_without_a_change_of_ours(prepare: Start, toy_package: Path) -> None:
    running = prepare(interface=interface("toy", config={"page": "hello.txt"}))
    running.home.mkdir()
    running.start(PYTHONPATH=str(toy_package))
    await running.until_state("ready")
    # it serves the root, and the agent passes on whole paths
    answer = await running.get("hello.txt")
    assert answer.status_code == 404
    assert "SimpleHTTP" in answer.headers["server"]
    assert (running.home / "hello.txt").read_text() == "a toy"
    assert await running.suspend() == 0
    assert running.record()["how"] == "suspended"
    assert not members(running.name)
