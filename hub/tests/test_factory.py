"""What the factory opens it closes."""

from pathlib import Path

import pytest

from rsparkhub.backends.process.backend import ProcessBackend
from rsparkhub.factory import Factory
from rsparkhub.settings import Settings


async def test_the_backend_is_closed_with_the_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    async def aclose(backend: ProcessBackend) -> None:
        closed.append(backend)

    monkeypatch.setattr(ProcessBackend, "aclose", aclose)
    async with Factory(Settings(data=tmp_path)):
        pass
    assert closed == [], "one that nobody asked for is not made to be closed"
    async with Factory(Settings(data=tmp_path)) as factory:
        backend = factory.backend
    assert closed == [backend]
