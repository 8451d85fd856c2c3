"""An RSparkHub with one session that has every service, which the benchmarks of services measure."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.install.running import Running, environ
from tests.services.conftest import FULL, FullSession


@contextmanager
def hub(root: Path, **environments: str) -> Iterator[Running]:
    """Run an RSparkHub on `root / "data"` whose catalog has `rspark-full` and the environments given as YAML, by their names."""
    folder = root / "environments"
    folder.mkdir(exist_ok=True)
    for name, text in {"rspark-full": FULL.read_text(), **environments}.items():
        (folder / f"{name}.yaml").write_text(text)
    with Running(root / "data", environ=environ(RSPARKHUB_ENVIRONMENTS=str(folder))) as running:
        yield running


@contextmanager
def session() -> Iterator[tuple[Running, FullSession]]:
    """Run a session with every service, on an RSparkHub of its own."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)  # where root runs it, servers have accounts of their own
        with hub(root) as running:
            yield running, FullSession(running)
