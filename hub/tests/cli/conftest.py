"""The command line on a data folder of the test's own, and a hub on it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Cli, RunningHub

from rsparkhub.installation.data_folder import prepare
from rsparkhub.settings import Settings


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line on a data folder that isn't there yet."""
    return Cli(tmp_path / "data")


@pytest.fixture
def hub(cli: Cli) -> Iterator[RunningHub]:
    """A hub on the data folder of `cli`, whose administrator is this machine's user."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
        settings = Settings(data=cli.data, port=port, public_url=f"http://127.0.0.1:{port}")
        prepare(settings)
        with RunningHub(settings, bound) as running:
            yield running
