"""A whole RSparkHub for a test or a benchmark: `rsparkhub up` on a folder and a port of its own, ended without residue."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
COMMAND = ROOT / ".venv/bin/rsparkhub"
LINK = re.compile(r"http://\S+/hub/\?token=\S+")


def free_port() -> int:
    """Give a port that was free a moment ago; `up` says so in one sentence when somebody took it since."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Installation:
    """One data folder and what runs on it."""

    def __init__(
        self, data: Path, *, port: int | None = None, environ: Mapping[str, str] | None = None, command: Path = COMMAND
    ) -> None:
        self.data = data
        self._command = command
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}"
        self.address = f"http://127.0.0.1:{self.port}"
        self.environ = {**os.environ, "RSPARKHUB_SESSION_R_LIBS": str(ROOT / ".r-library"), **(environ or {})}
        self.process: subprocess.Popen[str] | None = None
        self.link: str | None = None

    def up(self, *, within: float = 120) -> str:
        """Start, and give the one-time link that it prints.

        Raises
        ------
        RuntimeError
            When it ends, or prints no link in time; the message holds what it printed.
        """
        log = self.data.with_suffix(".up.log")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [self._command, "up", "--data", self.data, "--port", str(self.port)],
                env=self.environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if match := LINK.search(log.read_text()):
                self.link = match[0]
                return match[0]
            if self.process.poll() is not None:
                raise RuntimeError(f"rsparkhub up ended with {self.process.returncode}:\n{log.read_text()}")
            time.sleep(0.05)
        raise RuntimeError(f"rsparkhub up printed no link within {within} s:\n{log.read_text()}")

    @property
    def token(self) -> str:
        return str(json.loads((self.data / "cli.json").read_text())["token"])

    def client(self) -> httpx.Client:
        """Give an HTTP client that is the administrator of this installation."""
        return httpx.Client(base_url=self.address, headers={"Authorization": f"Bearer {self.token}"}, timeout=60)

    def command(self, *arguments: str, within: float = 120) -> "subprocess.CompletedProcess[str]":
        """Run `rsparkhub ARGUMENTS` on this installation."""
        return subprocess.run(
            [self._command, *arguments],
            env={**self.environ, "RSPARKHUB_DATA": str(self.data)},
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )

    def interrupt(self) -> int:
        """Press Ctrl+C: hub, controller and edge end, sessions go on. Gives the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def down(self) -> None:
        """End everything: sessions and shared services too."""
        done = self.command("down", "--data", str(self.data))
        if self.process is not None and self.process.poll() is None:
            self.interrupt()
        if done.returncode != 0:
            raise RuntimeError(f"rsparkhub down ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def __enter__(self) -> "Installation":
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
