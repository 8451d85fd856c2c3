"""What tests of the backend, of the controller and of chaos share: a process backend in a folder of its own.

Its sessions run the stand-in agent, and everything is ended with the test.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from rspark_contract.specs import InterfaceSpec
from rsparkhub.backends.base import EnsembleRef
from rsparkhub.backends.process import proc
from rsparkhub.backends.process.backend import ProcessBackend
from rsparkhub.backends.process.run_folder import RunFolder
from rsparkhub.domain.ensemble import EnsembleSpec, Observed
from rsparkhub.domain.session import Session

STAND_IN = Path(__file__).with_name("stand_in_agent.py")


@pytest.fixture
def session_python(tmp_path: Path) -> Path:
    """A program that is called as the session's Python is, and runs the stand-in agent."""
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nfor last; do :; done\nexec {sys.executable} -I -S {STAND_IN} "$last"\n')
    program.chmod(0o755)
    return program


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def notify_dir() -> Iterator[Path]:
    """A folder of sockets, whose paths may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="notify-") as folder:
        yield Path(folder)


@pytest.fixture
async def backend(data: Path, notify_dir: Path, session_python: Path) -> AsyncIterator[ProcessBackend]:
    backend = ProcessBackend(data=data, notify_dir=notify_dir, python=session_python)
    yield backend
    for ref in await backend.list():
        await backend.kill(ref)
    await backend.aclose()
    left = [p for p in proc.everyone() if proc.ensemble_of(p.pid, f"{data}/".encode())]
    assert left == [], "every process of a test ends with it"


def make_spec(name: str = "aaaa", generation: int = 1, **more: object) -> EnsembleSpec:
    values: dict[str, object] = {
        "id": name, "generation": generation, "kind": "session", "user": "ada", "base_path": f"/s/{name}/", "secret": "secret",
        "hub_url": "http://localhost:8000", "token": None, "interface": InterfaceSpec(kind="terminal", title="Terminal"),
    }  # fmt: skip
    return EnsembleSpec(**(values | more))  # type: ignore[arg-type]


async def until(backend: ProcessBackend, ref: EnsembleRef, good: Callable[[Observed], bool], *, seconds: float = 30) -> Observed:
    """Look until what is observed is good."""
    async with asyncio.timeout(seconds):
        while not good(observed := await backend.observe(ref)):
            await asyncio.sleep(0.02)
    return observed


def members_of(data: Path, ensemble: str) -> list[proc.Process]:
    return [p for p in proc.everyone() if proc.ensemble_of(p.pid, f"{data}/".encode()) == ensemble]


def agent_of(data: Path, ensemble: str = "aaaa.1") -> proc.Process:
    shim = RunFolder(data / "sessions", EnsembleRef(*_split(ensemble))).shim()
    assert shim is not None
    assert shim.agent is not None
    return shim.agent


def shim_of(data: Path, ensemble: str = "aaaa.1") -> proc.Process:
    shim = RunFolder(data / "sessions", EnsembleRef(*_split(ensemble))).shim()
    assert shim is not None
    return shim.process


def behave(data: Path, user: str = "ada", **behaviour: object) -> None:
    """Tell the stand-in agents of a person how to behave from their next start on."""
    home = data / "homes" / user
    home.mkdir(parents=True, exist_ok=True)
    (home / "behaviour.json").write_text(json.dumps(behaviour))


def restored_value(session: Session) -> int | None:
    """The number that the stand-in agent brought back."""
    return session.restored.kernels[0].objects if session.restored else None


def _split(ensemble: str) -> tuple[str, int]:
    name, _, generation = ensemble.partition(".")
    return name, int(generation)
