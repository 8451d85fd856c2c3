"""A real Hive on a real HDFS for tests, started by the commands of their instances, and what a hub asks of them."""

import asyncio
import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from rsparkhub.domain.environment import Resources, ServiceOptions
from rsparkhub.services.base import Account, Credential
from rsparkhub.services.hive import Hive
from tests.hdfs_server import HdfsServer

_CHECKOUT = Path(__file__).parents[1]
_PATIENCE = 240.0  # seconds


class HiveServer:
    """Hive on a data folder; it may be ended, killed and started again. `hdfs` has its tables' files."""

    def __init__(self, folder: Path, hdfs: HdfsServer) -> None:
        self.hdfs = hdfs
        self.data = folder / "hive-data"
        self.endpoint_file = folder / "hive.json"
        self.log = folder / "hive.log"
        self.service = Hive()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environ: str) -> "HiveServer":
        """Start it, and return when it can be used."""
        (instance,) = self.service.instances()
        (component,) = instance.components
        python = os.environ.get("RSPARK_TEST_PYTHON") or str(_CHECKOUT / ".venv-session/bin/python")
        places = {"python": python, "data": str(self.data), "run": str(self.endpoint_file.parent), "host": "127.0.0.1"}
        with self.log.open("ab") as log:
            command = [word.format_map(places) for word in component.command]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | environ)
        deadline = time.monotonic() + _PATIENCE
        while not self.endpoint_file.exists():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        return self

    def __enter__(self) -> "HiveServer":
        try:
            return self.start()
        except BaseException:
            self.end()
            raise

    def __exit__(self, *problem: object) -> None:
        self.end()

    def end(self) -> int:
        """End it in order; return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def metastore(self) -> int:
        """Return the pid of the metastore's own process."""
        assert self.process is not None
        (pid,) = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(pid)

    def kill(self) -> None:
        """Kill all of it at once, as the kernel may."""
        assert self.process is not None
        for pid in (self.process.pid, self.metastore()):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.endpoint_file.unlink()

    @property
    def endpoint(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.endpoint_file.read_text())
        return found

    def account(self, user: str, groups: tuple[str, ...] = (), credential: Credential | None = None) -> Account:
        """Return a person's account as a controller hands it to the service."""
        needed = {"hdfs": self.hdfs.endpoint}
        return Account(user=user, password="not used", groups=groups, credential=credential, needed=needed)

    def session(self, name: str, user: str, *, generation: int = 1, groups: tuple[str, ...] = ()) -> dict[str, Any]:
        """Open accounts and credentials on both as a controller does; return the members of `ensemble.json` that come of it."""
        members = self.hdfs.session(name, user, generation=generation, groups=groups)
        credential = Credential(session=name, generation=generation, secret=f"secret-of-{name}-{generation}")
        account = self.account(user, groups, credential)

        async def grant() -> Account:
            await self.service.ensure_account(self.endpoint, account)
            return replace(account, credential=replace(credential, issued=await self.service.issue(self.endpoint, account)))

        options = ServiceOptions(scope="shared")
        granted = asyncio.run(grant())
        config = self.service.session_config(options, resources=Resources(), endpoint=self.endpoint, account=granted)
        members["services"].append({"name": "hive", "title": "Hive", "config": dict(config.config)})
        members["files"] += [file.to_json() for file in config.files]
        return members
