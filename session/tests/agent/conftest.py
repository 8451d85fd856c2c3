"""Agents for tests; whatever a test leaves of them is ended."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from .running import Running, spec


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


@pytest.fixture
def start(prepare: Callable[..., Running]) -> Callable[..., Running]:
    """Start agents."""

    def go(**changes: Any) -> Running:
        running = prepare(**changes)
        running.start()
        return running

    return go
