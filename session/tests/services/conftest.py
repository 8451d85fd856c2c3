"""A real PostgreSQL server, started by its own command."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from session.tests.places import session_python


@dataclass
class PostgresCommand:
    """One run of the command, on a data folder."""

    data: Path
    run: Path
    environ: dict[str, str] = field(default_factory=dict)
    python: str = field(default_factory=session_python)
    account: int | None = None
    more: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.run.mkdir(parents=True, exist_ok=True)
        self.endpoint_file = self.run / "postgres.json"
        self.log = self.run / "postgres.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    self.python,
                    "-m",
                    "rspark_session.services.postgres",
                    "--data",
                    self.data,
                    "--endpoint",
                    self.endpoint_file,
                    *self.more,
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | self.environ,
                user=self.account,
                group=self.account,
            )

    def ready(self) -> "PostgresCommand":
        self.wait_for(self.endpoint_file.exists)
        return self

    def wait_for(self, condition: Callable[[], bool], seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)

    def said(self) -> str:
        return self.log.read_text()

    @property
    def endpoint(self) -> dict[str, Any]:
        return json.loads(self.endpoint_file.read_text())

    def connect(self, database: str = "postgres", **more: Any) -> psycopg.Connection[Any]:
        endpoint = self.endpoint
        settings = {"host": endpoint["host"], "user": endpoint["admin"], "password": endpoint["admin_password"]} | more
        return psycopg.connect(port=endpoint["port"], dbname=database, autocommit=True, **settings)

    def postmaster(self) -> int:
        return int((self.data / "cluster/postmaster.pid").read_text().split()[0])

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Callable[..., PostgresCommand]]:
    """Start the command as often as a test likes, on the test's own data folder; all of them end with the test."""
    started: list[PostgresCommand] = []

    def start(**more: Any) -> PostgresCommand:
        command = PostgresCommand(**({"data": tmp_path / "data", "run": tmp_path / f"run{len(started)}"} | more))
        started.append(command)
        return command

    yield start
    for command in started:
        command.end()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresCommand]:
    """One server that tests only look at."""
    folder = tmp_path_factory.mktemp("postgres")
    command = PostgresCommand(data=folder / "data", run=folder / "run")
    try:
        yield command.ready()
    finally:
        command.end()
