"""A world for each test: see `edge_world`."""

import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from edge_world import World, making_world

from rsparkhub.settings import Settings
from rsparkhub.store import Store, open_store


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder whose path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="rsh-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def settings(data: Path) -> Settings:
    settings = Settings(data=data, port=0)
    for folder in (settings.socket_dir, settings.notify_dir):
        folder.mkdir(mode=0o700, parents=True)
    return settings


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with open_store(settings.store, notify_dir=settings.notify_dir) as store:
        yield store


@pytest.fixture
async def world(settings: Settings, store: Store) -> AsyncIterator[World]:
    async with making_world(settings, store) as world:
        yield world
