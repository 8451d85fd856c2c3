"""The real shared server, started as the hub starts it."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rsparkhub.services.postgres import Postgres

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What a running server says of itself, started by the command of its instance."""
    folder = tmp_path_factory.mktemp("postgres")
    (instance,) = Postgres().instances()
    (part,) = instance.components
    python = os.environ.get("RSPARK_TEST_PYTHON") or str(CHECKOUT / ".venv-session/bin/python")
    places = {"python": python, "data": str(folder / "data"), "run": str(folder), "host": "127.0.0.1"}
    file = Path(part.ready["file"].format_map(places))
    log = folder / "log"
    with log.open("w") as stream:
        process = subprocess.Popen([word.format_map(places) for word in part.command], stdout=stream, stderr=stream)
    try:
        deadline = time.monotonic() + 90
        while not file.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield json.loads(file.read_text())
    finally:
        process.terminate()
        assert process.wait(part.stop_timeout) == 0
