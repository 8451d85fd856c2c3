"""The cluster of this machine, as tests use it."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

TOP = Path(__file__).resolve().parents[2]
PLACE = TOP / ".build/cluster"


class Cluster:
    """Calls kubectl as the administrator: `cluster("get", "pods")` gives what it prints."""

    kubeconfig = PLACE / "kubeconfig"
    audit = PLACE / "log/audit.log"

    def command(self, *words: str) -> list[str]:
        return [str(PLACE / "bin/kubectl"), "--kubeconfig", str(self.kubeconfig), *words]

    def __call__(self, *words: str, given: object = None) -> str:
        text = json.dumps(given) if given is not None else None
        said = subprocess.run(self.command(*words), input=text, capture_output=True, text=True, check=False)
        assert said.returncode == 0, f"{' '.join(words)}: {said.stderr}"
        return said.stdout

    def get(self, *words: str) -> Any:
        return json.loads(self("get", *words, "-o", "json"))

    def apply(self, *manifests: dict[str, Any]) -> None:
        self(
            "apply",
            "--server-side",
            "--force-conflicts",
            "-f",
            "-",
            given={"apiVersion": "v1", "kind": "List", "items": list(manifests)},
        )

    def program(self, name: str) -> psutil.Process:
        """Give the process of one of the cluster's own programs."""
        path = str(PLACE / "bin" / name)
        found = [one for one in psutil.process_iter(["cmdline"]) if (one.info["cmdline"] or [""])[0] == path]
        assert len(found) == 1, f"{name}: {found}"
        return found[0]

    def kill(self, name: str) -> None:
        self.program(name).kill()

    def until_ready(self, *, seconds: float = 60) -> None:
        """Wait until the API server answers: one that was killed is started again."""
        deadline = time.monotonic() + seconds
        while subprocess.run(self.command("get", "--raw", "/readyz"), capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, "the API server does not come back"
            time.sleep(0.1)


def make(target: str, **variables: str) -> str:
    command = ["make", "--no-print-directory", target, *(f"{name}={value}" for name, value in variables.items())]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
