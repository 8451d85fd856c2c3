"""One RSparkHub with one session that has every service, for the tests that only use it and leave it as it is."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.running import Running, environ
from tests.installation import COMMAND, ROOT

#: The environment of the catalog that has all services.
FULL = ROOT / "environments/rspark-full.yaml"


class FullSession:
    """A session of the administrator's, in which programs are run as in its terminal; with every service, unless told otherwise.

    It is the first of its RSparkHub.
    """

    def __init__(self, here: Running, environment: str = "rspark-full") -> None:
        self.services = here.data / "services"
        self._environ = environ(RSPARKHUB_DATA=str(here.data))
        started = self._command("session", "start", environment, "--wait", "--json", "--timeout", "400")
        assert started.returncode == 0, started.stdout + started.stderr
        self.id = str(json.loads(started.stdout)["id"])
        self.home = Path(self.run("printenv", "HOME").strip())

    def run(self, *words: str) -> str:
        """Run a program in the session; return what it prints, with what it says of errors."""
        done = self._command("session", "exec", self.id, "--", *words)
        assert done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stdout[-8000:]}{done.stderr[-8000:]}"
        return done.stdout

    def r(self, code: str) -> str:
        """Run R code in the session; return what it prints."""
        return self.run("Rscript", "-e", code)

    def audit(self) -> str:
        """Return what the hub's log of events says, as `rsparkhub audit` prints it."""
        found = self._command("audit", "--kind", "part", "--limit", "200", "--json")
        assert found.returncode == 0, found.stderr
        return found.stdout

    def _command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([COMMAND, *words], env=self._environ, capture_output=True, text=True, timeout=900, check=False)


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FullSession]:
    """Return a session of the environment `rspark-full`, which lasts for all tests of this folder."""
    folder = tmp_path_factory.mktemp("full")
    (folder / "environments").mkdir()
    (folder / "environments/rspark-full.yaml").write_text(FULL.read_text())
    with Running(folder / "data", environ=environ(RSPARKHUB_ENVIRONMENTS=str(folder / "environments"))) as running:
        yield FullSession(running)
