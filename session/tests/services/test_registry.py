"""A service is found by its name: a module of ours, or an entry point of another package; and a session is made ready for it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from session.tests.running import PYTHON, Json, Running, interface, members, part, until

from rspark_contract.specs import ServiceSpec
from rspark_session.services.base import Context, Service
from rspark_session.services.registry import find

Prepare = Callable[..., Running]

# A package from outside: a service with variables, a file, a page and work of its own.
TOY = """
from http import HTTPStatus
from pathlib import Path

from rspark_session.services.base import Service, ServiceUnavailable


class Toy(Service):
    route = "toy"

    def programs(self):
        return [Path("/opt/toy/bin")]

    def environ(self):
        return {"TOY_CONF": str(self.context.run / "toy.conf")}

    def prepare(self):
        if "word" not in self.context.spec.config:
            raise ServiceUnavailable("The toy needs a word. Name one in the environment.")
        (self.context.run / "toy.conf").write_text(self.context.spec.config["word"])

    async def answer(self, request, reply, path, processes):
        reply.send(HTTPStatus.OK, f"{self.context.base_path} {path} {len(list(processes)) > 0}".encode())

    async def busy_with(self, processes):
        if (self.context.home / "broken").exists():
            raise ValueError("broken")
        return ["The toy"] if (self.context.home / "busy").exists() else []
"""
SHOWS = ("{python}", "-c", "import os, signal; print(os.environ['TOY_CONF'], os.environ['PATH'], flush=True); signal.pause()")


@pytest.fixture
def toy_package(tmp_path: Path) -> Path:
    """A folder in which a package with the service `toy` is installed."""
    folder = tmp_path / "installed"
    about = folder / "rspark_toy-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: rspark-toy\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[rspark_session.services]\ntoy = rspark_toy:Toy\n")
    (folder / "rspark_toy.py").write_text(TOY)
    return folder


@pytest.fixture
def with_toy(prepare: Prepare, toy_package: Path) -> Callable[..., Running]:
    """Start an agent whose Python finds the package."""

    def start(opened: Json | None = None, **config: str) -> Running:
        service = {"name": "toy", "title": "Toy", "config": config}
        running = prepare(contract=2, services=[service], parts=[part("shows", *SHOWS)], interface=opened)
        running.start(PYTHONPATH=str(toy_package))
        return running

    return start


@pytest.mark.parametrize("name", ["postgres", "s3", "spark"])
def test_a_service_is_found_by_the_name_that_environments_use(name: str) -> None:
    assert find(name).__module__ == f"rspark_session.services.{name}"


@pytest.mark.parametrize("name", ["oracle", "base", "registry", "problem", "Spark", ""])
def test_a_service_without_a_module_sets_nothing_up(name: str, tmp_path: Path) -> None:
    spec = ServiceSpec(name=name, title=name)
    service = find(name)(Context(spec=spec, base_path="/s/a/", home=tmp_path, run=tmp_path))
    assert type(service) is Service
    service.prepare()
    assert (service.environ(), service.programs(), service.route, list(tmp_path.iterdir())) == ({}, (), None, [])


def test_other_packages_are_not_searched_for_a_service_of_ours_and_asyncio_is_not_loaded() -> None:
    """Both take longer than to start R, which comes first."""
    code = (
        "import sys; from rspark_contract.ensemble import read_document; from rspark_session.services.registry import find; "
        "find('spark'); find('postgres'); "
        "print([name for name in ('importlib.metadata', 'asyncio', 'email') if name in sys.modules])"
    )
    assert subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


async def test_a_service_of_another_package_is_set_up_and_answers(with_toy: Callable[..., Running]) -> None:
    running = with_toy(word="hush")
    await running.until_state("ready")
    assert (running.run / "toy.conf").read_text() == "hush"
    await until(lambda: str(running.run / "toy.conf") in running.log("shows"), "it has its variables")
    assert ":/opt/toy/bin:" in running.log("shows")
    base = running.asked["base_path"]
    for path, below in (("toy", ""), ("toy/", "/"), ("toy/a/b", "/a/b")):
        assert (await running.get(path)).text == f"{base} {below} True"
    assert (await running.get("toys")).status_code == 503  # the interface's, which there is none of
    (running.home / "busy").touch()
    await until(lambda: running.status()["busy_with"] == ["The toy"], "it is busy")


async def test_a_package_that_can_not_be_loaded_fails_the_session_in_a_sentence(
    with_toy: Callable[..., Running], toy_package: Path
) -> None:
    (toy_package / "rspark_toy.py").write_text("Toy = 7\n")
    running = with_toy(word="hush")
    assert await running.ended() == 1
    expected = "Toy can't be loaded: toy is no service: 7. Ask your administrator to mend its package."
    assert running.status()["reason"] == expected


@pytest.mark.long
async def test_a_service_that_fails_blinds_nobody_for_the_rest(with_toy: Callable[..., Running]) -> None:
    running = with_toy(word="hush")
    await running.until_state("ready")
    (running.home / "broken").touch()
    await until(lambda: "Toy can't name what it computes" in running.log("agent"), "it has failed")
    seen = running.status()["updated"]
    await until(lambda: running.status()["updated"] != seen, "the ensemble is measured all the same")


@pytest.mark.parametrize("opened", [None, interface("web", command=["sleep", "1000"]), interface("jupyterlab")])
async def test_a_service_that_can_not_be_set_up_fails_the_session_in_its_words(
    with_toy: Callable[..., Running], opened: Json | None
) -> None:
    running = with_toy(opened)
    assert await running.ended() == 1
    assert running.status()["reason"] == "The toy needs a word. Name one in the environment."
    assert json.loads((running.run / "record.json").read_text())["how"] == "failed"
    await until(lambda: not members(running.name), "nothing of it is left")
