"""A real HDFS for tests, started by the command of its instance, and what a hub asks of it."""

import asyncio
import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from rsparkhub.domain.environment import Resources
from rsparkhub.services.base import Account, Credential
from rsparkhub.services.hdfs import Hdfs

_CHECKOUT = Path(__file__).parents[1]
_PATIENCE = 240.0  # seconds


class HdfsServer:
    """HDFS on a data folder; it may be ended, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.endpoint_file = folder / "hdfs.json"
        self.log = folder / "log"
        self.service = Hdfs()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "HdfsServer":
        """Start it, and return when it can be used."""
        (instance,) = self.service.instances()
        (component,) = instance.components
        python = os.environ.get("RSPARK_TEST_PYTHON") or str(_CHECKOUT / ".venv-session/bin/python")
        places = {"python": python, "data": str(self.data), "run": str(self.endpoint_file.parent), "host": "127.0.0.1"}
        with self.log.open("ab") as log:
            command = [word.format_map(places) for word in component.command]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_for(self.endpoint_file.exists)
        return self

    def __enter__(self) -> "HdfsServer":
        try:
            return self.start()
        except BaseException:
            self.end()
            raise

    def __exit__(self, *problem: object) -> None:
        self.end()

    def wait_for(self, condition: Any) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not condition():
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def end(self) -> int:
        """End it in order; return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(90)

    def servers(self) -> list[int]:
        """Return the pids of all that it started."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def kill(self) -> None:
        """Kill all of it at once, as the kernel may."""
        assert self.process is not None
        for pid in (self.process.pid, *self.servers()):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.endpoint_file.unlink()

    @property
    def endpoint(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.endpoint_file.read_text())
        return found

    def session(
        self, name: str, user: str, *, generation: int = 1, quota: str = "2Gi", groups: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """Open an account and a credential as a controller does; return the members of `ensemble.json` that come of it."""
        options = Hdfs.Options.model_validate({"scope": "shared", "quota": quota})
        config = self.service.session_config(
            options, resources=Resources(), endpoint=self.endpoint, account=self.account(name, user, generation, options, groups)
        )
        return {
            "id": name,
            "generation": generation,
            "user": user,
            "services": [{"name": "hdfs", "title": "HDFS", "config": dict(config.config)}],
            "files": [file.to_json() for file in config.files],
        }

    def account(self, name: str, user: str, generation: int, options: Any, groups: tuple[str, ...] = ()) -> Account:
        """Return a person's account with a token for a generation of a session, which the service made."""
        credential = Credential(session=name, generation=generation, secret="not used", options=options)
        account = Account(user=user, password="not used", groups=groups, credential=credential)

        async def grant() -> Account:
            await self.service.ensure_account(self.endpoint, account)
            return replace(account, credential=replace(credential, issued=await self.service.issue(self.endpoint, account)))

        return asyncio.run(grant())
