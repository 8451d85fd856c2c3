"""What all tests of the session share: the source on the path, since most of it needs nothing but Python, and real agents."""

import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from session.tests.browsing import Edge
from session.tests.running import CHECKOUT, Running, spec

sys.path.insert(0, str(CHECKOUT / "session/src"))


@pytest.fixture
async def prepare(tmp_path: Path) -> AsyncIterator[Callable[..., Running]]:
    """Make agents that aren't started yet. Those of one test are generations of one session, of which there is no other."""
    made = []
    session = "t" + uuid.uuid4().hex[:9]

    def make(**changes: Any) -> Running:
        running = Running(spec(tmp_path, id=session, **changes))
        made.append(running)
        return running

    yield make
    for running in made:
        await running.close()


@pytest.fixture(scope="session")
def r_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An R library with the package rspark as it is in the checkout."""
    folder = tmp_path_factory.mktemp("library")
    command = [CHECKOUT / "r/install-rspark", folder, "--no-docs", "--no-test-load"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def start(prepare: Callable[..., Running]) -> Callable[..., Running]:
    """Start agents."""

    def go(**changes: Any) -> Running:
        running = prepare(**changes)
        running.start()
        return running

    return go


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    edge = Edge(tmp_path)
    yield edge
    edge.stop()
