"""Agents for tests; whatever a test leaves of them is ended."""

import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from .running import CHECKOUT, Running, spec


@pytest.fixture
async def prepare(tmp_path: Path) -> AsyncIterator[Callable[..., Running]]:
    """Make agents that aren't started yet."""
    made = []

    def make(**changes: Any) -> Running:
        running = Running(spec(tmp_path, **changes))
        made.append(running)
        return running

    yield make
    for running in made:
        await running.close()


@pytest.fixture(scope="session")
def r_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An R library with the package rspark as it is in the checkout."""
    folder = tmp_path_factory.mktemp("library")
    command = ["R", "CMD", "INSTALL", "--no-docs", "--no-test-load", "-l", folder, CHECKOUT / "r/rspark"]
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
